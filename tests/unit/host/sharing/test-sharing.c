/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop that shares memory out, with the workers as they are, a clock that waits for
 * nothing (fake-time.h), and domains and budgets that are played.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/base/loop.h"
#include "host/interface/explain.h"
#include "host/sharing/state.h"
#include "host/snapshot/snapshot.h"
#include "tests/unit/host/base/fake-time.h"
#include "tests/unit/host/control/fake-call.h"

enum {
	GUESTS = 3,
	/* Of the policy's clock. */
	MINUTE_S = 60,
	GENEROUS_S = 6000,
	/* ALARM_BURST of sharing.c. */
	ALARMS_AT_ONCE = 4,
};

/* A domain, and the last order of it. */
struct guest {
	int index;
	bool silent; /* it says nothing new, but when it is asked */
	uint64_t woken_ns;
	bool unfound; /* its process is not known */
	bool closed; /* it has no lease */
	bool reporting; /* on rung report: it speaks only when it is asked */
	bool ballooned; /* on rung balloon: likewise its driver */
	bool plain; /* its balloon does not deflate by itself */
	uint32_t alarms; /* times that it needed what that held */
	bool paged; /* on rung pageout: the host's books speak of it */
	bool hangs; /* it does not answer, either */
	bool young; /* it boots */
	bool in_job; /* of libvirt's */
	uint32_t jobs_ended;
	uint32_t asked_job;
	bool held; /* its reclaim does not end */
	bool queued; /* likewise, and does not begin */
	bool mute; /* its agent does not tell its working set */
	bool boasts; /* it tells the largest number that can be told */
	bool filed_nowhere; /* its memory is in no files: what it has is read */
	bool usage_known;
	uint64_t free_bytes;
	uint64_t resident_bytes;
	uint64_t swapped_bytes;
	uint64_t balloon_bytes;
	enum ebb_reclaim_end end;
	const char *reason; /* of that; NULL: none */
	uint32_t orders;
	uint64_t ordered_ns; /* the last one */
	uint32_t withdrawn;
	uint32_t hurried; /* gentle ones */
	uint32_t given_back; /* by its balloon, unasked */
	bool pending;
	struct ebb_reclaim_order order;
	uint32_t asked_facts;
	uint64_t working_set_ns; /* when it was told; 0: never */
};

static struct guest guests[GUESTS];
static uint64_t begun_ns; /* the test */
static uint64_t available_bytes;
static bool unreadable; /* the budgets are */
static uint32_t infos, debugs, failures; /* lines in the log */
static uint32_t needs_began, needs_ended, covers_lost,
	covers_back; /* likewise */
static uint32_t newcomers; /* likewise, of who came and is not covered */
static char newcomer[512];
static uint32_t unknowns; /* likewise, of whose debt is not known */
static char unknown[1024];
static bool unplaced; /* which nodes they lie in is not known */
static uint32_t reads;
static uint32_t slices; /* budgets beside the host */
static char state_dir[64];
static struct ebb_config config;
static struct ebb_workers *workers;
static struct ebb_sharing *sharing;

/* ---- what is played ---- */

static struct guest *guest_of(const struct ebb_vm *vm)
{
	return (struct guest *)(uintptr_t)vm;
}

static struct ebb_vm *vm_of(struct guest *guest)
{
	return (struct ebb_vm *)guest;
}

const char *__wrap_ebb_vm_name(const struct ebb_vm *vm);
const char *__wrap_ebb_vm_name(const struct ebb_vm *vm)
{
	static const char *const names[GUESTS] = { "web1", "db1", "ci1" };

	return names[guest_of(vm)->index];
}

const char *__wrap_ebb_vm_uuid(const struct ebb_vm *vm);
const char *__wrap_ebb_vm_uuid(const struct ebb_vm *vm)
{
	static const char *const uuids[GUESTS] = {
		"11111111-1111-1111-1111-111111111111",
		"22222222-2222-2222-2222-222222222222",
		"33333333-3333-3333-3333-333333333333",
	};

	return uuids[guest_of(vm)->index];
}

const struct ebb_settings *__wrap_ebb_vm_settings(const struct ebb_vm *vm);
const struct ebb_settings *__wrap_ebb_vm_settings(const struct ebb_vm *vm)
{
	(void)vm;
	return &config.policy.settings;
}

static bool speaks_when_asked(const struct guest *guest)
{
	return guest->reporting || guest->ballooned;
}

bool __wrap_ebb_vm_hear(const struct ebb_vm *vm, struct ebb_vm_word *ret_word);
bool __wrap_ebb_vm_hear(const struct ebb_vm *vm, struct ebb_vm_word *ret_word)
{
	const struct guest *guest = guest_of(vm);

	if (speaks_when_asked(guest) &&
	    (guest->woken_ns == 0 ||
	     ebb_now_ns() - guest->woken_ns > 10 * EBB_NS_PER_S))
		return false;
	if (guest->paged) {
		*ret_word = (struct ebb_vm_word){
			.by_books = true,
			.stamp_ns =
				3600 * EBB_NS_PER_S + ebb_now_ns() - begun_ns,
			.free_bytes = EBB_GIB - guest->resident_bytes -
				      guest->swapped_bytes,
		};
		return true;
	}
	*ret_word = (struct ebb_vm_word){
		.asked = speaks_when_asked(guest),
		/* It runs for an hour. */
		.stamp_ns = (guest->young ? 0 : 3600 * EBB_NS_PER_S) +
			    (guest->silent || speaks_when_asked(guest)
				     ? guest->woken_ns - begun_ns
				     : ebb_now_ns() - begun_ns),
		.free_bytes = guest->free_bytes,
		.free_huge_bytes = guest->free_bytes,
	};
	return true;
}

void __wrap_ebb_vm_see(const struct ebb_vm *vm, struct ebb_vm_sight *ret_sight);
void __wrap_ebb_vm_see(const struct ebb_vm *vm, struct ebb_vm_sight *ret_sight)
{
	const struct guest *guest = guest_of(vm);
	bool held = !guest->unfound &&
		    (!guest->filed_nowhere || guest->usage_known);

	*ret_sight = (struct ebb_vm_sight){
		.pid = guest->unfound ? 0 : 1 + guest->index,
		.rung = guest->closed	   ? EBB_RUNG_OBSERVE
			: guest->reporting ? EBB_RUNG_REPORT
			: guest->ballooned ? EBB_RUNG_BALLOON
			: guest->paged	   ? EBB_RUNG_PAGEOUT
					   : EBB_RUNG_LEASE,
		.in_job = guest->in_job,
		.jobs_ended = guest->jobs_ended,
		.held_known = held,
		.usable_bytes = held ? EBB_GIB - guest->balloon_bytes : 0,
		.base_bytes = held ? EBB_GIB : 0,
		.balloon_deflates = !guest->plain,
		.balloon_alarms = guest->alarms,
		.resident_bytes = held ? guest->resident_bytes : 0,
		.swapped_known = held,
		.swapped_bytes = held ? guest->swapped_bytes : 0,
		.working_set_known = guest->working_set_ns > 0,
		.working_set_bytes = guest->boasts ? INT64_MAX : EBB_GIB / 4,
		.working_set_ns = guest->working_set_ns,
	};
}

bool __wrap_ebb_vm_is_closed(const struct ebb_vm *vm,
			     struct ebb_reason *ret_reason);
bool __wrap_ebb_vm_is_closed(const struct ebb_vm *vm,
			     struct ebb_reason *ret_reason)
{
	if (!guest_of(vm)->closed)
		return false;
	snprintf(ret_reason->name, sizeof(ret_reason->name), "no-module");
	snprintf(ret_reason->text, sizeof(ret_reason->text), "No module");
	snprintf(ret_reason->remedy, sizeof(ret_reason->remedy), "Load it");
	return true;
}

void __wrap_ebb_vm_want_facts(struct ebb_vm *vm);
void __wrap_ebb_vm_want_facts(struct ebb_vm *vm)
{
	guest_of(vm)->asked_facts++;
	if (guest_of(vm)->hangs)
		return;
	guest_of(vm)->woken_ns = ebb_now_ns();
	if (!guest_of(vm)->mute)
		guest_of(vm)->working_set_ns = ebb_now_ns();
}

pid_t __wrap_ebb_vm_wants_usage(const struct ebb_vm *vm, uint32_t max_age_ms);
pid_t __wrap_ebb_vm_wants_usage(const struct ebb_vm *vm, uint32_t max_age_ms)
{
	(void)max_age_ms;
	return guest_of(vm)->filed_nowhere ? 1 + guest_of(vm)->index : 0;
}

/* Of the process by its number, as of what it has. */
int __wrap_ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding);
int __wrap_ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	*ret_holding = (struct ebb_holding){
		.resident_bytes = (uint64_t)pid * EBB_MIB,
	};
	return 0;
}

void __wrap_ebb_vm_take_usage(struct ebb_vm *vm, pid_t pid,
			      const struct ebb_holding *usage,
			      uint64_t read_ns);
