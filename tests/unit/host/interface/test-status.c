/* SPDX-License-Identifier: GPL-2.0-only */
/* What ebbd tells, to JSON and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/interface/explain.h"
#include "host/interface/status.h"

/* Fills each field of a table with a value of its own. */
static void fill(const struct ebb_field *fields, void *message, uint32_t *seed)
{
	for (; fields->name; fields++) {
		char *field = (char *)message + fields->offset;

		++*seed;
		switch (fields->type) {
		case EBB_FIELD_U32:
			*(uint32_t *)field = *seed * 3;
			break;
		case EBB_FIELD_U64:
			*(uint64_t *)field = ((uint64_t)*seed << 33) + 1;
			break;
		case EBB_FIELD_BOOL:
			*(bool *)field = true;
			break;
		case EBB_FIELD_STRING:
			memset(field, 'a' + (int)(*seed % 26),
			       fields->capacity - 1);
			break;
		case EBB_FIELD_STRUCT_ARRAY:
			*(uint32_t *)((char *)message + fields->count_offset) =
				(uint32_t)fields->capacity;
			for (size_t i = 0; i < fields->capacity; i++)
				fill(fields->sub, field + i * fields->sub_bytes,
				     seed);
			break;
		default:
			fail_msg("a type that no table of status.c has");
		}
	}
}

/* Names on the wire are the C names with hyphens: lower case, no other. */
static void check_names(const struct ebb_field *fields)
{
	for (; fields->name; fields++) {
		assert_int_equal(strspn(fields->name,
					"abcdefghijklmnopqrstuvwxyz-"),
				 strlen(fields->name));
		if (fields->sub)
			check_names(fields->sub);
	}
}

static void check_round_trip(const struct ebb_field *fields, size_t bytes)
{
	ebb_auto_free void *before = calloc(1, bytes);
	ebb_auto_free void *after = calloc(1, bytes);
	struct json_object *object;
	uint32_t seed = 0;

	fill(fields, before, &seed);
	object = ebb_msg_encode(fields, before);
	assert_non_null(object);
	assert_int_equal(ebb_msg_decode(object, fields, after, bytes, NULL), 0);
	assert_memory_equal(before, after, bytes);
	check_names(fields);
	json_object_put(object);
}

static void test_round_trips(void **state)
{
	static const struct {
		const struct ebb_field *fields;
		size_t bytes;
	} tables[] = {
		{ ebb_daemon_status_fields, sizeof(struct ebb_daemon_status) },
		{ ebb_domain_status_fields, sizeof(struct ebb_domain_status) },
		{ ebb_domain_request_fields,
		  sizeof(struct ebb_domain_request) },
		{ ebb_set_request_fields, sizeof(struct ebb_set_request) },
		{ ebb_set_result_fields, sizeof(struct ebb_set_result) },
		{ ebb_reclaim_request_fields,
		  sizeof(struct ebb_reclaim_request) },
		{ ebb_reclaim_progress_fields,
		  sizeof(struct ebb_reclaim_progress) },
		{ ebb_reclaim_result_fields,
		  sizeof(struct ebb_reclaim_result) },
		{ ebb_doctor_fields, sizeof(struct ebb_doctor) },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(tables); i++)
		check_round_trip(tables[i].fields, tables[i].bytes);
}

/* Scripts rely on members that are there even when they are zero. */
static void test_empty_domain_has_all_numbers(void **state)
{
	static const char *const members[] = {
		"name",		 "rung",	   "reasons",
		"memory-bytes",	 "resident-bytes", "free-bytes",
		"swapped-bytes", "swapped-known",  "facts-age-ms",
		"lent-bytes",	 "lent-known",	   "policy-paused",
		"balloon-known", "backings",	   "nodes"
	};
	struct ebb_domain_status domain = { 0 };
	struct json_object *object =
		ebb_msg_encode(ebb_domain_status_fields, &domain);

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(members); i++)
		assert_true(
			json_object_object_get_ex(object, members[i], NULL));
	assert_false(json_object_object_get_ex(object, "kernel", NULL));
	assert_false(json_object_object_get_ex(object, "target-bytes", NULL));
	json_object_put(object);
}

