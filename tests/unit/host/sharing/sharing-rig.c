/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/sharing/sharing-rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "host/interface/explain.h"
#include "host/snapshot/snapshot.h"
#include "tests/unit/host/base/fake-time.h"

struct sharing_rig rig;
static struct ebb_workers *workers;

/* ---- the host ---- */

/* Each is in other places of the list than before. The last one is short. */
static void add_slice(struct ebb_budget *budget, uint32_t place)
{
	uint32_t number = (place + rig.host.reads) % rig.host.slices;

	*budget = (struct ebb_budget){
		.process_count = 1,
		.kind = EBB_BUDGET_CGROUP,
		.limit_bytes = 16 * EBB_GIB,
		.available_bytes = number == rig.host.slices - 1 ? EBB_MIB
								 : 8 * EBB_GIB,
		.low_bytes = EBB_GIB,
		.high_bytes = 2 * EBB_GIB,
	};
	snprintf(budget->name, sizeof(budget->name), "slice%u", number);
}

int __wrap_ebb_budget_read(struct ebb_budget_reader *reader,
			   uint64_t promised_bytes,
			   struct ebb_budget_process *processes,
			   uint32_t process_count,
			   struct ebb_budget_list *ret_list);
int __wrap_ebb_budget_read(struct ebb_budget_reader *reader,
			   uint64_t promised_bytes,
			   struct ebb_budget_process *processes,
			   uint32_t process_count,
			   struct ebb_budget_list *ret_list)
{
	(void)reader;
	(void)promised_bytes;
	if (__atomic_load_n(&rig.host.unreadable, __ATOMIC_RELAXED))
		return -ENOMEM;
	__atomic_fetch_add(&rig.host.reads, 1, __ATOMIC_RELAXED);
	*ret_list = (struct ebb_budget_list){
		.budgets =
			calloc(1 + rig.host.slices, sizeof(struct ebb_budget)),
		.count = 1 + rig.host.slices,
	};
	for (uint32_t i = 1; i <= rig.host.slices; i++)
		add_slice(&ret_list->budgets[i], i);
	ret_list->budgets[0] = (struct ebb_budget){
		.process_count = process_count,
		.kind = EBB_BUDGET_HOST,
		.name = "host",
		.limit_bytes = 16 * EBB_GIB,
		.available_bytes = __atomic_load_n(&rig.host.available_bytes,
						   __ATOMIC_RELAXED),
		.low_bytes = EBB_GIB,
		.high_bytes = 2 * EBB_GIB,
	};
	for (uint32_t i = 0; i < process_count; i++) {
		processes[i].cgroups_known = true;
		processes[i].nodes_known =
			!__atomic_load_n(&rig.host.unplaced, __ATOMIC_RELAXED);
		processes[i].part_count = 1;
		processes[i].parts[0] = (struct ebb_budget_part){ 0, 1 };
	}
	return 0;
}

int __real_ebb_array_append_text(struct json_object *array,
				 const struct ebb_field *fields,
				 const void *item);
int __wrap_ebb_array_append_text(struct json_object *array,
				 const struct ebb_field *fields,
				 const void *item);
int __wrap_ebb_array_append_text(struct json_object *array,
				 const struct ebb_field *fields,
				 const void *item)
{
	return rig.out_of_memory
		       ? -ENOMEM
		       : __real_ebb_array_append_text(array, fields, item);
}

static void note_line(enum ebb_log_level level, const char *text)
{
	if (strstr(text, "policy: web1: ")) {
		rig.log.infos += level == EBB_LOG_INFO;
		rig.log.debugs += level == EBB_LOG_DEBUG;
	}
	rig.log.needs_began += strcmp(text, "policy: host is in need") == 0;
	rig.log.needs_ended +=
		strcmp(text, "policy: host is in need no more") == 0;
	rig.log.covers_lost += strstr(text, "could not give its largest") !=
			       NULL;
	rig.log.covers_back += strstr(text, "could give back what its") != NULL;
	rig.log.failures += strstr(text, "cannot be read") != NULL;
	if (strstr(text, "not known for a minute")) {
		rig.log.unknowns++;
		snprintf(rig.log.unknown, sizeof(rig.log.unknown), "%s", text);
	}
	if (strstr(text, " came, and ")) {
		rig.log.newcomers++;
		snprintf(rig.log.newcomer, sizeof(rig.log.newcomer), "%.500s",
			 text);
	}
}

