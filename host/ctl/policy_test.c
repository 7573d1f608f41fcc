/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbctl policy test FILE: what would be decided if things were as the file says.
 *
 * The file is what ebbctl explain --json prints, changed by hand. So a member that is
 * misspelt must not pass as one that is left out, a size may be written as people
 * write it, and what an older ebbd did not say has a default. Then the tables of
 * host/interface/explain.h decode it, host/snapshot/ decides, and it is shown as
 * ebbctl explain shows what ebbd decides.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/ctl/explain.h"
#include "host/ctl/policy_test.h"
#include "host/ctl/text.h"
#include "host/interface/nearest.h"
#include "host/snapshot/snapshot.h"

enum {
	FILE_BYTES_MAX = 64 << 20,
	DEPTH_MAX = 8,
	DOMAINS_MAX = 100000,
	FIELDS_MAX = 64,
	PLACE_BYTES = 2 * EBB_NAME_BYTES_MAX,
};

/* What of a row need not be there, as JSON. */
struct preset {
	const char *name;
	const char *json;
};

/* UINT32_MAX of an age is never, or not known. */
#define NEVER "4294967295"

static const struct preset head_presets[] = {
	{ "enabled", "true" },
	{ "dry-run", "false" },
	{ "paused", "false" },
	{ "budgets", "[]" },
	{ "budgets-age-ms", "0" },
	{ "paused-domains", "[]" },
	{ NULL, NULL },
};

static const struct preset budget_presets[] = {
	{ "huge-pages", "false" }, { "fast-swap-bytes", "0" },
	{ "cover-guests", "1" },   { "for-show", "false" },
	{ "in-need", "false" },	   { "emergency", "false" },
	{ "need-bytes", "0" },	   { "met-bytes", "0" },
	{ "covered", "false" },	   { "debt-bytes", "0" },
	{ "cover-bytes", "0" },	   { "min-bytes", "0" },
	{ "mins-fit", "false" },   { NULL, NULL },
};

static const struct preset domain_presets[] = {
	{ "uuid", "\"\"" },
	{ "mode", "\"balanced\"" },
	{ "min-bytes", "0" },
	{ "max-bytes", "0" },
	{ "shares", "1000" },
	{ "paused", "false" },
	{ "state", "\"\"" },
	{ "text", "\"\"" },
	{ "bytes", "0" },
	{ "memory-known", "true" },
	{ "balloon-known", "true" },
	{ "balloon-bytes", "0" },
	{ "swapped-known", "true" },
	{ "swapped-bytes", "0" },
	{ "lent-bytes", "0" },
	{ "cushion-bytes", "0" },
	{ "facts-age-ms", "0" },
	{ "lasting-bytes", "0" },
	{ "lasting-ms", NEVER },
	{ "working-set-known", "false" },
	{ "working-set-bytes", "0" },
	{ "last-age-ms", NEVER },
	{ "last-asked-bytes", "0" },
	{ "last-came-bytes", "0" },
	{ "last-dry-run", "false" },
	{ "phase", "\"settled\"" },
	{ "can-drive", "true" },
	{ "can-page-out", "false" },
	{ "by-balloon", "false" },
	{ "parts-known", "true" },
	{ "asked-age-ms", NEVER },
	{ "heard-since-asked", "true" },
	{ "pending-bytes", "0" },
	{ "window-bytes", "0" },
	{ "rests-left-ms", "0" },
	{ "stuck-left-ms", "0" },
	{ "idle-answers", "0" },
	{ NULL, NULL },
};

/* The command, and the name of its file for messages. */
struct test {
	const struct ctl_args *args;
	const char *path;
};