void __wrap_ebb_vm_take_usage(struct ebb_vm *vm, pid_t pid,
			      const struct ebb_holding *usage, uint64_t read_ns)
{
	assert_true(read_ns > 0);
	assert_int_equal(pid, 1 + guest_of(vm)->index);
	guest_of(vm)->usage_known = true;
	guest_of(vm)->resident_bytes = usage->resident_bytes;
}

void __wrap_ebb_vm_want_job(struct ebb_vm *vm);
void __wrap_ebb_vm_want_job(struct ebb_vm *vm)
{
	guest_of(vm)->asked_job++;
}

/* libvirt may know the last guest, and nobody else, though it does not run. */
static bool known_to_libvirt;

bool __wrap_ebb_fleet_find(const struct ebb_fleet *fleet,
			   const char *name_or_uuid,
			   struct ebb_fleet_domain *ret_domain);
bool __wrap_ebb_fleet_find(const struct ebb_fleet *fleet,
			   const char *name_or_uuid,
			   struct ebb_fleet_domain *ret_domain)
{
	const struct guest *guest = &guests[GUESTS - 1];
	const char *name = __wrap_ebb_vm_name((const void *)guest);
	const char *uuid = __wrap_ebb_vm_uuid((const void *)guest);

	(void)fleet;
	*ret_domain = (struct ebb_fleet_domain){ name, uuid };
	return known_to_libvirt && (strcmp(name_or_uuid, name) == 0 ||
				    strcmp(name_or_uuid, uuid) == 0);
}

static void end_job(struct guest *guest)
{
	guest->in_job = false;
	guest->jobs_ended++;
}

static void end_order(struct guest *guest, enum ebb_reclaim_end end,
		      uint64_t bytes)
{
	struct ebb_reclaim reclaim = {
		.wish = guest->order.wish,
		.outcome = guest->reason
				   ? ebb_outcome_reason(end, guest->reason)
				   : ebb_outcome(end),
	};
	const struct ebb_reclaim_report report = { .reclaim = &reclaim };

	reclaim.books.reclaimed_bytes = bytes;
	guest->resident_bytes -= bytes;
	guest->swapped_bytes += guest->paged ? bytes : 0;
	guest->pending = false;
	guest->in_job |= end == EBB_END_JOB;
	guest->order.done(&report, guest->order.opaque);
}

void __wrap_ebb_vm_reclaim(struct ebb_vm *vm,
			   const struct ebb_reclaim_order *order);
void __wrap_ebb_vm_reclaim(struct ebb_vm *vm,
			   const struct ebb_reclaim_order *order)
{
	struct guest *guest = guest_of(vm);

	assert_false(guest->pending);
	assert_int_equal(order->owner, EBB_OWNER_POLICY);
	guest->orders++;
	guest->ordered_ns = ebb_now_ns();
	guest->pending = true;
	guest->order = *order;
	if (guest->held || guest->queued)
		return;
	end_order(guest, guest->end,
		  guest->end == EBB_END_SATISFIED ? order->wish.bytes : 0);
}

void __wrap_ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque);
void __wrap_ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque)
{
	struct guest *guest = guest_of(vm);

	assert_ptr_equal(guest->order.opaque, opaque);
	end_order(guest, EBB_END_CANCELLED, 0);
}

void __wrap_ebb_vm_withdraw_reclaim(struct ebb_vm *vm, const void *opaque);
void __wrap_ebb_vm_withdraw_reclaim(struct ebb_vm *vm, const void *opaque)
{
	struct guest *guest = guest_of(vm);
	const struct ebb_reclaim_report report = {
		.refusal = { .kind = EBB_REFUSAL_CANCELLED },
	};

	assert_ptr_equal(guest->order.opaque, opaque);
	if (!guest->queued)
		return;
	guest->pending = false;
	guest->withdrawn++;
	guest->order.done(&report, guest->order.opaque);
}

/* As it rests, it ends. */
void __wrap_ebb_vm_hurry_reclaim(struct ebb_vm *vm);
void __wrap_ebb_vm_hurry_reclaim(struct ebb_vm *vm)
{
	struct guest *guest = guest_of(vm);

	if (!guest->pending || !guest->order.wish.gentle)
		return;
	guest->hurried++;
	end_order(guest, EBB_END_CANCELLED, 0);
}

void __wrap_ebb_vm_give_back(struct ebb_vm *vm);
void __wrap_ebb_vm_give_back(struct ebb_vm *vm)
{
	guest_of(vm)->given_back++;
	guest_of(vm)->balloon_bytes = 0;
}

/* Each is in other places of the list than before. The last one is short. */
static void add_slice(struct ebb_budget *budget, uint32_t place)
{
	uint32_t number = (place + reads) % slices;

	*budget = (struct ebb_budget){
		.process_count = 1,
		.kind = EBB_BUDGET_CGROUP,
		.limit_bytes = 16 * EBB_GIB,
		.available_bytes = number == slices - 1 ? EBB_MIB : 8 * EBB_GIB,
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
	if (__atomic_load_n(&unreadable, __ATOMIC_RELAXED))
		return -ENOMEM;
	__atomic_fetch_add(&reads, 1, __ATOMIC_RELAXED);
	*ret_list = (struct ebb_budget_list){
		.budgets = calloc(1 + slices, sizeof(struct ebb_budget)),
		.count = 1 + slices,
	};
	for (uint32_t i = 1; i <= slices; i++)
		add_slice(&ret_list->budgets[i], i);
	ret_list->budgets[0] = (struct ebb_budget){
		.process_count = process_count,
		.kind = EBB_BUDGET_HOST,
		.name = "host",
		.limit_bytes = 16 * EBB_GIB,
		.available_bytes =
			__atomic_load_n(&available_bytes, __ATOMIC_RELAXED),
		.low_bytes = EBB_GIB,
		.high_bytes = 2 * EBB_GIB,
	};
	for (uint32_t i = 0; i < process_count; i++) {
		processes[i].cgroups_known = true;
		processes[i].nodes_known =
			!__atomic_load_n(&unplaced, __ATOMIC_RELAXED);
		processes[i].part_count = 1;
		processes[i].parts[0] = (struct ebb_budget_part){ 0, 1 };
	}
	return 0;
}

static void note_line(enum ebb_log_level level, const char *text)
{
	if (strstr(text, "policy: web1: ")) {
		infos += level == EBB_LOG_INFO;
		debugs += level == EBB_LOG_DEBUG;
	}
	needs_began += strcmp(text, "policy: host is in need") == 0;
	needs_ended += strcmp(text, "policy: host is in need no more") == 0;
	covers_lost += strstr(text, "could not give its largest") != NULL;
	covers_back += strstr(text, "could give back what its") != NULL;
	failures += strstr(text, "cannot be read") != NULL;
	if (strstr(text, "not known for a minute")) {
		unknowns++;
		snprintf(unknown, sizeof(unknown), "%s", text);
	}
	if (strstr(text, " came, and ")) {
		newcomers++;
		snprintf(newcomer, sizeof(newcomer), "%.500s", text);
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

/* ---- the test's own ---- */

static void on_too_late(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	fail_msg("it takes too long");
}

static void on_over(int timer, void *opaque)
{
	(void)timer;
	*(bool *)opaque = true;
}

#define UNTIL(is_so)                                                          \
	do {                                                                  \
		int alarm_ =                                                  \
			ebb_loop_timer(GENEROUS_S * 1000, on_too_late, NULL); \
		while (!(is_so))                                              \
			ebb_loop_turn();                                      \
		ebb_loop_timer_remove(alarm_);                                \
	} while (0)

/* So many seconds. */
static void pass(int s)
{
	bool over = false;
	int timer = ebb_loop_timer(s * 1000, on_over, &over);

	while (!over)
		ebb_loop_turn();
	ebb_loop_timer_remove(timer);
}

static void come(int index)
{
	const struct ebb_fleet_watcher *watcher = ebb_sharing_watcher(sharing);

	watcher->came(vm_of(&guests[index]), watcher->opaque);
}

static void go(int index)
{
	const struct ebb_fleet_watcher *watcher = ebb_sharing_watcher(sharing);

	watcher->went(vm_of(&guests[index]), watcher->opaque);
}

static void call(const char *command, const char *arguments)
{
	const struct ebb_control_handler *handler = ebb_sharing_handlers;
	struct json_object *object = json_tokener_parse(arguments);

	fake_call_forget();
	while (strcmp(handler->command, command) != 0)
		handler++;
	handler->handle(NULL, object, sharing);
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

/* A member of the first domain that is explained. */
static const char *explained(const char *member)
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

static void start(bool dry_run)
{
	const struct ebb_sharing_options options = {
		.config = &config,
		.dry_run = dry_run,
		.speed = 1,
		.old_ns = EBB_SHARING_OLD_NS,
		.root = "",
		.state_dir = state_dir,
		.pressure = { .fd = -1 },
	};

	assert_int_equal(ebb_sharing_new(&options, workers, &sharing), 0);
}

static int set_up(void **state)
{
	(void)state;
	ebb_config_default(&config);
	for (int i = 0; i < GUESTS; i++)
		guests[i] = (struct guest){
			.index = i,
			.free_bytes = EBB_GIB / 2,
			.resident_bytes = EBB_GIB,
			.end = EBB_END_SATISFIED,
		};
	begun_ns = ebb_now_ns();
	available_bytes = 8 * EBB_GIB;
	reads = 0;
	__atomic_store_n(&unplaced, false, __ATOMIC_RELAXED);
	slices = 0;
	unreadable = false;
	infos = debugs = failures = newcomers = unknowns = 0;
	needs_began = needs_ended = covers_lost = covers_back = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	while (ebb_workers_count(workers) > 0)
		ebb_loop_turn();
	ebb_sharing_free(sharing);
	sharing = NULL;
	fake_call_forget();
	ebb_config_clear(&config);
	return 0;
}

static int set_up_group(void **state)
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

static int tear_down_group(void **state)
{
	(void)state;
	ebb_workers_free(workers);
	return 0;
}

/* ---- without need ---- */

static void what_is_unused_for_a_minute_is_taken(void **state)
{
	struct guest *guest = &guests[0];
	uint64_t start_ns = ebb_now_ns();

	(void)state;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	assert_true(ebb_now_ns() - start_ns >= MINUTE_S * EBB_NS_PER_S);
	/* An eighth of what is beyond the cushion, and nobody is driven. */
	assert_int_equal(guest->order.wish.bytes, 56 * EBB_MIB);
	assert_true(guest->order.wish.free_only);
	assert_false(guest->order.wish.compact);
	/* Each 10 s, not at each look. */
	start_ns = guest->ordered_ns;
	UNTIL(guest->orders > 1);
	assert_true(guest->ordered_ns - start_ns >= 10 * EBB_NS_PER_S);
	assert_int_equal(guest->order.wish.bytes, 48 * EBB_MIB);
	/* It ends. */
	UNTIL(strcmp(explained("state"), "little") == 0);
	assert_in_range(guest->resident_bytes, EBB_GIB - 448 * EBB_MIB,
			EBB_GIB - 432 * EBB_MIB);
}

/* What nobody waits for is gentle, until the host needs it: then it is asked for anew. */
static void need_ends_what_is_gentle(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	assert_true(guest->order.wish.gentle);
	assert_non_null(strstr(explained("last-text"), ", gently"));
	assert_int_equal(guest->hurried, 0);
	__atomic_store_n(&available_bytes, EBB_GIB / 4, __ATOMIC_RELAXED);
	ebb_sharing_alarm(sharing);
	UNTIL(guest->orders > 1);
	assert_int_equal(guest->hurried, 1);
	assert_false(guest->order.wish.gentle);
	assert_null(strstr(explained("last-text"), ", gently"));
	assert_non_null(strstr(explained("last-text"), "because host"));
	end_order(guest, EBB_END_SATISFIED, guest->order.wish.bytes);
}

/* A guest that hangs has said for long that it has much free. */
static void old_facts_are_not_free_memory(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->silent = true;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_string_equal(explained("state"), "unknown");
}

static bool is_out_of_memory;

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
	return is_out_of_memory
		       ? -ENOMEM
		       : __real_ebb_array_append_text(array, fields, item);
}

/* One that lacked a domain would be taken for that of all. */
static void an_explanation_without_memory_is_an_error(void **state)
{
	(void)state;
	start(false);
	come(0);
	pass(MINUTE_S);
	is_out_of_memory = true;
	call("policy-explain", "{}");
	is_out_of_memory = false;
	assert_string_equal(fake_call.error_class, "GenericError");
	assert_string_equal(fake_call.error, "out of memory");
	assert_true(*explained("state"));
}

static void who_lies_nowhere_known_lends_nothing(void **state)
{
	(void)state;
	__atomic_store_n(&unplaced, true, __ATOMIC_RELAXED);
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guests[0].orders, 0);
	assert_string_equal(explained("state"), "unplaced");
	__atomic_store_n(&unplaced, false, __ATOMIC_RELAXED);
	UNTIL(guests[0].orders > 0);
}

static void closed_rung_is_named(void **state)
{
	(void)state;
	guests[0].closed = true;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guests[0].orders, 0);
	assert_non_null(strstr(explained("text"), "closed (no-module)"));
}

static const char *of_budget(struct json_object *budgets, uint32_t index,
			     const char *member)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(
		json_object_array_get_idx(budgets, index), member, &value));
	return json_object_get_string(value);
}

