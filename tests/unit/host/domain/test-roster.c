/* SPDX-License-Identifier: GPL-2.0-only */
/* Events and lists that overtake each other: the younger word counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/domain/roster.h"

static struct ebb_roster_entry *add(struct ebb_roster *roster, int number)
{
	char uuid[EBB_UUID_TEXT_BYTES], name[32];

	snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012d", number);
	snprintf(name, sizeof(name), "vm%d", number);
	return ebb_roster_add(roster, uuid, name);
}

static void test_sorted_and_found(void **state)
{
	struct ebb_roster roster = { 0 };
	struct ebb_roster_entry *entry;
	char last[EBB_UUID_TEXT_BYTES] = "";
	int count = 0;

	(void)state;
	for (int i = 0; i < 500; i++)
		assert_non_null(add(&roster, i * 7919 % 500));
	assert_int_equal(roster.count, 500);
	/* The same once more is the same. */
	assert_ptr_equal(add(&roster, 42), add(&roster, 42));
	assert_int_equal(roster.count, 500);
	while ((entry = ebb_roster_next(&roster, last))) {
		assert_true(strcmp(entry->uuid, last) > 0);
		memcpy(last, entry->uuid, sizeof(last));
		count++;
	}
	assert_int_equal(count, 500);
	entry = ebb_roster_find_name(&roster, "vm42");
	assert_non_null(entry);
	assert_ptr_equal(entry, ebb_roster_find(&roster, entry->uuid));
	assert_ptr_equal(entry, ebb_roster_find_name(&roster, entry->uuid));
	assert_null(ebb_roster_find_name(&roster, "vm500"));
	ebb_roster_remove(&roster, entry);
	assert_null(ebb_roster_find_name(&roster, "vm42"));
	assert_int_equal(roster.count, 499);
	ebb_roster_clear(&roster);
}

static void test_an_event_outruns_a_list(void **state)
{
	struct ebb_roster roster = { 0 };
	struct ebb_roster_entry *paused = add(&roster, 1);
	struct ebb_roster_entry *quiet = add(&roster, 2);
	uint64_t asked;

	(void)state;
	ebb_roster_change(&roster, paused, EBB_DOMAIN_RUNNING);
	ebb_roster_change(&roster, quiet, EBB_DOMAIN_RUNNING);
	asked = roster.sequence;
	/* The list was made before, and comes after. */
	ebb_roster_change(&roster, paused, EBB_DOMAIN_PAUSED);
	ebb_roster_begin(&roster);
	assert_false(ebb_roster_list(paused, EBB_DOMAIN_RUNNING, asked));
	assert_true(ebb_roster_list(quiet, EBB_DOMAIN_PMSUSPENDED, asked));
	assert_int_equal(paused->state, EBB_DOMAIN_PAUSED);
	assert_int_equal(quiet->state, EBB_DOMAIN_PMSUSPENDED);
	assert_null(ebb_roster_unlisted(&roster, asked));
	ebb_roster_clear(&roster);
}

static void test_what_is_not_listed_is_gone(void **state)
{
	struct ebb_roster roster = { 0 };
	struct ebb_roster_entry *gone = add(&roster, 1), *started;
	uint64_t asked = roster.sequence;

	(void)state;
	/* One that started since the list was asked for is not in it. */
	started = add(&roster, 2);
	ebb_roster_change(&roster, started, EBB_DOMAIN_RUNNING);
	ebb_roster_begin(&roster);
	assert_ptr_equal(ebb_roster_unlisted(&roster, asked), gone);
	ebb_roster_remove(&roster, gone);
	assert_null(ebb_roster_unlisted(&roster, asked));
	assert_int_equal(roster.count, 1);
	ebb_roster_clear(&roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted_and_found),
		cmocka_unit_test(test_an_event_outruns_a_list),
		cmocka_unit_test(test_what_is_not_listed_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