#define FAIL(test_, format_, ...)                               \
	ctl_error((test_)->args, CTL_FAILED, "InvalidArgument", \
		  "%s: " format_, (test_)->path, ##__VA_ARGS__)

/* ---- the file ---- */

static int read_file(const struct test *test, char **ret_text,
		     size_t *ret_bytes)
{
	bool is_stdin = strcmp(test->args->operands[1], "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(test->args->operands[1], "re");
	ebb_auto_free char *text = NULL;
	size_t bytes = 0, room = 0;
	int status = CTL_DONE;

	if (!file)
		return FAIL(test, "%s. Save one with: ebbctl explain --json",
			    strerror(errno));
	while (bytes == room && status == CTL_DONE) {
		size_t more = room ? 2 * room : 64 << 10;
		char *larger = more <= FILE_BYTES_MAX ? realloc(text, more)
						      : NULL;

		if (!larger) {
			status = FAIL(test,
				      "larger than %d MiB, which is more than "
				      "is read. Leave domains out.",
				      FILE_BYTES_MAX >> 20);
			break;
		}
		text = larger;
		room = more;
		bytes += fread(text + bytes, 1, room - bytes, file);
	}
	if (status == CTL_DONE && ferror(file))
		status = FAIL(test, "%s. Give a file that can be read.",
			      strerror(errno));
	if (!is_stdin)
		fclose(file);
	if (status != CTL_DONE)
		return status;
	*ret_text = ebb_steal_ptr(text);
	*ret_bytes = bytes;
	return CTL_DONE;
}

/* The line of a byte, from 1. */
static unsigned int line_of(const char *text, size_t at)
{
	unsigned int line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

static size_t skip_blanks(const char *text, size_t bytes, size_t at)
{
	while (at < bytes && strchr(" \t\r\n", text[at]) && text[at])
		at++;
	return at;
}

static int parse(const struct test *test, const char *text, size_t bytes,
		 struct json_object **ret_value)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *value;
	enum json_tokener_error error;
	size_t end;

	if (!tokener)
		return FAIL(test, "out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
						JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tokener, text, (int)bytes);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (error == json_tokener_continue)
		return FAIL(test,
			    "line %u: the file ends within a value. Save it "
			    "anew with: ebbctl explain --json",
			    line_of(text, bytes ? bytes - 1 : 0));
	if (error == json_tokener_success &&
	    skip_blanks(text, bytes, end) < bytes) {
		json_object_put(value);
		return FAIL(test,
			    "line %u: something follows the end. Remove it.",
			    line_of(text, skip_blanks(text, bytes, end)));
	}
	if (error != json_tokener_success)
		return FAIL(test,
			    "line %u: this is no JSON: %s. Mend it there, or "
			    "in the line before.",
			    line_of(text, end), json_tokener_error_desc(error));
	*ret_value = value;
	return CTL_DONE;
}

/* ---- a row, before it is decoded ---- */

static const struct ebb_field *find_field(const struct ebb_field *fields,
					  const char *name)
{
	while (fields->name && strcmp(fields->name, name) != 0)
		fields++;
	return fields->name ? fields : NULL;
}

static int fail_unknown(const struct test *test, const char *place,
			const struct ebb_field *fields, const char *name)
{
	const char *names[FIELDS_MAX];
	size_t count = 0;
	const char *near;

	for (; fields->name && count < FIELDS_MAX; fields++)
		names[count++] = fields->name;
	near = ebb_nearest(name, names, count);
	if (near)
		return FAIL(test,
			    "%s: '%.40s' is not known. Did you mean '%s'?",
			    place, name, near);
	return FAIL(test, "%s: '%.40s' is not known. Remove it.", place, name);
}

/* "2G" of a member that is a number of bytes. */
static int take_size(const struct test *test, const char *place,
		     struct json_object *row, const char *name,
		     const char *text)
{
	uint64_t bytes;

	if (ebb_size_parse(text, &bytes) < 0 || bytes > INT64_MAX)
		return FAIL(test, "%s: %s: '%.40s' %s, or a number of bytes.",
			    place, name, text, ebb_size_trouble(text));
	json_object_object_add(row, name, json_object_new_uint64(bytes));
	return CTL_DONE;
}

static int check_members(const struct test *test, const char *place,
			 struct json_object *row,
			 const struct ebb_field *fields)
{
	int status = CTL_DONE;

	/* A value that is replaced in its place leaves the walk as it is. */
	json_object_object_foreach(row, name, value) {
		const struct ebb_field *field = find_field(fields, name);

		if (!field)
			return fail_unknown(test, place, fields, name);
		if (field->type == EBB_FIELD_U64 &&
		    json_object_is_type(value, json_type_string))
			status = take_size(test, place, row, name,
					   json_object_get_string(value));
		if (status != CTL_DONE)
			return status;
	}
	return CTL_DONE;
}

static void add_presets(struct json_object *row, const struct preset *presets)
{
	for (; presets->name; presets++)
		if (!json_object_object_get_ex(row, presets->name, NULL))
			json_object_object_add(
				row, presets->name,
				json_tokener_parse(presets->json));
}

static int prepare_row(const struct test *test, const char *place,
		       struct json_object *row, const struct ebb_field *fields,
		       const struct preset *presets)
{
	int status;

	if (!json_object_is_type(row, json_type_object))
		return FAIL(test,
			    "%s: it is no object. Write its members in braces.",
			    place);
	status = check_members(test, place, row, fields);
	if (status == CTL_DONE)
		add_presets(row, presets);
	return status;
}

/* "domains[3] (web1)": where a mistake is. */
static const char *name_place(const char *array, size_t index,
			      struct json_object *row, char *ret_place)
{
	struct json_object *name;

	if (json_object_is_type(row, json_type_object) &&
	    json_object_object_get_ex(row, "name", &name) &&
	    json_object_is_type(name, json_type_string))
		snprintf(ret_place, PLACE_BYTES, "%s[%zu] (%.60s)", array,
			 index, json_object_get_string(name));
	else
		snprintf(ret_place, PLACE_BYTES, "%s[%zu]", array, index);
	return ret_place;
}

/* @ret_array: NULL if there is none. */
static int find_array(const struct test *test, struct json_object *value,
		      const char *name, struct json_object **ret_array)
{
	*ret_array = NULL;
	if (!json_object_object_get_ex(value, name, ret_array))
		return CTL_DONE;
	if (json_object_is_type(*ret_array, json_type_array))
		return CTL_DONE;
	return FAIL(test, "'%s' is no array. Write its rows in brackets.",
		    name);
}

/* ---- decoding ---- */

struct rows {
	struct ebb_explain head;
	struct json_object *array;
	uint32_t count;
	struct ebb_explain_domain *domains;
};

static int decode(const struct test *test, const char *place,
		  struct json_object *value, const struct ebb_field *fields,
		  void *ret_row, size_t row_bytes)
{
	struct ebb_msg_error error;

	if (ebb_msg_decode(value, fields, ret_row, row_bytes, &error) < 0)
		return FAIL(test,
			    "%s%s%s. Write it as ebbctl explain --json does.",
			    place, *place ? ": " : "", error.text);
	ctl_clean_message(fields, ret_row);
	return CTL_DONE;
}

static int read_head(const struct test *test, struct json_object *value,
		     struct ebb_explain *ret_head)
{
	char place[PLACE_BYTES];
	struct json_object *array;
	struct ebb_explain_budget budget;
	int status = find_array(test, value, "budgets", &array);

	for (size_t i = 0;
	     status == CTL_DONE && array && i < json_object_array_length(array);
	     i++) {
		struct json_object *row = json_object_array_get_idx(array, i);

		name_place("budgets", i, row, place);
		status = prepare_row(test, place, row,
				     ebb_explain_budget_fields, budget_presets);
		/* Once more with all, but here with its place. */
		if (status == CTL_DONE)
			status = decode(test, place, row,
					ebb_explain_budget_fields, &budget,
					sizeof(budget));
	}
	if (status != CTL_DONE)
		return status;
	return decode(test, "", value, ebb_explain_fields, ret_head,
		      sizeof(*ret_head));
}

static int read_domain(const struct test *test, struct json_object *row,
		       uint32_t index, struct ebb_explain_domain *ret_domain)
{
	char place[PLACE_BYTES], part_place[PLACE_BYTES + 32];
	struct json_object *parts;
	int status;

	name_place("domains", index, row, place);
	status = prepare_row(test, place, row, ebb_explain_domain_fields,
			     domain_presets);
	if (status != CTL_DONE)
		return status;
	if (json_object_object_get_ex(row, "parts", &parts) &&
	    json_object_is_type(parts, json_type_array))
		for (size_t i = 0; i < json_object_array_length(parts); i++) {
			static const struct preset none = { NULL, NULL };

			snprintf(part_place, sizeof(part_place),
				 "%s.parts[%zu]", place, i);
			status =
				prepare_row(test, part_place,
					    json_object_array_get_idx(parts, i),
					    ebb_explain_part_fields, &none);
			if (status != CTL_DONE)
				return status;
		}
	return decode(test, place, row, ebb_explain_domain_fields, ret_domain,
		      sizeof(*ret_domain));
}

static int read_domains(const struct test *test, struct rows *rows)
{
	size_t count = rows->array ? json_object_array_length(rows->array) : 0;
	int status = CTL_DONE;

	if (count > DOMAINS_MAX)
		return FAIL(test, "more than %d domains. Leave some out.",
			    DOMAINS_MAX);
	rows->domains = calloc(count + 1, sizeof(*rows->domains));
	if (!rows->domains)
		return FAIL(test, "out of memory");
	rows->count = (uint32_t)count;
	for (uint32_t i = 0; i < rows->count && status == CTL_DONE; i++)
		status = read_domain(test,
				     json_object_array_get_idx(rows->array, i),
				     i, &rows->domains[i]);
	return status;
}

/* All members of the whole but "domains", which is a list of rows of its own. */
static int check_whole(const struct test *test, struct json_object *value,
		       struct rows *rows)
{
	int status;

	if (!json_object_is_type(value, json_type_object))
		return FAIL(test, "this is no object. Save one with: ebbctl "
				  "explain --json");
	status = find_array(test, value, "domains", &rows->array);
	if (status != CTL_DONE)
		return status;
	if (!rows->array && !json_object_object_get_ex(value, "budgets", NULL))
		return FAIL(test, "it has neither 'budgets' nor 'domains'. "
				  "Save one with: ebbctl explain --json");
	json_object_get(rows->array);
	json_object_object_del(value, "domains");
	return prepare_row(test, "the file", value, ebb_explain_fields,
			   head_presets);
}

static int read_rows(const struct test *test, struct rows *rows)
{
	ebb_auto_free char *text = NULL;
	struct json_object *value = NULL;
	size_t bytes = 0;
	int status = read_file(test, &text, &bytes);

	if (status == CTL_DONE)
		status = parse(test, text, bytes, &value);
	if (status == CTL_DONE)
		status = check_whole(test, value, rows);
	if (status == CTL_DONE)
		status = read_head(test, value, &rows->head);
	if (status == CTL_DONE)
		status = read_domains(test, rows);
	json_object_put(value);
	return status;
}

/* ---- the decision ---- */

static int decide(const struct test *test, struct rows *rows)
{
	struct ebb_snapshot_error error = { 0 };
	const char *name;
	int r = ebb_snapshot_decide(&rows->head, rows->domains, rows->count,
				    &error);

	if (r == 0)
		return CTL_DONE;
	if (r != -EINVAL)
		return FAIL(test, "%s", strerror(-r));
	name = error.budget ? rows->head.budgets[error.index].name
			    : rows->domains[error.index].name;
	return FAIL(test, "%s[%u] (%.60s): '%s' %s.",
		    error.budget ? "budgets" : "domains",
		    (unsigned int)error.index, name, error.field, error.text);
}

static int print_json(const struct test *test, const struct rows *rows)
{
	struct json_object *value =
		ebb_msg_encode(ebb_explain_fields, &rows->head);
	struct json_object *array = json_object_new_array();

	for (uint32_t i = 0; array && i < rows->count; i++)
		json_object_array_add(array,
				      ebb_msg_encode(ebb_explain_domain_fields,
						     &rows->domains[i]));
	if (!value || !array) {
		json_object_put(value);
		json_object_put(array);
		return FAIL(test, "out of memory");
	}
	json_object_object_add(value, "domains", array);
	ctl_json_print(stdout, value);
	json_object_put(value);
	return CTL_DONE;
}

static void print(const struct rows *rows)
{
	ctl_policy_state_print(&rows->head);
	ctl_budgets_print(&rows->head);
	for (uint32_t i = 0; i < rows->count; i++)
		ctl_explain_domain_print(&rows->domains[i]);
}

int ctl_policy_test(const struct ctl_args *args)
{
	struct rows rows = { .array = NULL };
	struct test test = { .args = args };
	int status;

	if (args->operand_count < 2)
		return ctl_usage(args,
				 "policy test needs a FILE. Save one with: "
				 "ebbctl explain --json");
	test.path = strcmp(args->operands[1], "-") == 0 ? "standard input"
							: args->operands[1];
	status = read_rows(&test, &rows);
	if (status == CTL_DONE)
		status = decide(&test, &rows);
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON))
		status = print_json(&test, &rows);
	else if (status == CTL_DONE)
		print(&rows);
	json_object_put(rows.array);
	free(rows.domains);
	return status;
}