/* Nobody knows how much one takes back that is not found, so others lend nothing. */
static void who_is_not_known_is_owed_and_named(void **state)
{
	struct json_object *budgets;

	(void)state;
	guests[1].unfound = true;
	start(false);
	come(1);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guests[0].orders, 0);
	call("policy-explain", "{}");
	assert_true(json_object_object_get_ex(fake_call.value, "budgets",
					      &budgets));
	assert_string_equal(of_budget(budgets, 0, "unknown-debtor"), "db1");
	assert_string_equal(of_budget(budgets, 0, "covered"), "false");
	guests[1].unfound = false;
	UNTIL(guests[0].orders > 0);
}

/* A member of the first budget, of the last explanation. */
static uint64_t of_host(const char *member)
{
	struct json_object *budgets, *value;

	assert_true(json_object_object_get_ex(fake_call.value, "budgets",
					      &budgets));
	assert_true(json_object_object_get_ex(
		json_object_array_get_idx(budgets, 0), member, &value));
	return json_object_get_uint64(value);
}

/* What it has is read of its process, and what it may take is a debt as any. */
static void memory_in_no_files_counts(void **state)
{
	(void)state;
	guests[0].filed_nowhere = true;
	guests[0].closed = true;
	start(false);
	come(0);
	/* Nothing was read yet: 0 of it is not what it has. */
	assert_string_equal(explained("memory-known"), "false");
	UNTIL(strcmp(explained("resident-bytes"), "1048576") == 0);
	assert_string_equal(explained("memory-known"), "true");
	assert_string_equal(explained("usable-bytes"), "1073741824");
	assert_int_equal(of_host("debt-bytes"), EBB_GIB - EBB_MIB);
	assert_non_null(strstr(explained("text"), "closed (no-module)"));
	assert_int_equal(guests[0].orders, 0);
}

/* Each that comes to a host that could not give what is lent is told of, once. */
static void who_comes_to_a_host_without_cover_is_told_of(void **state)
{
	(void)state;
	config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	for (int i = 0; i < GUESTS; i++)
		guests[i].resident_bytes = EBB_GIB / 4;
	start(false);
	come(2);
	/* 7 GiB cover what one may take. */
	pass(MINUTE_S);
	assert_int_equal(newcomers, 0);
	__atomic_store_n(&available_bytes, EBB_GIB + EBB_GIB / 2,
			 __ATOMIC_RELAXED);
	pass(MINUTE_S);
	assert_int_equal(newcomers, 0);
	come(0);
	UNTIL(newcomers > 0);
	assert_non_null(strstr(newcomer, "policy: web1 came, and host could "));
	assert_non_null(strstr(newcomer, "512.0 MiB of cover for a debt of "
					 "768.0 MiB"));
	come(1);
	UNTIL(newcomers > 1);
	assert_non_null(strstr(newcomer, "policy: db1 came, and host could "));
	pass(MINUTE_S);
	assert_int_equal(newcomers, 2);
}

/* And looks find it so. */
static void provide(uint64_t bytes)
{
	uint32_t enough;

	__atomic_store_n(&available_bytes, bytes, __ATOMIC_RELAXED);
	enough = __atomic_load_n(&reads, __ATOMIC_RELAXED) + 3;
	UNTIL(__atomic_load_n(&reads, __ATOMIC_RELAXED) >= enough);
}

/* Of a need that was not told, as there were too many, the end is none either. */
static void an_end_is_told_if_its_begin_was(void **state)
{
	(void)state;
	start(false);
	come(0);
	pass(MINUTE_S);
	sharing->change_pace = (struct ebb_pace){
		.burst = 1,
		.period_ns = 60 * MINUTE_S * EBB_NS_PER_S,
	};
	for (int i = 0; i < 2; i++) {
		provide(EBB_GIB / 2);
		assert_int_equal(needs_began, 1);
		provide(8 * EBB_GIB);
		assert_int_equal(needs_ended, 1);
	}
}

/* Nor is it the end that the debt is not known any more. */
static void an_unknown_debt_is_not_covered_again(void **state)
{
	(void)state;
	config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	for (int i = 0; i < GUESTS; i++)
		guests[i].resident_bytes = EBB_GIB / 4;
	start(false);
	come(0);
	come(1);
	provide(EBB_GIB + EBB_GIB / 4);
	assert_int_equal(covers_lost, 1);
	guests[1].unfound = true;
	provide(8 * EBB_GIB);
	assert_int_equal(covers_back, 0);
	guests[1].unfound = false;
	UNTIL(covers_back > 0);
	assert_int_equal(covers_lost, 1);
}

