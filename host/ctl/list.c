/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl list: all domains, a line each. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/ctl/client.h"
#include "host/ctl/text.h"
#include "host/interface/status.h"

enum {
	LIST_LIMIT_MS = 30 * 1000,
	COLUMNS = 13,
	BALLOON = 4, /* the column; it is shown only where one holds memory */
	SIZES = 8,
	/* The ring's facts are of this moment; an agent's were asked for once. */
	FACTS_OLD_MS = 10 * 1000,
};

/* The cells of a row that must be made; the others are the domain's own. */
struct row {
	char state[24];
	char rung[1 + sizeof(((struct ebb_domain_status *)0)->rung)];
	char sizes[SIZES][EBB_SIZE_TEXT_BYTES];
	char settings[384];
};

static const struct ctl_column columns[COLUMNS] = {
	{ "Name", false },     { "State", false },    { "Rung", false },
	{ "Memory", true },    { "Balloon", true },   { "Resident", true },
	{ "Swapped", true },   { "Lent", true },      { "Free", true },
	{ "Free huge", true }, { "Reclaimed", true }, { "Settings", false },
	{ "Reason", false },
};

/*
 * A size, "~" before it if it is of a while ago, "-" if it is not known. A mark
 * costs a byte, which the text of no size needs.
 */
static void print_size(char text[EBB_SIZE_TEXT_BYTES], uint64_t bytes,
		       bool known, bool old)
{
	char size[EBB_SIZE_TEXT_BYTES];

	if (known)
		snprintf(text, EBB_SIZE_TEXT_BYTES, "%s%.*s", old ? "~" : "",
			 EBB_SIZE_TEXT_BYTES - 2,
			 ebb_size_format(bytes, size, sizeof(size)));
	else
		strcpy(text, "-");
}

/* Words of a cell. */
struct words {
	char *text;
	size_t bytes;
	size_t used;
};