/* A domain and the answer of a set tell of a target by the same names. */
static void test_target_names(void **state)
{
	static const char *const members[] = {
		"target-setting", "target-bytes",      "target-effective-bytes",
		"target-state",	  "target-reason",     "target-mechanism",
		"drop-count",	  "working-set-bytes", "working-set-source",
	};
	struct ebb_target_status target = {
		.setting = "40%",
		.bytes = 2,
		.effective_bytes = 1,
		.state = "held",
		.reason = "pressure",
		.mechanism = "module",
		.drop_count = 3,
		.working_set_bytes = 4,
		.working_set_source = "mglru",
	};
	struct ebb_domain_status domain = { .target = target };
	struct ebb_set_result set = { .target = target };
	struct json_object *objects[] = {
		ebb_msg_encode(ebb_domain_status_fields, &domain),
		ebb_msg_encode(ebb_set_result_fields, &set),
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(members); i++)
		for (size_t o = 0; o < EBB_ARRAY_SIZE(objects); o++)
			assert_true(json_object_object_get_ex(
				objects[o], members[i], NULL));
	for (size_t o = 0; o < EBB_ARRAY_SIZE(objects); o++)
		json_object_put(objects[o]);
}

static void test_list_round_trip(void **state)
{
	ebb_auto_free struct ebb_domain_status *domains =
		calloc(3, sizeof(*domains));
	struct ebb_status_list list = { .domain_count = 3, .domains = domains };
	struct ebb_status_list after;
	struct json_object *object;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		snprintf(domains[i].name, sizeof(domains[i].name), "vm%u", i);
		domains[i].memory_bytes = 1000 + i;
	}
	object = ebb_status_list_encode(&list);
	assert_non_null(object);
	assert_int_equal(ebb_status_list_decode(object, &after, NULL), 0);
	assert_int_equal(after.domain_count, 3);
	assert_memory_equal(after.domains, domains, 3 * sizeof(*domains));
	free(after.domains);
	json_object_put(object);
}