/* It stops all lending: told with the remedy, once, and not of one that starts. */
static void whose_debt_is_not_known_for_long_is_told_of(void **state)
{
	uint64_t came_ns = ebb_now_ns();

	(void)state;
	guests[0].unfound = guests[0].closed = true;
	start(false);
	come(0);
	come(1);
	UNTIL(unknowns > 0);
	assert_true(ebb_now_ns() - came_ns >= MINUTE_S * EBB_NS_PER_S);
	assert_non_null(strstr(unknown, "how much memory web1 may take"));
	assert_non_null(strstr(unknown, ": No module. Load it"));
	pass(2 * MINUTE_S);
	assert_int_equal(unknowns, 1);
	guests[0].unfound = false;
	UNTIL(!sharing->members.items[0]->debt_unknown);
	came_ns = ebb_now_ns();
	guests[0].unfound = true;
	UNTIL(unknowns > 1);
	assert_true(ebb_now_ns() - came_ns >= MINUTE_S * EBB_NS_PER_S);
}

/* At its start the process is not known: once it is, the warning does not wait. */
static void who_is_found_is_looked_at_at_once(void **state)
{
	const struct ebb_fleet_watcher *watcher;

	(void)state;
	config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	config.policy.cover_guests = GUESTS;
	__atomic_store_n(&available_bytes, 3 * EBB_GIB, __ATOMIC_RELAXED);
	for (int i = 0; i < GUESTS; i++)
		guests[i].resident_bytes = EBB_GIB / 4;
	guests[0].unfound = true;
	start(false);
	watcher = ebb_sharing_watcher(sharing);
	for (int i = 0; i < GUESTS; i++)
		come(i);
	/* The host may be short in 2 s at the earliest, and is looked at then. */
	UNTIL(!sharing->ground.reading && sharing->looked_ns > 0 &&
	      sharing->due_ns - sharing->looked_ns > EBB_NS_PER_S);
	assert_int_equal(newcomers, 0);
	guests[0].unfound = false;
	watcher->found(vm_of(&guests[0]), watcher->opaque);
	assert_int_equal(sharing->due_ns,
			 sharing->looked_ns + 250 * EBB_NS_PER_MS);
	UNTIL(newcomers > 0);
	assert_non_null(strstr(newcomer, "policy: web1 came, and host could "));
}

/* Those that lack something are told, and the others as far as there is room. */
static void of_many_budgets_those_in_need_are_told(void **state)
{
	struct json_object *budgets, *left_out;

	(void)state;
	slices = 300;
	start(false);
	come(0);
	UNTIL(__atomic_load_n(&reads, __ATOMIC_RELAXED) > 3 &&
	      sharing->looked_ns > 0 && !sharing->ground.reading);
	call("policy-explain", "{}");
	assert_true(json_object_object_get_ex(fake_call.value, "budgets",
					      &budgets));
	assert_true(json_object_object_get_ex(fake_call.value,
					      "budgets-left-out", &left_out));
	assert_int_equal(json_object_array_length(budgets), 64);
	assert_int_equal(json_object_get_int(left_out), 301 - 64);
	assert_string_equal(of_budget(budgets, 0, "name"), "host");
	assert_string_equal(of_budget(budgets, 1, "name"), "slice299");
	assert_string_equal(of_budget(budgets, 1, "in-need"), "true");
	assert_string_equal(of_budget(budgets, 2, "in-need"), "false");
	/* What is kept of a budget goes with its name, not with its place. */
	for (uint32_t i = 0; i < sharing->ground.list.count; i++)
		assert_int_equal(sharing->ground.budgets[i].in_need,
				 strcmp(sharing->ground.budgets[i].name,
					"slice299") == 0);
}

static void end_ebbd(void)
{
	while (ebb_workers_count(workers) > 0)
		ebb_loop_turn();
	ebb_sharing_free(sharing);
	sharing = NULL;
}

static bool is_paused(void)
{
	struct json_object *paused;

	call("policy-explain", "{}");
	assert_true(
		json_object_object_get_ex(fake_call.value, "paused", &paused));
	return json_object_get_boolean(paused);
}

static const char *note(void)
{
	struct json_object *text;

	return json_object_object_get_ex(fake_call.value, "note", &text)
		       ? json_object_get_string(text)
		       : "";
}

/* Who paused the policy does not find it running after an upgrade. */
static void what_is_paused_stays_so_over_a_restart(void **state)
{
	(void)state;
	strcpy(state_dir, "test-sharing.XXXXXX");
	assert_non_null(mkdtemp(state_dir));
	start(false);
	come(0);
	come(1);
	call("policy-pause", "{\"pause\": true}");
	assert_string_equal(note(), "");
	call("policy-pause", "{\"pause\": true, \"domain\": \"web1\"}");
	end_ebbd();
	start(false);
	come(0);
	come(1);
	assert_true(is_paused());
	assert_string_equal(explained("paused"), "true");
	call("policy-pause", "{\"pause\": false}");
	end_ebbd();
	start(false);
	come(0);
	come(1);
	assert_false(is_paused());
	UNTIL(guests[1].orders > 0);
	assert_int_equal(guests[0].orders, 0);
	assert_string_equal(explained("state"), "policy-paused");
	call("policy-pause", "{\"pause\": false, \"domain\": \"web1\"}");
	end_ebbd();
	/* All files are gone. */
	assert_int_equal(rmdir(state_dir), 0);
	start(false);
	assert_false(is_paused());
	call("policy-pause", "{\"pause\": true}");
	assert_true(is_paused());
	*state_dir = '\0';
}

/* The name of the only domain that is told to be paused, or "". */
static const char *told_paused(bool *ret_running)
{
	struct json_object *array, *name, *running;

	call("policy-explain", "{}");
	assert_true(json_object_object_get_ex(fake_call.value, "paused-domains",
					      &array));
	if (json_object_array_length(array) == 0)
		return "";
	assert_int_equal(json_object_array_length(array), 1);
	array = json_object_array_get_idx(array, 0);
	assert_true(json_object_object_get_ex(array, "name", &name));
	assert_true(json_object_object_get_ex(array, "running", &running));
	*ret_running = json_object_get_boolean(running);
	return json_object_get_string(name);
}

static enum ebb_vm_pause pause_of(int index)
{
	const struct ebb_fleet_watcher *watcher = ebb_sharing_watcher(sharing);

	return watcher->pause_of(__wrap_ebb_vm_uuid(vm_of(&guests[index])),
				 watcher->opaque);
}

/* It is gone, and may never come again: that it is paused is told, and can be ended. */
static void a_pause_of_who_does_not_run_is_ended(void **state)
{
	bool running = true;

	(void)state;
	start(false);
	come(0);
	assert_string_equal(told_paused(&running), "");
	assert_int_equal(pause_of(0), EBB_VM_PAUSE_NONE);
	call("policy-pause", "{\"pause\": true, \"domain\": \"web1\"}");
	assert_string_equal(told_paused(&running), "web1");
	assert_true(running);
	go(0);
	assert_string_equal(told_paused(&running), "web1");
	assert_false(running);
	assert_int_equal(pause_of(0), EBB_VM_PAUSE_DOMAIN);
	assert_int_equal(pause_of(1), EBB_VM_PAUSE_NONE);
	call("policy-pause", "{\"pause\": false, \"domain\": \"db1\"}");
	assert_string_equal(fake_call.error_class, "DomainNotFound");
	assert_non_null(strstr(fake_call.error, "ebbctl policy status"));
	call("policy-pause", "{\"pause\": false, \"domain\": \"web1\"}");
	assert_string_equal(fake_call.error_class, "");
	assert_string_equal(told_paused(&running), "");
	come(0);
	assert_string_equal(explained("paused"), "false");
	call("policy-pause", "{\"pause\": true}");
	assert_int_equal(pause_of(0), EBB_VM_PAUSE_ALL);
}

/* Of a restart of ebbd only the UUID is left, by which libvirt may know a name. */
static void a_pause_is_ended_after_a_restart(void **state)
{
	static const char *const domains[] = {
		"33333333-3333-3333-3333-333333333333", "ci1"
	};
	char request[128];
	bool running = true;

	(void)state;
	strcpy(state_dir, "test-sharing.XXXXXX");
	assert_non_null(mkdtemp(state_dir));
	for (int i = 0; i < 2; i++) {
		known_to_libvirt = i == 1;
		start(false);
		come(2);
		call("policy-pause", "{\"pause\": true, \"domain\": \"ci1\"}");
		go(2);
		end_ebbd();
		start(false);
		assert_string_equal(told_paused(&running), i ? "ci1" : "");
		assert_false(running);
		snprintf(request, sizeof(request),
			 "{\"pause\": false, \"domain\": \"%s\"}", domains[i]);
		call("policy-pause", request);
		assert_string_equal(fake_call.error_class, "");
		end_ebbd();
		start(false);
		assert_int_equal(sharing->exempt_count, 0);
		end_ebbd();
	}
	known_to_libvirt = false;
	assert_int_equal(rmdir(state_dir), 0);
	*state_dir = '\0';
}

