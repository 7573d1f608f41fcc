/* SPDX-License-Identifier: GPL-2.0-only */
/* Which domains top shows, in which order, and what it takes their memory to be. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/ctl/top/model.h"
#include "tests/unit/host/ctl/top/example.h"

enum {
	MANY = 1000
};

static void take(struct top_model *model,
		 const struct ebb_domain_status *domains, uint32_t count)
{
	struct json_object *value = example_list(domains, count);
	struct ebb_msg_error error;

	assert_non_null(value);
	assert_int_equal(top_model_take(model, value, &error), 0);
	json_object_put(value);
}

static const char *shown(const struct top_model *model, uint32_t i)
{
	assert_true(i < model->shown);
	return model->rows[model->order[i]].name;
}

static void test_sorts_by_each_column(void **state)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2),
					       example_domain(3) };
	struct top_model model = { 0 };

	(void)state;
	domains[0].resident_bytes = 2 * EBB_GIB;
	domains[1].resident_bytes = 3 * EBB_GIB;
	domains[2].resident_known = false;
	strcpy(domains[2].rung, "balloon");
	take(&model, domains, 3);
	assert_string_equal(shown(&model, 0), "vm-0001");
	assert_string_equal(shown(&model, 2), "vm-0003");

	model.sort = TOP_SORT_RESIDENT;
	top_model_arrange(&model);
	assert_string_equal(shown(&model, 0), "vm-0002");
	assert_string_equal(shown(&model, 1), "vm-0001");
	/* What is not known is neither the largest nor the least. */
	assert_string_equal(shown(&model, 2), "vm-0003");
	model.reverse = true;
	top_model_arrange(&model);
	assert_string_equal(shown(&model, 0), "vm-0001");
	assert_string_equal(shown(&model, 2), "vm-0003");

	model.sort = TOP_SORT_RUNG;
	model.reverse = false;
	top_model_arrange(&model);
	assert_string_equal(shown(&model, 0), "vm-0003");
	/* Equal ones stay in the order of their names. */
	assert_string_equal(shown(&model, 1), "vm-0001");
	top_model_clear(&model);
}

static void test_filters(void **state)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2) };
	struct top_model model = { 0 };

	(void)state;
	domains[1].reason_count = 1;
	strcpy(domains[1].reasons[0].name, "private-memory");
	take(&model, domains, 2);
	strcpy(model.filter, "VM-0001");
	top_model_arrange(&model);
	assert_int_equal(model.shown, 1);
	assert_string_equal(shown(&model, 0), "vm-0001");
	strcpy(model.filter, "private");
	top_model_arrange(&model);
	assert_string_equal(shown(&model, 0), "vm-0002");
	strcpy(model.filter, "nothing of it");
	top_model_arrange(&model);
	assert_int_equal(model.shown, 0);
	assert_null(top_model_selected(&model));
	top_model_move(&model, 1);
	top_model_clear(&model);
}

static void test_selection_stays_with_its_domain(void **state)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2),
					       example_domain(3) };
	struct top_model model = { 0 };

	(void)state;
	take(&model, domains, 3);
	assert_string_equal(top_model_selected(&model)->name, "vm-0001");
	top_model_move(&model, 1);
	assert_string_equal(top_model_selected(&model)->name, "vm-0002");
	model.reverse = true;
	top_model_arrange(&model);
	assert_string_equal(top_model_selected(&model)->name, "vm-0002");
	/* The first goes; the second one is still itself. */
	take(&model, domains + 1, 2);
	assert_string_equal(top_model_selected(&model)->name, "vm-0002");
	/* It goes, too: the one at its place. */
	take(&model, domains + 2, 1);
	assert_string_equal(top_model_selected(&model)->name, "vm-0003");
	top_model_move(&model, -5);
	top_model_move(&model, INT32_MAX);
	assert_string_equal(top_model_selected(&model)->name, "vm-0003");
	take(&model, domains, 0);
	assert_null(top_model_selected(&model));
	top_model_clear(&model);
}

static void test_curve_goes_on(void **state)
{
	struct ebb_domain_status domains[] = { example_domain(2),
					       example_domain(1) };
	struct top_model model = { 0 };
	const struct top_row *row;

	(void)state;
	for (uint64_t i = 1; i <= 3; i++) {
		domains[1].resident_bytes = i * EBB_MIB;
		take(&model, domains, 2);
	}
	row = top_model_selected(&model);
	assert_string_equal(row->name, "vm-0001");
	assert_int_equal(row->curve.count, 3);
	assert_int_equal(row->curve.values[0], EBB_MIB);
	assert_int_equal(row->curve.values[2], 3 * EBB_MIB);
	top_model_clear(&model);
}