static void add(struct words *words, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
static void add(struct words *words, const char *format, ...)
{
	size_t left = words->bytes - words->used;
	va_list args;
	int wanted;

	va_start(args, format);
	wanted = vsnprintf(words->text + words->used, left, format, args);
	va_end(args);
	words->used += (size_t)wanted < left ? (size_t)wanted : left - 1;
}

static void add_settings(struct words *words,
			 const struct ebb_settings_status *settings,
			 bool with_defaults)
{
	for (uint32_t i = 0; i < settings->count; i++) {
		const struct ebb_setting_status *item = &settings->items[i];

		if (with_defaults || strcmp(item->origin, "default") != 0)
			add(words, " %s=%s", item->name, item->value);
	}
}

/*
 * From the next start on: of a domain that runs, what is other then; of one that is off,
 * what somebody set.
 */
static void add_next(struct words *words,
		     const struct ebb_domain_status *domain)
{
	bool off = ebb_state_is_off(domain->state);
	size_t before = words->used;
	size_t begun;

	add(words, " (next start:");
	begun = words->used;
	add_settings(words, &domain->next, !off);
	if (*domain->next_target &&
	    !(off && strcmp(domain->next_target, "none") == 0))
		add(words, " free-target=%s", domain->next_target);
	if (*domain->next.trouble)
		add(words, " !");
	if (words->used > begun)
		add(words, ")");
	else
		words->used = before;
	words->text[words->used] = '\0';
}

/*
 * What is not ebbd's default, as "min=2G shares=2000", after "paused" where the policy
 * is; "!" if there is trouble. Each word follows a space, and so does all of it.
 */
static void print_settings(const struct ebb_domain_status *domain,
			   struct words *words)
{
	bool paused = strcmp(domain->policy_paused, "domain") == 0 ||
		      strcmp(domain->policy_paused, "all") == 0;

	if (paused)
		add(words, " paused");
	add_settings(words, &domain->settings, false);
	if (*domain->target.setting)
		add(words, " free-target=%s", domain->target.setting);
	if (*domain->settings.trouble)
		add(words, " !");
	add_next(words, domain);
	if (words->used == 0)
		add(words, " -");
}

static void fill_row(const struct ebb_domain_status *domain, struct row *row,
		     const char **cells)
{
	bool off = ebb_state_is_off(domain->state);
	bool facts = domain->facts_age_ms != UINT32_MAX;
	bool old = domain->old || domain->facts_age_ms > FACTS_OLD_MS;
	struct words settings = { row->settings, sizeof(row->settings), 0 };

	snprintf(row->rung, sizeof(row->rung), "%s%s", domain->old ? "~" : "",
		 domain->rung);
	cells[0] = domain->name;
	snprintf(row->state, sizeof(row->state), "%s%s", domain->state,
		 domain->state_old ? " (old)" : "");
	cells[1] = row->state;
	cells[2] = row->rung;
	print_size(row->sizes[0], domain->memory_bytes, domain->known, false);
	print_size(row->sizes[1], domain->balloon_bytes, domain->balloon_known,
		   false);
	print_size(row->sizes[2], domain->resident_bytes,
		   domain->resident_known, false);
	print_size(row->sizes[3], domain->swapped_bytes,
		   domain->resident_known && domain->swapped_known, false);
	print_size(row->sizes[4], domain->lent_bytes, domain->lent_known,
		   false);
	print_size(row->sizes[5], domain->free_bytes, facts, old);
	print_size(row->sizes[6], domain->free_huge_bytes, facts, old);
	print_size(row->sizes[7], domain->reclaimed_bytes, !off, false);
	for (size_t i = 0; i < SIZES; i++)
		cells[3 + i] = row->sizes[i];
	print_settings(domain, &settings);
	cells[11] = row->settings + 1;
	cells[12] = domain->reason_count ? domain->reasons[0].name : "-";
}

static bool has_balloon(const struct ebb_status_list *list)
{
	for (uint32_t i = 0; i < list->domain_count; i++)
		if (list->domains[i].balloon_known &&
		    list->domains[i].balloon_bytes > 0)
			return true;
	return false;
}

/* Takes column BALLOON out of what is printed. */
static void drop_balloon(struct ctl_column *heads, const char **cells,
			 size_t count)
{
	const char **to = cells;

	for (size_t i = 0; i < count * COLUMNS; i++)
		if (i % COLUMNS != BALLOON)
			*to++ = cells[i];
	memmove(&heads[BALLOON], &heads[BALLOON + 1],
		(COLUMNS - BALLOON - 1) * sizeof(*heads));
}

/*
 * The list does not have what is set for the next start of a domain that is off: ebbd has
 * to read that from its definition. Returns whether it is known now.
 */
static bool ask_next(const struct ctl_args *args,
		     struct ebb_domain_status *domain)
{
	struct ebb_domain_request asked = { 0 };
	struct ctl_request request = {
		.command = "domain-show",
		.limit_ms = LIST_LIMIT_MS,
	};
	struct ebb_domain_status shown;
	struct ctl_answer answer;
	bool known;

	strcpy(asked.domain, domain->uuid);
	request.arguments = ebb_msg_encode(ebb_domain_request_fields, &asked);
	ctl_ask(args, &request, &answer);
	known = answer.status == CTL_DONE &&
		ebb_msg_decode(answer.value, ebb_domain_status_fields, &shown,
			       sizeof(shown), NULL) == 0;
	ctl_answer_clear(&answer);
	if (!known)
		return false;
	domain->next = shown.next;
	strcpy(domain->next_target, shown.next_target);
	return true;
}

/* Without an answer for one, the others are not asked for: libvirtd may hang. */
static void ask_all_next(const struct ctl_args *args,
			 struct ebb_status_list *list)
{
	for (uint32_t i = 0; i < list->domain_count; i++)
		if (ebb_state_is_off(list->domains[i].state) &&
		    !ask_next(args, &list->domains[i]))
			return;
}

static int compare_names(const void *a, const void *b)
{
	const struct ebb_domain_status *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int print_list(const struct ctl_args *args, struct ebb_status_list *list)
{
	ebb_auto_free struct row *rows =
		calloc(list->domain_count + 1, sizeof(*rows));
	ebb_auto_free const char **cells =
		calloc(list->domain_count + 1, COLUMNS * sizeof(*cells));
	bool balloon = has_balloon(list);
	struct ctl_column heads[COLUMNS];
	size_t count = 0;

	if (!rows || !cells)
		return ctl_error(args, CTL_FAILED, "GenericError",
				 "out of memory");
	if (list->domain_count > 1)
		qsort(list->domains, list->domain_count, sizeof(*list->domains),
		      compare_names);
	if (ctl_given(args, CTL_OPT_ALL))
		ask_all_next(args, list);
	for (uint32_t i = 0; i < list->domain_count; i++) {
		struct ebb_domain_status *domain = &list->domains[i];

		ctl_clean_message(ebb_domain_status_fields, domain);
		if (ebb_state_is_off(domain->state) &&
		    !ctl_given(args, CTL_OPT_ALL))
			continue;
		fill_row(domain, &rows[count], &cells[count * COLUMNS]);
		count++;
	}
	memcpy(heads, columns, sizeof(heads));
	if (!balloon)
		drop_balloon(heads, cells, count);
	ctl_table_print(stdout, heads, COLUMNS - !balloon, cells, count);
	if (!count && !ctl_given(args, CTL_OPT_ALL))
		puts("No domain is running. See those that are shut off with "
		     "--all.");
	return CTL_DONE;
}

/* Takes those that are off out of the answer. */
static void drop_off(struct json_object *value)
{
	struct json_object *domains, *state;

	if (!json_object_object_get_ex(value, "domains", &domains))
		return;
	for (size_t i = json_object_array_length(domains); i-- > 0;) {
		if (json_object_object_get_ex(json_object_array_get_idx(domains,
									i),
					      "state", &state) &&
		    ebb_state_is_off(json_object_get_string(state)))
			json_object_array_del_idx(domains, i, 1);
	}
}

int ctl_list(const struct ctl_args *args)
{
	struct ctl_request request = {
		.command = "domain-list",
		.limit_ms = LIST_LIMIT_MS,
	};
	struct ebb_status_list list;
	struct ebb_msg_error error;
	struct ctl_answer answer;
	int status = ctl_ask_served(args, &request, &answer);

	if (status != CTL_DONE)
		return status;
	if (ebb_status_list_decode(answer.value, &list, &error) < 0) {
		status = ctl_answer_misfit(args, &error);
	} else if (ctl_given(args, CTL_OPT_JSON)) {
		free(list.domains);
		if (!ctl_given(args, CTL_OPT_ALL))
			drop_off(answer.value);
		ctl_json_print(stdout, answer.value);
		status = CTL_DONE;
	} else {
		status = print_list(args, &list);
		free(list.domains);
	}
	ctl_answer_clear(&answer);
	return status;
}