/* One that is gone and one that libvirt knows had the same name. */
static void a_name_is_of_the_domain_that_libvirt_knows(void **state)
{
	(void)state;
	start(false);
	for (int i = 0; i < GUESTS; i += GUESTS - 1) {
		come(i);
		call("policy-pause",
		     i == 0 ? "{\"pause\": true, \"domain\": \"web1\"}"
			    : "{\"pause\": true, \"domain\": \"ci1\"}");
		go(i);
	}
	assert_int_equal(sharing->exempt_count, 2);
	strcpy(sharing->exempt[0].name, "ci1");
	known_to_libvirt = true;
	call("policy-pause", "{\"pause\": false, \"domain\": \"ci1\"}");
	known_to_libvirt = false;
	assert_int_equal(sharing->exempt_count, 1);
	assert_true(pause_of(0) == EBB_VM_PAUSE_DOMAIN);
}

/* It is paused nevertheless, and the person knows for how long. */
static void a_pause_that_cannot_be_kept_is_told_of(void **state)
{
	(void)state;
	strcpy(state_dir, "test-sharing.XXXXXX");
	assert_non_null(mkdtemp(state_dir));
	start(false);
	assert_int_equal(rmdir(state_dir), 0);
	call("policy-pause", "{\"pause\": true}");
	assert_non_null(strstr(note(), "A restart of ebbd forgets this"));
	assert_true(is_paused());
	*state_dir = '\0';
}

static void performance_takes_nothing(void **state)
{
	(void)state;
	config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guests[0].orders, 0);
	assert_string_equal(explained("state"), "mode");
}

/* Nobody knows how far it could be driven: what is free is taken as it is. */
static void density_drives_nobody_whose_working_set_is_unknown(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	config.policy.settings.values.mode = EBB_MODE_DENSITY;
	guest->mute = true;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	assert_true(guest->asked_facts > 0);
	assert_true(guest->order.wish.free_only);
	assert_false(guest->order.wish.compact);
	guest->mute = false;
	UNTIL(guest->orders > 0 && !guest->order.wish.free_only);
	assert_true(guest->order.wish.compact);
}

static uint64_t explained_working_set_bytes(void)
{
	return strtoull(explained("working-set-bytes"), NULL, 10);
}

static void what_it_took_since_its_word_it_works_with(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	guest->mute = true;
	guest->working_set_ns = ebb_now_ns();
	start(false);
	come(0);
	pass(MINUTE_S / 2);
	assert_int_equal(explained_working_set_bytes(), EBB_GIB / 4);
	guest->free_bytes -= 64 * EBB_MIB;
	UNTIL(explained_working_set_bytes() == EBB_GIB / 4 + 64 * EBB_MIB);
	/* Its next word has that. */
	guest->working_set_ns = ebb_now_ns();
	UNTIL(explained_working_set_bytes() == EBB_GIB / 4);
	/* It tells nothing any more, and a minute later it may work with anything. */
	UNTIL(strcmp(explained("working-set-known"), "false") == 0);
	assert_in_range(ebb_now_ns() - guest->working_set_ns,
			MINUTE_S * EBB_NS_PER_S, 2 * MINUTE_S * EBB_NS_PER_S);
}

/* Nor is more told of it, which nobody could read. */
static void it_works_with_no_more_than_it_may_use(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	guest->mute = true;
	guest->boasts = true;
	guest->working_set_ns = ebb_now_ns();
	start(false);
	come(0);
	pass(MINUTE_S / 2);
	guest->free_bytes -= 64 * EBB_MIB;
	pass(MINUTE_S / 3);
	assert_int_equal(explained_working_set_bytes(), EBB_GIB);
}

static void a_dry_run_takes_nothing_and_says_what(void **state)
{
	(void)state;
	start(true);
	come(0);
	UNTIL(*explained("last-text"));
	assert_non_null(strstr(explained("last-text"), "web1: 56.0 MiB of"));
	assert_string_equal(explained("last-dry-run"), "true");
	assert_int_equal(guests[0].orders, 0);
}

static void what_is_off_does_not_look(void **state)
{
	(void)state;
	config.policy.enabled = false;
	start(false);
	come(0);
	pass(2 * MINUTE_S);
	assert_int_equal(reads, 0);
	assert_string_equal(explained("state"), "off");
	/* Until it is on. */
	config.policy.enabled = true;
	ebb_sharing_config_changed(sharing);
	UNTIL(guests[0].orders > 0);
}