void __wrap_ebb_log(enum ebb_log_level level, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
void __wrap_ebb_log(enum ebb_log_level level, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	note_line(level, text);
}

void __wrap_ebb_log_fields(enum ebb_log_level level,
			   const struct ebb_log_field *fields, size_t count,
			   const char *format, ...)
	__attribute__((__format__(__printf__, 4, 5)));
void __wrap_ebb_log_fields(enum ebb_log_level level,
			   const struct ebb_log_field *fields, size_t count,
			   const char *format, ...)
{
	char text[1024];
	va_list args;

	(void)fields;
	(void)count;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	note_line(level, text);
}

void set_available(uint64_t bytes)
{
	__atomic_store_n(&rig.host.available_bytes, bytes, __ATOMIC_RELAXED);
}

void set_unplaced(bool unplaced)
{
	__atomic_store_n(&rig.host.unplaced, unplaced, __ATOMIC_RELAXED);
}

void set_unreadable(bool unreadable)
{
	__atomic_store_n(&rig.host.unreadable, unreadable, __ATOMIC_RELAXED);
}

void fall_short(void)
{
	set_available(EBB_GIB - 1);
	ebb_sharing_alarm(rig.sharing);
}

uint32_t count_reads(void)
{
	return __atomic_load_n(&rig.host.reads, __ATOMIC_RELAXED);
}

/* ---- ebbd ---- */

static void on_over(int timer, void *opaque)
{
	(void)timer;
	*(bool *)opaque = true;
}

void pass(int s)
{
	bool over = false;
	int timer = ebb_loop_timer(s * 1000, on_over, &over);

	while (!over)
		ebb_loop_turn();
	ebb_loop_timer_remove(timer);
}

void come(int index)
{
	const struct ebb_fleet_watcher *watcher =
		ebb_sharing_watcher(rig.sharing);

	watcher->came(vm_of(&rig.guests[index]), watcher->opaque);
}

void go(int index)
{
	const struct ebb_fleet_watcher *watcher =
		ebb_sharing_watcher(rig.sharing);

	watcher->went(vm_of(&rig.guests[index]), watcher->opaque);
}

void call(const char *command, const char *arguments)
{
	const struct ebb_control_handler *handler = ebb_sharing_handlers;
	struct json_object *object = json_tokener_parse(arguments);

	fake_call_forget();
	while (strcmp(handler->command, command) != 0)
		handler++;
	handler->handle(NULL, object, rig.sharing);
	json_object_put(object);
	UNTIL(fake_call.value || *fake_call.error_class);
}

/* Of what was explained, as it is saved: the same is decided. */
static void assert_decides_alike(struct json_object *array)
{
	static struct ebb_explain head;
	struct ebb_explain_domain row, saved;
	struct ebb_snapshot_error error;

	assert_int_equal(ebb_msg_decode(fake_call.value, ebb_explain_fields,
					&head, sizeof(head), NULL),
			 0);
	assert_int_equal(ebb_msg_decode(json_object_array_get_idx(array, 0),
					ebb_explain_domain_fields, &row,
					sizeof(row), NULL),
			 0);
	saved = row;
	assert_int_equal(ebb_snapshot_decide(&head, &row, 1, &error), 0);
	assert_string_equal(row.state, saved.state);
	assert_string_equal(row.why, saved.why);
	assert_int_equal(row.bytes, saved.bytes);
	assert_int_equal(row.lent_bytes, saved.lent_bytes);
}

const char *explained(const char *member)
{
	struct json_object *domains, *value = NULL;

	call("policy-explain", "{\"domain\": \"web1\"}");
	assert_true(json_object_object_get_ex(fake_call.value, "domains",
					      &domains));
	assert_int_equal(json_object_array_length(domains), 1);
	assert_decides_alike(domains);
	json_object_object_get_ex(json_object_array_get_idx(domains, 0), member,
				  &value);
	return value ? json_object_get_string(value) : "";
}

const char *of_budget(struct json_object *budgets, uint32_t index,
		      const char *member)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(
		json_object_array_get_idx(budgets, index), member, &value));
	return json_object_get_string(value);
}

void start(bool dry_run)
{
	const struct ebb_sharing_options options = {
		.config = &rig.config,
		.dry_run = dry_run,
		.speed = 1,
		.old_ns = EBB_SHARING_OLD_NS,
		.root = "",
		.state_dir = rig.state_dir,
		.pressure = { .fd = -1 },
	};

	assert_int_equal(ebb_sharing_new(&options, workers, &rig.sharing), 0);
}

struct guest *start_with_order(void)
{
	struct guest *guest = &rig.guests[0];

	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->pending);
	return guest;
}

void end_ebbd(void)
{
	while (ebb_workers_count(workers) > 0)
		ebb_loop_turn();
	ebb_sharing_free(rig.sharing);
	rig.sharing = NULL;
}

int set_up(void **state)
{
	(void)state;
	ebb_config_default(&rig.config);
	for (int i = 0; i < GUESTS; i++)
		rig.guests[i] = (struct guest){
			.index = i,
			.free_bytes = EBB_GIB / 2,
			.resident_bytes = EBB_GIB,
			.end = EBB_END_SATISFIED,
		};
	rig.begun_ns = ebb_now_ns();
	memset(&rig.host, 0, sizeof(rig.host));
	memset(&rig.log, 0, sizeof(rig.log));
	rig.known_to_libvirt = rig.out_of_memory = false;
	set_available(8 * EBB_GIB);
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	end_ebbd();
	fake_call_forget();
	ebb_config_clear(&rig.config);
	return 0;
}

int set_up_group(void **state)
{
	(void)state;
	ebb_log_init("test", EBB_LOG_WARNING);
	if (ebb_loop_init() < 0)
		return -1;
	if (ebb_workers_new(EBB_WORKERS_MIN, 1, &workers) < 0)
		return -1;
	fake_time_watch_workers(workers);
	return 0;
}

int tear_down_group(void **state)
{
	(void)state;
	ebb_workers_free(workers);
	return 0;
}