static void test_stalls_are_those_between_two_lists(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct top_model model = { 0 };

	(void)state;
	domain.stalls_known = true;
	domain.allocation_stalls = 7;
	take(&model, &domain, 1);
	assert_true(top_model_selected(&model)->stalls_new == TOP_UNKNOWN);
	domain.allocation_stalls = 9;
	take(&model, &domain, 1);
	assert_int_equal(top_model_selected(&model)->stalls_new, 2);
	/* Another kernel counts anew. */
	domain.allocation_stalls = 1;
	take(&model, &domain, 1);
	assert_true(top_model_selected(&model)->stalls_new == TOP_UNKNOWN);
	domain.stalls_known = false;
	take(&model, &domain, 1);
	assert_true(top_model_selected(&model)->stalls_new == TOP_UNKNOWN);
	top_model_clear(&model);
}

static void test_refuses_what_is_no_list(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct json_object *value = json_object_new_object();
	struct top_model model = { 0 };
	struct ebb_msg_error error;

	(void)state;
	take(&model, &domain, 1);
	assert_true(top_model_take(&model, value, &error) < 0);
	json_object_object_add(value, "domains", json_object_new_array());
	json_object_array_add(json_object_object_get(value, "domains"),
			      json_object_new_string("no domain"));
	assert_true(top_model_take(&model, value, &error) < 0);
	json_object_put(value);
	/* What was known is still there. */
	assert_int_equal(model.shown, 1);
	assert_string_equal(shown(&model, 0), "vm-0001");
	top_model_clear(&model);
}

static void test_cleans_what_steers_a_terminal(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct top_model model = { 0 };

	(void)state;
	strcpy(domain.name, "a\033[2Jb");
	strcpy(domain.target.reason, "x\ny");
	take(&model, &domain, 1);
	assert_string_equal(shown(&model, 0), "a?[2Jb");
	assert_string_equal(top_model_selected(&model)->dropped, "x?y");
	top_model_clear(&model);
}

static void test_leaves_out_what_does_not_run(void **state)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2) };
	struct top_model model = { 0 };

	(void)state;
	strcpy(domains[0].state, "shut off");
	take(&model, domains, 2);
	assert_int_equal(model.count, 1);
	assert_string_equal(shown(&model, 0), "vm-0002");
	top_model_clear(&model);
}

static void test_parts_of_memory(void **state)
{
	struct top_row row = {
		.memory_bytes = 1000,
		.balloon_bytes = 0,
		.resident_bytes = 600,
		.swapped_bytes = 100,
		.lent_bytes = 250,
		.free_bytes = 400,
	};
	uint64_t parts[TOP_PART_COUNT];

	(void)state;
	assert_true(top_row_parts(&row, parts));
	assert_int_equal(parts[TOP_PART_USED], 450);
	assert_int_equal(parts[TOP_PART_FREE], 150);
	assert_int_equal(parts[TOP_PART_SWAPPED], 100);
	assert_int_equal(parts[TOP_PART_LENT], 250);
	assert_int_equal(parts[TOP_PART_REST], 50);
	assert_int_equal(top_row_used(&row), 600);

	/* A guest that says that all and more is free. */
	row.free_bytes = UINT64_MAX - 1;
	assert_true(top_row_parts(&row, parts));
	assert_int_equal(parts[TOP_PART_USED], 0);
	assert_int_equal(parts[TOP_PART_FREE], 600);
	assert_int_equal(top_row_used(&row), 0);

	row.free_bytes = TOP_UNKNOWN;
	assert_true(top_row_parts(&row, parts));
	assert_int_equal(parts[TOP_PART_USED], 600);
	assert_true(top_row_used(&row) == TOP_UNKNOWN);
	row.resident_bytes = TOP_UNKNOWN;
	assert_false(top_row_parts(&row, parts));
}

static void test_lent_is_summed_where_it_is_known(void **state)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2),
					       example_domain(3) };
	struct top_model model = { 0 };
	uint32_t unknown;

	(void)state;
	domains[1].lent_known = false;
	take(&model, domains, 3);
	assert_int_equal(top_model_lent(&model, &unknown), 2 * EBB_GIB);
	assert_int_equal(unknown, 1);
	top_model_clear(&model);
}

static void test_a_thousand(void **state)
{
	ebb_auto_free struct ebb_domain_status *domains =
		calloc(MANY, sizeof(*domains));
	struct top_model model = { .sort = TOP_SORT_RESIDENT };

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		domains[i] = example_domain(i);
		domains[i].resident_bytes = (uint64_t)(i * 7 % MANY) * EBB_MIB;
	}
	take(&model, domains, MANY);
	assert_int_equal(model.shown, MANY);
	for (uint32_t i = 1; i < MANY; i++)
		assert_true(model.rows[model.order[i - 1]].resident_bytes >
			    model.rows[model.order[i]].resident_bytes);
	top_model_clear(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorts_by_each_column),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_selection_stays_with_its_domain),
		cmocka_unit_test(test_curve_goes_on),
		cmocka_unit_test(test_stalls_are_those_between_two_lists),
		cmocka_unit_test(test_refuses_what_is_no_list),
		cmocka_unit_test(test_cleans_what_steers_a_terminal),
		cmocka_unit_test(test_leaves_out_what_does_not_run),
		cmocka_unit_test(test_parts_of_memory),
		cmocka_unit_test(test_lent_is_summed_where_it_is_known),
		cmocka_unit_test(test_a_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