static void on_tick(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

/* Its agent may come and go as often as it likes. */
static void a_guest_causes_one_look_a_second(void **state)
{
	const struct ebb_fleet_watcher *watcher;
	uint64_t start_ns, s = 0;
	uint32_t before;
	int tick;

	(void)state;
	start(false);
	watcher = ebb_sharing_watcher(sharing);
	come(0);
	pass(2);
	before = __atomic_load_n(&reads, __ATOMIC_RELAXED);
	start_ns = ebb_now_ns();
	/* The loop turns each millisecond at least. */
	tick = ebb_loop_timer(1, on_tick, NULL);
	while (s < 30) {
		watcher->changed(vm_of(&guests[0]), watcher->opaque);
		ebb_sharing_alarm(sharing);
		ebb_loop_turn();
		s = (ebb_now_ns() - start_ns) / EBB_NS_PER_S;
	}
	ebb_loop_timer_remove(tick);
	/* Some alarms are looked at without a gap: a few, and one each 5 s. */
	assert_in_range(__atomic_load_n(&reads, __ATOMIC_RELAXED) - before, 2,
			s + ALARMS_AT_ONCE + s / 5);
}

/* An eighth of the rest each time is no news. */
static void what_is_no_news_is_not_told(void **state)
{
	(void)state;
	start(false);
	come(0);
	UNTIL(guests[0].orders >= 4);
	/* From 56 MiB on, each an eighth less. */
	assert_int_equal(infos, 1);
	assert_int_equal(debugs, guests[0].orders - 1);
	UNTIL(strcmp(explained("state"), "little") == 0);
	assert_in_range(infos, 3, 6);
}

static void what_cannot_be_read_is_told_once(void **state)
{
	(void)state;
	__atomic_store_n(&unreadable, true, __ATOMIC_RELAXED);
	start(false);
	come(0);
	pass(2 * MINUTE_S);
	assert_int_equal(failures, 1);
	assert_int_equal(guests[0].orders, 0);
	__atomic_store_n(&unreadable, false, __ATOMIC_RELAXED);
	UNTIL(guests[0].orders > 0);
	assert_int_equal(failures, 1);
}

/* ---- with need ---- */

static void fall_short(void)
{
	__atomic_store_n(&available_bytes, EBB_GIB - 1, __ATOMIC_RELAXED);
	ebb_sharing_alarm(sharing);
}

static void need_is_met_at_once_by_who_has_most(void **state)
{
	uint64_t start_ns;

	(void)state;
	guests[0].held = true;
	guests[1].held = true;
	guests[1].free_bytes = EBB_GIB / 8;
	start(false);
	come(0);
	come(1);
	/* Both were heard. */
	pass(5);
	start_ns = ebb_now_ns();
	fall_short();
	UNTIL(guests[0].orders > 0);
	assert_int_equal(ebb_now_ns() - start_ns, 0);
	/* A quarter of what it does not work with in 10 s. */
	assert_int_equal(guests[0].order.wish.bytes, 128 * EBB_MIB);
	assert_true(guests[0].order.wish.free_only);
	assert_true(!guests[1].pending ||
		    guests[1].order.wish.bytes < guests[0].order.wish.bytes);
	end_order(&guests[0], EBB_END_SATISFIED, 128 * EBB_MIB);
	if (guests[1].pending)
		end_order(&guests[1], EBB_END_SATISFIED, 0);
}

static bool is_look_due(void)
{
	return sharing->due_ns <= ebb_sharing_now_ns(sharing);
}

/* A guest fills a gigabyte in a second: the gap between two looks is too long. */
static void an_alarm_right_after_a_look_does_not_wait(void **state)
{
	const struct ebb_fleet_watcher *watcher;

	(void)state;
	start(false);
	watcher = ebb_sharing_watcher(sharing);
	come(0);
	pass(5);
	UNTIL(!sharing->ground.reading);
	sharing->looked_ns = ebb_sharing_now_ns(sharing);
	ebb_sharing_alarm(sharing);
	assert_true(is_look_due());
	/* Nor is it put off by what may wait. */
	watcher->changed(vm_of(&guests[0]), watcher->opaque);
	come(1);
	assert_true(is_look_due());
}

/* Nothing tells that what is available passes a mark: the looks must be there in time. */
static void a_budget_that_may_soon_be_short_is_looked_at_soon(void **state)
{
	(void)state;
	start(false);
	come(0);
	/* A quarter of a gigabyte is left: a guest fills that in 250 ms. */
	__atomic_store_n(&available_bytes, EBB_GIB + EBB_GIB / 4,
			 __ATOMIC_RELAXED);
	ebb_sharing_alarm(sharing);
	UNTIL(sharing->due_ns > sharing->looked_ns &&
	      sharing->due_ns - sharing->looked_ns < 300 * EBB_NS_PER_MS);
}

/* While an order is under way, whose end would bring a look about, too. */
static void a_budget_in_need_is_looked_at_as_soon(void **state)
{
	(void)state;
	guests[0].held = true;
	__atomic_store_n(&available_bytes, EBB_GIB / 2, __ATOMIC_RELAXED);
	start(false);
	come(0);
	UNTIL(guests[0].orders > 0);
	/* What brought a look about before is over. */
	pass(5);
	UNTIL(sharing->due_ns > sharing->looked_ns &&
	      sharing->due_ns - sharing->looked_ns < 300 * EBB_NS_PER_MS);
	assert_true(guests[0].pending);
	end_order(&guests[0], EBB_END_SATISFIED, 0);
}

/* What is being read may have been read before the alarm. */
static void an_alarm_amid_a_look_causes_another(void **state)
{
	const struct ebb_fleet_watcher *watcher;

	(void)state;
	start(false);
	watcher = ebb_sharing_watcher(sharing);
	come(0);
	UNTIL(sharing->ground.reading);
	ebb_sharing_alarm(sharing);
	watcher->changed(vm_of(&guests[0]), watcher->opaque);
	UNTIL(!sharing->ground.reading);
	assert_true(is_look_due());
}

/* Who has nothing free is driven; how far is asked for first, and only with need. */
static void idle_memory_is_taken_once_the_guest_was_asked(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->free_bytes = 32 * EBB_MIB;
	start(false);
	come(0);
	pass(MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_int_equal(guest->asked_facts, 0);
	fall_short();
	UNTIL(guest->orders > 0);
	assert_true(guest->asked_facts > 0);
	assert_false(guest->order.wish.free_only);
	assert_true(guest->order.wish.compact);
	assert_non_null(
		strstr(explained("last-text"), "that it does not work with"));
}

/* What it has free goes by itself; what it does not work with is had in need. */
static void on_rung_report_it_is_driven_in_need(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->reporting = true;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	/* Nobody wants its memory, so nobody wakes it. */
	assert_int_equal(guest->asked_facts, 0);
	assert_string_equal(explained("state"), "unknown");
	assert_non_null(strstr(explained("text"), "QEMU discards by itself"));
	fall_short();
	UNTIL(guest->orders > 0);
	assert_true(guest->asked_facts > 0);
	assert_false(guest->order.wish.free_only);
	assert_true(guest->order.wish.compact);
	assert_non_null(
		strstr(explained("last-text"), "that it does not work with"));
	/* And on, each time by a word that is younger than what was asked last. */
	UNTIL(guest->orders > 2);
	assert_true(guest->asked_facts >= guest->orders);
}

static void on_rung_report_density_drives_it(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	config.policy.settings.values.mode = EBB_MODE_DENSITY;
	guest->reporting = true;
	guest->free_bytes = 0;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	assert_false(guest->order.wish.free_only);
}

static void on_rung_report_an_old_word_is_none(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->reporting = guest->hangs = true;
	start(false);
	come(0);
	fall_short();
	UNTIL(guest->asked_facts > 2);
	assert_int_equal(guest->orders, 0);
	assert_string_equal(explained("state"), "unknown");
}

static void on_rung_report_who_boots_is_not_driven(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->reporting = guest->young = true;
	start(false);
	come(0);
	fall_short();
	UNTIL(guest->asked_facts > 0);
	UNTIL(strcmp(explained("state"), "booting") == 0);
	assert_int_equal(guest->orders, 0);
	UNTIL(guest->orders > 0);
	/* Its first word was no older than this. */
	assert_true(guest->ordered_ns - begun_ns >= 180 * EBB_NS_PER_S);
}

/* The driver of its balloon is asked in need, and the balloon inflated, for that alone. */
static void on_rung_balloon_it_gives_in_need(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	config.policy.settings.values.mode = EBB_MODE_DENSITY;
	guest->ballooned = true;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_int_equal(guest->asked_facts, 0);
	assert_string_equal(explained("state"), "unknown");
	assert_non_null(strstr(explained("text"), "it has only a balloon"));
	fall_short();
	UNTIL(guest->orders > 0);
	assert_true(guest->order.wish.free_only);
	assert_int_equal(guest->order.wish.timeout_ms, 30 * 1000);
	assert_non_null(strstr(explained("last-text"), "free, by its balloon"));
	assert_string_equal(explained("by-balloon"), "true");
	/* Then what it could free, each time by a word that is younger. */
	guest->free_bytes = 0;
	UNTIL(!guest->order.wish.free_only);
	assert_true(guest->asked_facts >= guest->orders);
	assert_non_null(strstr(explained("last-text"),
			       "it could free, by its balloon"));
	/* It needed it meanwhile, or while it was asked for it. */
	guest->alarms++;
	UNTIL(strcmp(explained("state"), "rests") == 0);
}

/* In need it is asked, and does not answer: that is no rest. */
static void on_rung_balloon_who_hangs_is_not_at_rest(void **state)
{
	(void)state;
	guests[0].ballooned = guests[0].hangs = true;
	start(false);
	come(0);
	UNTIL(strstr(explained("text"), "it has only a balloon"));
	fall_short();
	UNTIL(guests[0].asked_facts > 0);
	assert_string_equal(explained("state"), "unknown");
	assert_non_null(strstr(explained("text"), "is not known, or old"));
}

/* Where it stays as it is when the guest runs short, its kernel would kill. */
static void a_balloon_that_does_not_deflate_is_left_alone(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->ballooned = true;
	guest->plain = true;
	start(false);
	come(0);
	fall_short();
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_int_equal(guest->asked_facts, 0);
	assert_non_null(strstr(explained("text"), "autodeflate='on'"));
}

static void on_rung_balloon_an_alarm_is_a_refusal(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->ballooned = true;
	guest->end = EBB_END_GUEST_REFUSED;
	guest->reason = "low-memory";
	start(false);
	come(0);
	fall_short();
	UNTIL(guest->orders > 0);
	pass(MINUTE_S / 2);
	assert_int_equal(guest->orders, 1);
	assert_string_equal(explained("state"), "rests");
	/* That there is no more is none, nor is a guest that hangs. */
	guest->reason = "balloon-stuck";
	UNTIL(guest->orders >= 4);
	assert_string_equal(explained("state"), "stuck");
}

static void set_available(uint64_t bytes)
{
	__atomic_store_n(&available_bytes, bytes, __ATOMIC_RELAXED);
}

static void come_with_a_balloon(struct guest *guest)
{
	guest->ballooned = true;
	come(guest->index);
}

/* Once nobody needs it for ten minutes, and nobody would if the guest takes all of it. */
static void what_a_balloon_holds_is_given_back(void **state)
{
	struct guest *guest = &guests[0], *other = &guests[1];
	struct guest *third = &guests[2];

	(void)state;
	start(false);
	come_with_a_balloon(guest);
	third->end = EBB_END_GUEST_REFUSED;
	third->reason = "guest-need";
	come_with_a_balloon(third);
	fall_short();
	UNTIL(guest->orders > 0);
	/* A person had it take all that it holds: the policy got nothing. */
	UNTIL(third->orders > 0);
	third->balloon_bytes = EBB_GIB / 8;
	third->hangs = true;
	guest->balloon_bytes = EBB_GIB / 4;
	guest->hangs = true;
	come_with_a_balloon(other);
	/* A person had this one take it. */
	other->balloon_bytes = EBB_GIB / 4;
	other->hangs = true;
	pass(11 * MINUTE_S);
	assert_int_equal(guest->given_back, 0);
	set_available(2 * EBB_GIB + EBB_GIB / 4 - 1);
	pass(11 * MINUTE_S);
	assert_int_equal(guest->given_back, 0);
	set_available(2 * EBB_GIB + EBB_GIB / 4);
	pass(9 * MINUTE_S);
	assert_int_equal(guest->given_back, 0);
	UNTIL(guest->given_back > 0);
	pass(11 * MINUTE_S);
	assert_int_equal(guest->given_back, 1);
	assert_int_equal(other->given_back, 0);
	assert_int_equal(third->given_back, 0);
}

/* Half of all that it has may be hot: only who is nearly out of memory takes it. */
static void on_rung_pageout_it_is_asked_in_an_emergency(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->paged = true;
	guest->working_set_ns = 0;
	config.policy.settings.values.mode = EBB_MODE_DENSITY;
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_non_null(strstr(explained("text"), "nearly out of memory"));
	fall_short();
	pass(MINUTE_S);
	assert_int_equal(guest->orders, 0);
	assert_string_equal(explained("state"), "no-spare");
	/* Nobody in it could be asked for more. */
	assert_int_equal(guest->asked_facts, 0);
	__atomic_store_n(&available_bytes, EBB_GIB / 4, __ATOMIC_RELAXED);
	ebb_sharing_alarm(sharing);
	UNTIL(guest->orders > 0);
	assert_false(guest->order.wish.free_only);
	assert_non_null(strstr(explained("last-text"), "more than its share"));
	/* And on: what the host's books say since is a word that is younger. */
	UNTIL(guest->orders > 1 || guest->resident_bytes == 0);
	/* Once it keeps the rest, that is not told to go some other time. */
	config.policy.settings.values.min.percent = 100;
	ebb_sharing_config_changed(sharing);
	UNTIL(strcmp(explained("state"), "no-spare") == 0);
	assert_non_null(strstr(explained("text"), "its min is"));
}

/* What it cannot give is not expected of it, so that others are asked for all of it. */
static void where_swap_is_full_others_are_asked(void **state)
{
	struct guest *guest = &guests[0];
	uint64_t full_ns;

	(void)state;
	guest->paged = true;
	guest->end = EBB_END_NO_MORE;
	guest->reason = "swap-full";
	start(false);
	come(0);
	pass(3 * MINUTE_S);
	__atomic_store_n(&available_bytes, EBB_GIB / 4, __ATOMIC_RELAXED);
	ebb_sharing_alarm(sharing);
	UNTIL(guest->orders > 0);
	full_ns = guest->ordered_ns;
	UNTIL(strcmp(explained("state"), "no-spare") == 0);
	assert_non_null(strstr(explained("text"), "swap was full"));
	assert_int_equal(sharing->members.items[0]->history.idle_answers, 0);
	UNTIL(guest->orders > 1);
	assert_true(guest->ordered_ns - full_ns >= MINUTE_S * EBB_NS_PER_S);
	/* Once some of it went there, there is room. */
	guest->end = EBB_END_SATISFIED;
	guest->reason = NULL;
	UNTIL(guest->orders > 2);
	assert_false(ebb_member_is_swap_full(sharing->members.items[0],
					     ebb_sharing_now_ns(sharing)));
}

/* It said nothing for long, as it is idle: who has most free is not left out. */
static void an_idle_guest_is_woken_in_need(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->silent = true;
	start(false);
	come(0);
	pass(MINUTE_S);
	assert_int_equal(guest->asked_facts, 0);
	assert_string_equal(explained("state"), "unknown");
	fall_short();
	UNTIL(guest->orders > 0);
	assert_true(guest->asked_facts > 0);
}

/* However many are before them. */
static void all_agents_are_asked_in_turn(void **state)
{
	struct ebb_member *members = calloc(100, sizeof(*members));
	struct ebb_policy_domain *domains = calloc(100, sizeof(*domains));
	struct ebb_member *items[100];
	struct ebb_picture picture = {
		.policy = { .domains = domains, .domain_count = 100 },
		.members = items,
	};

	(void)state;
	start(false);
	assert_non_null(members);
	assert_non_null(domains);
	for (uint32_t i = 0; i < 100; i++) {
		items[i] = &members[i];
		members[i].number = i + 1;
		members[i].vm = vm_of(&guests[0]);
		domains[i].phase = EBB_POLICY_SETTLED;
		domains[i].mode = EBB_POLICY_DENSITY;
		domains[i].rung.drive = true;
	}
	/* Six looks in which 16 are asked, then the first may be asked again. */
	for (uint64_t look = 1; look <= 7; look++) {
		picture.now_ns = look * 5 * EBB_NS_PER_S;
		ebb_sharing_carry_out(sharing, &picture);
	}
	for (uint32_t i = 0; i < 100; i++)
		assert_true(members[i].asked_facts_ns > 0);
	free(members);
	free(domains);
}

/* ---- what comes of an order ---- */

static void a_guest_that_needs_its_memory_has_a_rest(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->end = EBB_END_GUEST_PRESSURE;
	start(false);
	come(0);
	UNTIL(guest->orders > 0);
	pass(MINUTE_S / 2);
	assert_int_equal(guest->orders, 1);
	assert_string_equal(explained("state"), "rests");
	UNTIL(guest->orders > 1);
}

static void a_job_of_libvirts_says_nothing_of_the_guest(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->end = EBB_END_JOB;
	start(false);
	come(0);
	for (uint32_t i = 1; i <= 4; i++) {
		UNTIL(guest->orders == i);
		assert_string_equal(explained("state"), "in-job");
		end_job(guest);
	}
	/* It is not stuck. */
	assert_int_equal(sharing->members.items[0]->history.idle_answers, 0);
}

/* It was free all the while, so it does not fade an eighth at a time. */
static void what_a_job_made_resident_is_taken_back(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->resident_bytes = EBB_GIB / 2;
	start(false);
	come(0);
	pass(2 * MINUTE_S);
	assert_int_equal(guest->orders, 0);
	/*
	 * Nobody told of the job, and libvirtd is asked for one. Until it is known it
	 * may look; what is resident then is no more than the cushion.
	 */
	guest->resident_bytes = EBB_GIB / 2 + 64 * EBB_MIB;
	UNTIL(guest->asked_job > 0);
	guest->in_job = true;
	UNTIL(strcmp(explained("state"), "in-job") == 0);
	guest->resident_bytes = EBB_GIB;
	pass(MINUTE_S / 2);
	assert_int_equal(guest->orders, 0);
	end_job(guest);
	UNTIL(guest->orders > 0);
	/* A quarter of what it does not work with; it would be 56 MiB else. */
	assert_int_equal(guest->order.wish.bytes, 128 * EBB_MIB);
	assert_non_null(
		strstr(explained("last-text"), "a libvirt job made resident"));
}

/* What it had lent before, if it had, is not known here: it fades as with any. */
static void who_is_restored_or_migrated_here_gives_as_any(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->in_job = true;
	start(false);
	come(0);
	UNTIL(strcmp(explained("state"), "in-job") == 0);
	end_job(guest);
	UNTIL(guest->orders > 0);
	assert_int_equal(guest->order.wish.bytes, 56 * EBB_MIB);
}

static void who_gives_nothing_is_stuck(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->end = EBB_END_DRAINED;
	start(false);
	come(0);
	UNTIL(guest->orders >= 3);
	assert_string_equal(explained("state"), "stuck");
}

/* The order outlives what is known of the domain. */
static void a_domain_goes_while_it_is_asked(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->pending);
	go(0);
	pass(5);
	assert_int_equal(sharing->members.count, 0);
	end_order(guest, EBB_END_EBBD_ENDS, 0);
	pass(5);
	come(0);
	assert_int_equal(sharing->members.count, 1);
}

/* Full swap says nothing of the guest, a guest that works with all it has does. */
static void a_full_swap_is_no_fault_of_the_guest(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->paged = true;
	guest->end = EBB_END_NO_MORE;
	guest->reason = "swap-full";
	__atomic_store_n(&available_bytes, EBB_GIB / 4, __ATOMIC_RELAXED);
	start(false);
	come(0);
	UNTIL(guest->orders >= 5);
	assert_int_equal(sharing->members.items[0]->history.idle_answers, 0);
	guest->reason = "in-use";
	UNTIL(strcmp(explained("state"), "stuck") == 0);
}

/* ---- orders that wait ---- */

static void an_order_ends_with_the_need(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->queued = true;
	start(false);
	come(0);
	pass(5);
	set_available(EBB_GIB - 1);
	UNTIL(guest->pending);
	set_available(8 * EBB_GIB);
	UNTIL(guest->withdrawn == 1);
	assert_string_equal(explained("last-ended"), "cancelled");
	/* That says nothing of the guest. */
	assert_int_equal(sharing->members.items[0]->history.pending_bytes, 0);
	assert_int_equal(sharing->members.items[0]->history.idle_answers, 0);
	pass(5);
	assert_int_equal(guest->orders, 1);
}

/* One that has begun goes on. */
static void an_order_does_not_wait_for_long(void **state)
{
	(void)state;
	guests[0].queued = true;
	guests[1].held = true;
	start(false);
	come(0);
	come(1);
	UNTIL(guests[0].pending && guests[1].pending);
	UNTIL(guests[0].orders == 3);
	assert_int_equal(guests[0].withdrawn, 2);
	assert_int_equal(guests[1].orders, 1);
	end_order(&guests[0], EBB_END_SATISFIED, 0);
	end_order(&guests[1], EBB_END_SATISFIED, 0);
}

/* Also one that runs. */
/* The guest moves it: a min of so much percent is then other bytes. */
static void a_balloon_does_not_end_an_order(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	config.policy.settings.values.min = (struct ebb_amount){
		.percent = 10,
	};
	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->pending);
	guest->balloon_bytes = EBB_GIB / 2;
	ebb_sharing_config_changed(sharing);
	assert_true(guest->pending);
	config.policy.settings.values.min.percent = 20;
	ebb_sharing_config_changed(sharing);
	assert_false(guest->pending);
}