static void test_bad_lists(void **state)
{
	static const struct {
		const char *json;
		int error;
		const char *text;
	} cases[] = {
		{ "{}", -EINVAL, "'domains' is missing" },
		{ "{\"domains\":{}}", -EINVAL, "'domains' is not an array" },
		{ "{\"domains\":[{}]}", -EINVAL, "'name' is missing" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct json_object *object = json_tokener_parse(cases[i].json);
		struct ebb_status_list list = { .domain_count = 77 };
		struct ebb_msg_error error;

		assert_int_equal(ebb_status_list_decode(object, &list, &error),
				 cases[i].error);
		assert_string_equal(error.text, cases[i].text);
		assert_int_equal(list.domain_count, 77);
		json_object_put(object);
	}
}

static void test_list_too_long(void **state)
{
	struct json_object *object = json_object_new_object();
	struct json_object *array = json_object_new_array();
	struct ebb_status_list list;

	(void)state;
	for (int i = 0; i <= EBB_LIST_MAX; i++)
		json_object_array_add(array, json_object_new_object());
	json_object_object_add(object, "domains", array);
	assert_int_equal(ebb_status_list_decode(object, &list, NULL), -ERANGE);
	json_object_put(object);
}

/* ---- an ebbctl that is newer than ebbd, which was not restarted yet ---- */

/*
 * Each answer with no more members than it had when it came; explain's, when a saved one
 * could be tested. Nobody adds to these.
 */
#define BORN_DAEMON                                  \
	"{'version':'0.1.0','uri':'qemu:///system'," \
	"'libvirt-connected':true,'domain-count':1,'lease-count':1}"
#define BORN_DOMAIN                                                         \
	"{'name':'web1','uuid':'u','state':'running','rung':'lease',"       \
	"'phase':'ready','reasons':[{'name':'n','text':'t'}],"              \
	"'memory-bytes':8,'resident-bytes':7,'free-bytes':6,"               \
	"'free-huge-bytes':5,'available-bytes':4,'facts-age-ms':3,"         \
	"'reclaimed-bytes':2,'reclaim-runs':1,'backings':[{'kind':'memfd'," \
	"'bytes':8,'resident-bytes':7,'page-bytes':4096,"                   \
	"'verified-segments':1}],'nodes':[{'node':0,'total-bytes':8,"       \
	"'free-bytes':6,'free-huge-bytes':5}]}"
#define BORN_SET "{'name':'web1'}"
#define BORN_PROGRESS                                               \
	"{'reclaimed-bytes':1,'target-bytes':2,'resident-bytes':3," \
	"'elapsed-ms':4}"
#define BORN_RECLAIM                                                         \
	"{'asked-bytes':1,'reclaimed-bytes':1,'resident-before-bytes':9,"    \
	"'resident-after-bytes':8,'punched-bytes':1,'estimate-min-bytes':0," \
	"'estimate-max-bytes':0,'batches':1,'failed-slots':0,"               \
	"'elapsed-us':5,'dry-run':false,'ended':'satisfied'}"
#define BORN_DOCTOR                                            \
	"{'name':'web1','rung':'lease','checks':[{'name':'n'," \
	"'status':'ok','text':'t'}]}"
#define BORN_RELOAD "{'restart':''}"
#define BORN_EXPLAIN                                                        \
	"{'enabled':true,'dry-run':false,'paused':false,"                   \
	"'budgets-age-ms':1,'budgets':[{'name':'host','huge-pages':false,"  \
	"'limit-bytes':9,'available-bytes':8,'low-bytes':1,'high-bytes':2," \
	"'fast-swap-bytes':0,'cover-guests':1,'for-show':false,"            \
	"'in-need':false,'emergency':false,'need-bytes':0,'met-bytes':0,"   \
	"'covered':true,'debt-bytes':3,'cover-bytes':4,'min-bytes':0,"      \
	"'mins-fit':true}]}"
#define BORN_EXPLAIN_DOMAIN                                                \
	"{'name':'web1','uuid':'u','mode':'balanced','min-bytes':0,"       \
	"'max-bytes':0,'shares':1000,'paused':false,'state':'young',"      \
	"'text':'t','bytes':0,'usable-bytes':9,'balloon-bytes':0,"         \
	"'resident-bytes':8,'swapped-bytes':0,'lent-bytes':1,"             \
	"'cushion-bytes':1,'facts-age-ms':1,'free-bytes':1,"               \
	"'lasting-bytes':1,'lasting-ms':1,'working-set-known':false,"      \
	"'working-set-bytes':0,'last-age-ms':1,'last-asked-bytes':0,"      \
	"'last-came-bytes':0,'last-dry-run':false,'phase':'settled',"      \
	"'takeable-bytes':1,'can-drive':true,'parts-known':true,"          \
	"'parts':[{'budget':'host','part-ppm':1000000}],'asked-age-ms':1," \
	"'heard-since-asked':true,'pending-bytes':0,'window-bytes':0,"     \
	"'rests-left-ms':0,'stuck-left-ms':0,'idle-answers':0}"
#define BORN_POLICY "{'paused':true,'was-paused':false}"

/* Fails with what is missing, or returns the message, malloc()ed. */
static void *decode_born(const char *json, const struct ebb_field *fields,
			 size_t bytes)
{
	ebb_auto_free char *text = strdup(json);
	void *message = calloc(1, bytes);
	struct ebb_msg_error error;
	struct json_object *object;

	for (char *quote = text; (quote = strchr(quote, '\''));)
		*quote = '"';
	object = json_tokener_parse(text);
	assert_non_null(object);
	if (ebb_msg_decode(object, fields, message, bytes, &error) < 0)
		fail_msg("%s", error.text);
	json_object_put(object);
	return message;
}

static void test_an_older_ebbd_is_understood(void **state)
{
	static const struct {
		const char *json;
		const struct ebb_field *fields;
		size_t bytes;
	} answers[] = {
		{ BORN_DAEMON, ebb_daemon_status_fields,
		  sizeof(struct ebb_daemon_status) },
		{ BORN_DOMAIN, ebb_domain_status_fields,
		  sizeof(struct ebb_domain_status) },
		{ BORN_SET, ebb_set_result_fields,
		  sizeof(struct ebb_set_result) },
		{ BORN_PROGRESS, ebb_reclaim_progress_fields,
		  sizeof(struct ebb_reclaim_progress) },
		{ BORN_RECLAIM, ebb_reclaim_result_fields,
		  sizeof(struct ebb_reclaim_result) },
		{ BORN_DOCTOR, ebb_doctor_fields, sizeof(struct ebb_doctor) },
		{ BORN_RELOAD, ebb_reload_result_fields,
		  sizeof(struct ebb_reload_result) },
		{ BORN_EXPLAIN, ebb_explain_fields,
		  sizeof(struct ebb_explain) },
		{ BORN_EXPLAIN_DOMAIN, ebb_explain_domain_fields,
		  sizeof(struct ebb_explain_domain) },
		{ BORN_POLICY, ebb_policy_result_fields,
		  sizeof(struct ebb_policy_result) },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(answers); i++)
		free(decode_born(answers[i].json, answers[i].fields,
				 answers[i].bytes));
}

static void test_what_an_older_ebbd_does_not_say_is_not_known(void **state)
{
	ebb_auto_free struct ebb_domain_status *domain =
		decode_born(BORN_DOMAIN, ebb_domain_status_fields,
			    sizeof(struct ebb_domain_status));
	ebb_auto_free struct ebb_explain_domain *explained =
		decode_born(BORN_EXPLAIN_DOMAIN, ebb_explain_domain_fields,
			    sizeof(struct ebb_explain_domain));
	ebb_auto_free struct ebb_reclaim_result *result =
		decode_born(BORN_RECLAIM, ebb_reclaim_result_fields,
			    sizeof(struct ebb_reclaim_result));

	(void)state;
	assert_int_equal(domain->memory_bytes, 8);
	assert_false(domain->known);
	assert_false(domain->resident_known);
	assert_false(domain->swapped_known);
	assert_false(domain->lent_known);
	assert_false(domain->balloon_known);
	assert_string_equal(domain->policy_paused, "");
	assert_int_equal(domain->backing_count, 1);
	assert_false(domain->backings[0].swapped_known);
	assert_int_equal(explained->usable_bytes, 9);
	assert_false(explained->memory_known);
	assert_false(explained->balloon_known);
	assert_false(explained->swapped_known);
	assert_int_equal(result->resident_before_bytes, 9);
	assert_false(result->swapped_known);
}

/* A member that came later is not one that may be absent for a script. */
static void test_what_came_later_is_always_said(void **state)
{
	const struct ebb_explain_domain explained = { .name = "web1" };
	const struct ebb_explain head = { .enabled = true };
	struct json_object *objects[] = {
		ebb_msg_encode(ebb_explain_domain_fields, &explained),
		ebb_msg_encode(ebb_explain_fields, &head),
	};

	(void)state;
	assert_true(
		json_object_object_get_ex(objects[0], "memory-known", NULL));
	assert_true(
		json_object_object_get_ex(objects[1], "paused-domains", NULL));
	for (size_t i = 0; i < EBB_ARRAY_SIZE(objects); i++)
		json_object_put(objects[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_empty_domain_has_all_numbers),
		cmocka_unit_test(test_target_names),
		cmocka_unit_test(test_list_round_trip),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_list_too_long),
		cmocka_unit_test(test_an_older_ebbd_is_understood),
		cmocka_unit_test(
			test_what_an_older_ebbd_does_not_say_is_not_known),
		cmocka_unit_test(test_what_came_later_is_always_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