static void another_setting_ends_an_order(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->pending);
	ebb_sharing_config_changed(sharing);
	assert_true(guest->pending);
	config.policy.settings.values.mode = EBB_MODE_PERFORMANCE;
	ebb_sharing_config_changed(sharing);
	assert_false(guest->pending);
}

static void what_is_switched_off_ends_orders(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->pending);
	config.policy.dry_run = true;
	ebb_sharing_config_changed(sharing);
	assert_false(guest->pending);
	config.policy.dry_run = false;
	ebb_sharing_config_changed(sharing);
	UNTIL(guest->pending);
	config.policy.enabled = false;
	ebb_sharing_config_changed(sharing);
	assert_false(guest->pending);
}

/* Who is left is decided about later, from what is so then, and comes first. */
static void only_some_orders_are_under_way(void **state)
{
	(void)state;
	config.reclaims = 1;
	available_bytes = EBB_GIB / 4;
	start(false);
	for (int i = 0; i < GUESTS; i++) {
		guests[i].held = true;
		come(i);
	}
	UNTIL(guests[0].pending && guests[1].pending);
	pass(15);
	assert_int_equal(guests[2].orders, 0);
	assert_int_equal(sharing->members.items[2]->history.decided_ns, 0);
	end_order(&guests[0], EBB_END_SATISFIED, EBB_MIB);
	UNTIL(guests[2].pending);
	assert_int_equal(guests[0].orders, 1);
	end_order(&guests[1], EBB_END_SATISFIED, EBB_MIB);
	end_order(&guests[2], EBB_END_SATISFIED, EBB_MIB);
	UNTIL(guests[0].pending);
	for (int i = 0; i < GUESTS; i++)
		if (guests[i].pending)
			end_order(&guests[i], EBB_END_SATISFIED, EBB_MIB);
}

/* They rest most of the time, so that more of them are. */
static void more_gentle_orders_are_under_way(void **state)
{
	(void)state;
	config.reclaims = 1;
	start(false);
	for (int i = 0; i < GUESTS; i++) {
		guests[i].held = true;
		come(i);
	}
	UNTIL(guests[0].pending && guests[1].pending && guests[2].pending);
	assert_int_equal(sharing->order_count, 0);
	assert_int_equal(sharing->gentle_count, GUESTS);
	for (int i = 0; i < GUESTS; i++)
		end_order(&guests[i], EBB_END_SATISFIED, EBB_MIB);
	assert_int_equal(sharing->gentle_count, 0);
}

/* What is paged out may hold a turn for long. */
static void what_is_free_is_ordered_first(void **state)
{
	struct ebb_policy_domain domains[GUESTS] = { 0 };
	struct ebb_policy_decision decisions[GUESTS] = {
		{ .domain = 0, .why = EBB_POLICY_OVER_SHARE },
		{ .domain = 1, .why = EBB_POLICY_OVER_SHARE },
		{ .domain = 2, .why = EBB_POLICY_FREE },
	};
	struct ebb_policy_budget budget = { .name = "host" };
	struct ebb_picture picture = {
		.now_ns = 3600 * EBB_NS_PER_S,
		.policy = { .budgets = &budget,
			    .budget_count = 1,
			    .domains = domains,
			    .domain_count = GUESTS },
		.decisions = decisions,
		.decision_count = GUESTS,
	};

	(void)state;
	config.reclaims = 1;
	start(false);
	for (int i = 0; i < GUESTS; i++) {
		guests[i].held = true;
		come(i);
		domains[i].name = "guest";
		decisions[i].bytes = EBB_POLICY_STEP_BYTES;
	}
	picture.members = sharing->members.items;
	ebb_sharing_carry_out(sharing, &picture);
	assert_true(guests[2].pending);
	/* And what is left, two at a time, to who is next. */
	assert_true(guests[0].pending);
	assert_false(guests[1].pending);
	assert_true(sharing->more);
	for (int i = 0; i < GUESTS; i++)
		if (guests[i].pending)
			end_order(&guests[i], EBB_END_SATISFIED, 0);
}

/* ---- pause ---- */

static void a_pause_ends_what_runs(void **state)
{
	struct guest *guest = &guests[0];

	(void)state;
	guest->held = true;
	start(false);
	come(0);
	UNTIL(guest->pending);
	call("policy-pause", "{\"pause\": true}");
	assert_false(guest->pending);
	pass(MINUTE_S);
	assert_int_equal(guest->orders, 1);
	call("policy-pause", "{\"pause\": false}");
	UNTIL(guest->orders > 1);
	end_order(guest, EBB_END_SATISFIED, 0);
}

/* Also when the domain is started anew. */
static void one_domain_is_paused(void **state)
{
	(void)state;
	start(false);
	come(0);
	come(1);
	call("policy-pause", "{\"pause\": true, \"domain\": \"web1\"}");
	UNTIL(guests[1].orders > 0);
	assert_int_equal(guests[0].orders, 0);
	assert_string_equal(explained("state"), "policy-paused");
	go(0);
	come(0);
	assert_string_equal(explained("state"), "policy-paused");
	call("policy-pause", "{\"pause\": false, \"domain\": \"web1\"}");
	UNTIL(guests[0].orders > 0);
	call("policy-pause", "{\"pause\": false, \"domain\": \"none\"}");
	assert_string_equal(fake_call.error_class, "DomainNotFound");
}

#define SHARING_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARING_TEST(what_is_unused_for_a_minute_is_taken),
		SHARING_TEST(need_ends_what_is_gentle),
		SHARING_TEST(old_facts_are_not_free_memory),
		SHARING_TEST(an_explanation_without_memory_is_an_error),
		SHARING_TEST(who_lies_nowhere_known_lends_nothing),
		SHARING_TEST(who_is_not_known_is_owed_and_named),
		SHARING_TEST(closed_rung_is_named),
		SHARING_TEST(on_rung_report_it_is_driven_in_need),
		SHARING_TEST(on_rung_pageout_it_is_asked_in_an_emergency),
		SHARING_TEST(where_swap_is_full_others_are_asked),
		SHARING_TEST(on_rung_balloon_it_gives_in_need),
		SHARING_TEST(on_rung_balloon_who_hangs_is_not_at_rest),
		SHARING_TEST(a_balloon_that_does_not_deflate_is_left_alone),
		SHARING_TEST(on_rung_balloon_an_alarm_is_a_refusal),
		SHARING_TEST(what_a_balloon_holds_is_given_back),
		SHARING_TEST(on_rung_report_density_drives_it),
		SHARING_TEST(on_rung_report_an_old_word_is_none),
		SHARING_TEST(on_rung_report_who_boots_is_not_driven),
		SHARING_TEST(memory_in_no_files_counts),
		SHARING_TEST(who_comes_to_a_host_without_cover_is_told_of),
		SHARING_TEST(an_end_is_told_if_its_begin_was),
		SHARING_TEST(an_unknown_debt_is_not_covered_again),
		SHARING_TEST(whose_debt_is_not_known_for_long_is_told_of),
		SHARING_TEST(who_is_found_is_looked_at_at_once),
		SHARING_TEST(of_many_budgets_those_in_need_are_told),
		SHARING_TEST(what_is_paused_stays_so_over_a_restart),
		SHARING_TEST(a_pause_that_cannot_be_kept_is_told_of),
		SHARING_TEST(a_pause_of_who_does_not_run_is_ended),
		SHARING_TEST(a_pause_is_ended_after_a_restart),
		SHARING_TEST(a_name_is_of_the_domain_that_libvirt_knows),
		SHARING_TEST(performance_takes_nothing),
		SHARING_TEST(
			density_drives_nobody_whose_working_set_is_unknown),
		SHARING_TEST(what_it_took_since_its_word_it_works_with),
		SHARING_TEST(it_works_with_no_more_than_it_may_use),
		SHARING_TEST(a_dry_run_takes_nothing_and_says_what),
		SHARING_TEST(what_is_off_does_not_look),
		SHARING_TEST(what_is_no_news_is_not_told),
		SHARING_TEST(what_cannot_be_read_is_told_once),
		SHARING_TEST(a_guest_causes_one_look_a_second),
		SHARING_TEST(need_is_met_at_once_by_who_has_most),
		SHARING_TEST(an_alarm_right_after_a_look_does_not_wait),
		SHARING_TEST(a_budget_that_may_soon_be_short_is_looked_at_soon),
		SHARING_TEST(a_budget_in_need_is_looked_at_as_soon),
		SHARING_TEST(an_alarm_amid_a_look_causes_another),
		SHARING_TEST(idle_memory_is_taken_once_the_guest_was_asked),
		SHARING_TEST(an_idle_guest_is_woken_in_need),
		SHARING_TEST(all_agents_are_asked_in_turn),
		SHARING_TEST(a_guest_that_needs_its_memory_has_a_rest),
		SHARING_TEST(a_job_of_libvirts_says_nothing_of_the_guest),
		SHARING_TEST(what_a_job_made_resident_is_taken_back),
		SHARING_TEST(who_is_restored_or_migrated_here_gives_as_any),
		SHARING_TEST(who_gives_nothing_is_stuck),
		SHARING_TEST(a_full_swap_is_no_fault_of_the_guest),
		SHARING_TEST(a_domain_goes_while_it_is_asked),
		SHARING_TEST(an_order_ends_with_the_need),
		SHARING_TEST(an_order_does_not_wait_for_long),
		SHARING_TEST(a_balloon_does_not_end_an_order),
		SHARING_TEST(another_setting_ends_an_order),
		SHARING_TEST(what_is_switched_off_ends_orders),
		SHARING_TEST(only_some_orders_are_under_way),
		SHARING_TEST(more_gentle_orders_are_under_way),
		SHARING_TEST(what_is_free_is_ordered_first),
		SHARING_TEST(a_pause_ends_what_runs),
		SHARING_TEST(one_domain_is_paused),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
