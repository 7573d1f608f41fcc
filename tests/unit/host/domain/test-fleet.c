/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fleet while ebbd ends: a domain that starts then is watched by nobody, or
 * somebody dismisses it. The vms are real; what they stand on is played.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/domain/fleet_state.h"
#include "host/domain/listing.h"
#include "host/domain/vm_state.h"
#include "tests/unit/host/domain/fake-vm.h"

static struct ebb_workers *workers;
static struct ebb_fleet *fleet;
static int domain_of_libvirt; /* its address is one */

/* ---- in place of virt.c ---- */

int ebb_virt_refresh(struct ebb_virt *virt)
{
	(void)virt;
	return -ENOTCONN;
}

bool ebb_virt_is_connected(const struct ebb_virt *virt)
{
	(void)virt;
	return true;
}

uint64_t ebb_virt_asked_ns(const struct ebb_virt *virt)
{
	(void)virt;
	return 0;
}

uint64_t ebb_virt_version(const struct ebb_virt *virt)
{
	(void)virt;
	return 9000000;
}

/*
 * Who waits for a definition, and what is to be changed of it; libvirtd is not there
 * unless @answers.
 */
static struct {
	bool answers;
	struct ebb_metadata_change changes[EBB_METADATA_CHANGES_MAX];
	size_t count;
	void (*done)(int result, const char *text, void *opaque);
	void *opaque;
} fake_definition;

int ebb_virt_ask_definition(struct ebb_virt *virt, const char *uuid,
			    void (*done)(int result, const char *xml,
					 void *opaque),
			    void *opaque)
{
	return ebb_virt_change_definition(virt, uuid, NULL, 0, done, opaque);
}

int ebb_virt_change_definition(
	struct ebb_virt *virt, const char *uuid,
	const struct ebb_metadata_change *changes, size_t count,
	void (*done)(int result, const char *text, void *opaque), void *opaque)
{
	(void)virt;
	(void)uuid;
	if (!fake_definition.answers)
		return -ENOTCONN;
	if (count > 0)
		memcpy(fake_definition.changes, changes,
		       count * sizeof(*changes));
	fake_definition.count = count;
	fake_definition.done = done;
	fake_definition.opaque = opaque;
	return 0;
}

bool ebb_domain_state_is_active(enum ebb_domain_state state)
{
	return state == EBB_DOMAIN_RUNNING;
}

const char *ebb_domain_state_name(enum ebb_domain_state state)
{
	return ebb_domain_state_is_active(state) ? "running" : "shut off";
}

/* ---- */

static struct ebb_domain *domain(void)
{
	return (struct ebb_domain *)(void *)&domain_of_libvirt;
}

static void start_domain(void)
{
	ebb_fleet_virt_ops.event(domain(), EBB_VIRT_STARTED, EBB_DOMAIN_RUNNING,
				 fleet);
}

static void be_listed(void)
{
	struct ebb_virt_entry entry = { domain(), EBB_DOMAIN_RUNNING };
	const struct ebb_virt_list list = { 1, &entry };

	ebb_fleet_virt_ops.listed(&list, fleet);
	ebb_fleet_virt_ops.connected(&list, fleet);
}

static bool turned;

static void on_turn(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
	turned = true;
}

/* What is due is done. */
static void turn(void)
{
	int timer = ebb_loop_timer(20, on_turn, NULL);

	turned = false;
	while (!turned)
		assert_int_equal(ebb_loop_turn(), 0);
	ebb_loop_timer_remove(timer);
}

static void until_idle(void)
{
	fake_vm_alarm(60000);
	while (ebb_workers_count(workers) > 0)
		ebb_loop_turn();
	fake_vm_alarm(-1);
}

static int begin(void **state)
{
	static struct ebb_config config = { .agent_timeout_ms = 100,
					    .reclaims = 4 };

	(void)state;
	memset(&fake_definition, 0, sizeof(fake_definition));
	fake_vm_reset();
	assert_int_equal(ebb_workers_new(8, 4, &workers), 0);
	ebb_settings_default(&config.policy.settings);
	assert_int_equal(ebb_fleet_new(&config, workers, &fleet), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	until_idle();
	ebb_fleet_free(fleet);
	ebb_workers_free(workers);
	return 0;
}

/* ebbd has ended with all of it: nobody is looked at, and no job runs. */
static void assert_left_alone(uint32_t probes)
{
	turn();
	assert_int_equal(fleet->count, 0);
	assert_int_equal(ebb_workers_count(workers), 0);
	assert_int_equal(fake_vm.probes, probes);
}

static void test_started_before(void **state)
{
	(void)state;
	start_domain();
	turn();
	until_idle();
	assert_int_equal(fleet->count, 1);
	assert_int_equal(fake_vm.probes, 1);
	ebb_fleet_dismiss(fleet);
	until_idle();
	assert_left_alone(1);
}

static void test_balloon_moves(void **state)
{
	static struct ebb_domain_status status;

	(void)state;
	ebb_fleet_virt_ops.balloon(domain(), 0, fleet);
	start_domain();
	ebb_fleet_virt_ops.balloon(domain(), 0, fleet);
	turn();
	until_idle();
	ebb_vm_status(fleet->vms[0], &status);
	assert_false(status.balloon_known);
	ebb_fleet_virt_ops.balloon(domain(), status.memory_bytes / 4, fleet);
	ebb_vm_status(fleet->vms[0], &status);
	assert_true(status.balloon_known);
	assert_int_equal(status.balloon_bytes, status.memory_bytes / 4 * 3);
	ebb_fleet_dismiss(fleet);
	until_idle();
	ebb_fleet_virt_ops.balloon(domain(), 0, fleet);
}

static void test_started_while_ebbd_ends(void **state)
{
	(void)state;
	ebb_fleet_dismiss(fleet);
	start_domain();
	assert_left_alone(0);
	be_listed();
	assert_left_alone(0);
}

/* libvirt told of it, and it was to have its vm in the next turn. */
static void test_started_just_before(void **state)
{
	(void)state;
	start_domain();
	assert_int_equal(fleet->count, 0);
	ebb_fleet_dismiss(fleet);
	assert_left_alone(0);
}

/* One that is looked at goes when that is done, and a new start changes nothing. */
static void test_looked_at_while_ebbd_ends(void **state)
{
	(void)state;
	fake_vm.held = true;
	start_domain();
	turn();
	assert_int_equal(fleet->count, 1);
	ebb_fleet_dismiss(fleet);
	start_domain();
	fake_vm.held = false;
	until_idle();
	assert_left_alone(1);
}

static void (*settle)(struct ebb_vm *vm);
static uint32_t settles, settles_with_lease;

/* Whatever the vm begins, it begins by that. */
static void watched_settle(struct ebb_vm *vm)
{
	settles++;
	settles_with_lease += ebb_vm_has_lease(vm);
	settle(vm);
}

/* What pauses or resumes it may have read or changed its memory. */
static void test_paused_or_resumed(void **state)
{
	static const struct {
		enum ebb_virt_event event;
		enum ebb_domain_state state;
	} cases[] = {
		{ EBB_VIRT_PAUSED, EBB_DOMAIN_PAUSED },
		{ EBB_VIRT_RESUMED, EBB_DOMAIN_RUNNING },
	};
	struct ebb_vm *vm;

	(void)state;
	fake_vm.lease = true;
	start_domain();
	turn();
	until_idle();
	vm = fleet->vms[0];
	settle = vm->settle;
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(ebb_vm_has_lease(vm));
		vm->settle = watched_settle;
		settles = settles_with_lease = 0;
		ebb_fleet_virt_ops.event(domain(), cases[i].event,
					 cases[i].state, fleet);
		assert_true(settles > 0);
		assert_int_equal(settles_with_lease, 0);
		assert_false(ebb_vm_has_lease(vm));
		vm->settle = settle;
		until_idle();
		assert_int_equal(fake_vm.job_asks, i + 1);
		assert_int_equal(fake_vm.probes, i + 2);
	}
	assert_true(ebb_vm_has_lease(vm));
	ebb_fleet_dismiss(fleet);
}

static enum ebb_vm_pause paused_as;

static enum ebb_vm_pause pause_of(const char *uuid, void *opaque)
{
	(void)opaque;
	assert_string_equal(uuid, ebb_domain_uuid(domain()));
	return paused_as;
}

static void ignore(struct ebb_vm *vm, void *opaque)
{
	(void)vm;
	(void)opaque;
}

static void count(struct ebb_vm *vm, void *opaque)
{
	assert_true(vm->probe.qemu.pid > 0);
	(*(int *)opaque)++;
}

/* Each process once, however often it is looked at. */
static void test_found(void **state)
{
	static int found;
	static const struct ebb_fleet_watcher watcher = {
		.came = ignore,
		.found = count,
		.changed = ignore,
		.went = ignore,
		.opaque = &found,
	};
	int fds[2];

	(void)state;
	ebb_fleet_watch(fleet, &watcher);
	start_domain();
	turn();
	until_idle();
	assert_int_equal(fake_vm.probes, 1);
	assert_int_equal(found, 0);
	assert_int_equal(pipe(fds), 0);
	fake_vm.pidfd = fds[0];
	ebb_vm_invalidate(fleet->vms[0]);
	until_idle();
	assert_int_equal(found, 1);
	ebb_vm_invalidate(fleet->vms[0]);
	until_idle();
	assert_int_equal(fake_vm.probes, 3);
	assert_int_equal(found, 1);
	ebb_fleet_dismiss(fleet);
	until_idle();
	close(fds[1]);
}

/* Who asks why nothing is taken of a domain is told, and so is who lists one that is off. */
static void test_paused_by_a_person(void **state)
{
	static const struct ebb_fleet_watcher watcher = {
		.came = ignore,
		.changed = ignore,
		.went = ignore,
		.pause_of = pause_of,
	};
	static struct ebb_domain_status status;
	const struct ebb_doctor *doctor = &fake_vm.answer.doctor;
	struct ebb_fleet_domain known;
	struct ebb_roster_entry *entry;

	(void)state;
	paused_as = EBB_VM_PAUSE_DOMAIN;
	ebb_fleet_watch(fleet, &watcher);
	assert_false(ebb_fleet_find(fleet, ebb_domain_name(domain()), &known));
	start_domain();
	turn();
	until_idle();
	ebb_vm_doctor(fleet->vms[0], NULL, true);
	until_idle();
	assert_string_equal(doctor->checks[doctor->check_count - 1].name,
			    "policy");
	ebb_fleet_virt_ops.event(domain(), EBB_VIRT_STOPPED, EBB_DOMAIN_SHUTOFF,
				 fleet);
	assert_true(ebb_fleet_find(fleet, ebb_domain_name(domain()), &known));
	entry = ebb_roster_find(&fleet->roster, known.uuid);
	assert_null(entry->vm);
	ebb_listing_fill(fleet, entry, &status);
	assert_string_equal(status.policy_paused, "domain");
	paused_as = EBB_VM_PAUSE_NONE;
	ebb_listing_fill(fleet, entry, &status);
	assert_string_equal(status.policy_paused, "no");
	until_idle();
}

static void ask(const char *command, struct json_object *arguments)
{
	const struct ebb_control_handler *handler = ebb_fleet_handlers;

	while (strcmp(handler->command, command) != 0)
		handler++;
	memset(&fake_vm.answer, 0, sizeof(fake_vm.answer));
	handler->handle(NULL, arguments, fleet);
	json_object_put(arguments);
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

static void list(void)
{
	ask("domain-list", NULL);
	fake_vm_until(fake_call.answers > 0);
	fake_call.answers = 0;
}

/* A list that lacked a domain would be taken for the list of all. */
static void test_list_without_memory(void **state)
{
	struct json_object *domains;

	(void)state;
	fake_call.on_answer = NULL;
	start_domain();
	turn();
	until_idle();
	is_out_of_memory = true;
	list();
	is_out_of_memory = false;
	assert_string_equal(fake_call.error_class, "GenericError");
	assert_string_equal(fake_call.error, "out of memory");
	list();
	assert_true(json_object_object_get_ex(fake_call.value, "domains",
					      &domains));
	assert_int_equal(json_object_array_length(domains), 1);
	fake_call_forget();
	ebb_fleet_dismiss(fleet);
	until_idle();
}

/* What keeps a domain that is off from a rung is of no use to set something. */
static void test_one_that_is_off(void **state)
{
	struct ebb_set_request set = { .settings[EBB_SETTING_MODE] = "density",
				       .scope = "live" };
	struct ebb_domain_request name = { 0 };

	(void)state;
	strcpy(set.domain, ebb_domain_name(domain()));
	strcpy(name.domain, set.domain);
	start_domain();
	turn();
	until_idle();
	ebb_fleet_virt_ops.event(domain(), EBB_VIRT_STOPPED, EBB_DOMAIN_SHUTOFF,
				 fleet);
	ask("domain-set", ebb_msg_encode(ebb_set_request_fields, &set));
	assert_string_equal(fake_vm.answer.error_class, "DomainNotRunning");
	assert_non_null(strstr(fake_vm.answer.text, "--config"));
	assert_null(strstr(fake_vm.answer.text, "doctor"));
	ask("domain-deflate", ebb_msg_encode(ebb_domain_request_fields, &name));
	assert_string_equal(fake_vm.answer.error_class, "DomainNotRunning");
	assert_null(strstr(fake_vm.answer.text, "doctor"));
	until_idle();
}

/* An editor may have changed what it has from its next start on. */
static void test_defined_anew_while_it_runs(void **state)
{
	unsigned int reads;

	(void)state;
	start_domain();
	turn();
	until_idle();
	reads = fake_vm.reads;
	ebb_fleet_virt_ops.event(domain(), EBB_VIRT_DEFINED, EBB_DOMAIN_UNKNOWN,
				 fleet);
	until_idle();
	assert_int_equal(fake_vm.reads, reads + 1);
	ebb_fleet_virt_ops.event(domain(), EBB_VIRT_UNDEFINED,
				 EBB_DOMAIN_UNKNOWN, fleet);
	until_idle();
	assert_int_equal(fake_vm.reads, reads + 2);
}

#define DEFINITION(metadata, devices)                                    \
	"<domain><memory unit='MiB'>64</memory><metadata>"               \
	"<e:policy xmlns:e='urn:ebb:domain:1' " metadata "/></metadata>" \
	"<devices>" devices "</devices></domain>"
#define CHANNEL                                                              \
	"<channel type='unix'><target type='virtio' name='" EBB_CHANNEL_NAME \
	"'/></channel>"

/* It ran, and libvirtd tells of its definition. */
static void be_off(struct ebb_set_request *set)
{
	strcpy(set->domain, ebb_domain_name(domain()));
	strcpy(set->scope, "config");
	fake_definition.answers = true;
	start_domain();
	turn();
	until_idle();
	ebb_fleet_virt_ops.event(domain(), EBB_VIRT_STOPPED, EBB_DOMAIN_SHUTOFF,
				 fleet);
}

/* @definition: what it is then */
static void ask_to_set(const struct ebb_set_request *set,
		       const char *definition)
{
	ask("domain-set", ebb_msg_encode(ebb_set_request_fields, set));
	assert_false(fake_vm.answer.done);
	assert_int_equal(fake_definition.count, 0);
	fake_definition.done(0, definition, fake_definition.opaque);
}

/* Its definition is changed, and libvirt may refuse that. */
static void test_next_start_of_one_that_is_off(void **state)
{
	struct ebb_set_request set = { .settings[EBB_SETTING_MODE] = "density",
				       .settings[EBB_SETTING_MIN] = "default",
				       .free_target = "40%" };
	const struct ebb_set_result *result = &fake_vm.answer.result;

	(void)state;
	be_off(&set);
	ask_to_set(&set, DEFINITION("min='2G' max='1G'", CHANNEL));
	assert_false(fake_vm.answer.done);
	assert_int_equal(fake_definition.count, 3);
	assert_string_equal(fake_definition.changes[0].name, "free-target");
	assert_string_equal(fake_definition.changes[0].value, "40%");
	assert_string_equal(fake_definition.changes[1].value, "density");
	assert_string_equal(fake_definition.changes[2].name, "min");
	assert_string_equal(fake_definition.changes[2].value, "");
	fake_definition.done(0,
			     DEFINITION("free-target='40%' mode='density' "
					"shares='7'",
					""),
			     fake_definition.opaque);
	assert_true(fake_vm.answer.done);
	assert_string_equal(fake_vm.answer.error_class, "");
	/* Also a setting of the definition that the call does not change. */
	assert_string_equal(result->target.setting, "40%");
	assert_string_equal(result->settings.items[EBB_SETTING_MODE].value,
			    "density");
	assert_string_equal(result->settings.items[EBB_SETTING_SHARES].value,
			    "7");

	ask_to_set(&set, DEFINITION("", CHANNEL));
	fake_definition.done(-EIO, "it is read-only", fake_definition.opaque);
	assert_string_equal(fake_vm.answer.error_class, "GenericError");
	assert_non_null(strstr(fake_vm.answer.text, "it is read-only"));

	/* It is kept, whatever comes of the XML. */
	ask_to_set(&set, DEFINITION("", CHANNEL));
	fake_definition.done(-EALREADY, NULL, fake_definition.opaque);
	assert_string_equal(fake_vm.answer.error_class, "GenericError");
	assert_non_null(strstr(fake_vm.answer.text, "is kept"));
	ask_to_set(&set, "<domain>");
	fake_definition.done(0, "<domain>", fake_definition.opaque);
	assert_non_null(strstr(fake_vm.answer.text, "is kept"));
	until_idle();
}

/* As of one that runs, what cannot hold is refused, and the definition is left alone. */
static void test_next_start_is_refused(void **state)
{
	struct ebb_set_request min = { .settings[EBB_SETTING_MIN] = "48M" };
	struct ebb_set_request target = { .free_target = "40%" };

	(void)state;
	be_off(&min);
	ask_to_set(&min, DEFINITION("max='32M'", ""));
	assert_true(fake_vm.answer.done);
	assert_int_equal(fake_definition.count, 0);
	assert_string_equal(fake_vm.answer.error_class, "InvalidArgument");
	assert_non_null(
		strstr(fake_vm.answer.text, "min is 48M, but max is 32M"));
	/* By what the definition has: half of 64 MiB. */
	ask_to_set(&min, DEFINITION("max='50%'", ""));
	assert_string_equal(fake_vm.answer.error_class, "InvalidArgument");

	strcpy(target.domain, min.domain);
	strcpy(target.scope, "config");
	ask_to_set(&target, DEFINITION("", ""));
	assert_string_equal(fake_vm.answer.error_class, "RungClosed");
	assert_non_null(strstr(fake_vm.answer.text, EBB_CHANNEL_NAME));
	strcpy(target.free_target, "65M");
	ask_to_set(&target, DEFINITION("", CHANNEL));
	assert_string_equal(fake_vm.answer.error_class, "InvalidArgument");
	assert_int_equal(fake_definition.count, 0);

	ask("domain-set", ebb_msg_encode(ebb_set_request_fields, &target));
	fake_definition.done(-ENODATA, NULL, fake_definition.opaque);
	assert_non_null(strstr(fake_vm.answer.text, "transient"));
	until_idle();
}

static void ask_to_show(const char *name, int result, const char *definition,
			struct ebb_domain_status *ret_status)
{
	void (*on_answer)(void) = fake_call.on_answer;
	struct ebb_domain_request request = { 0 };

	strcpy(request.domain, name);
	fake_definition.done = NULL;
	ask("domain-show", ebb_msg_encode(ebb_domain_request_fields, &request));
	fake_vm_until(fake_definition.done);
	if (result == 0)
		fake_call.on_answer = NULL;
	fake_definition.done(result, definition, fake_definition.opaque);
	if (result == 0) {
		fake_call_decode(ebb_domain_status_fields, ret_status,
				 sizeof(*ret_status));
		fake_call_forget();
	}
	fake_call.on_answer = on_answer;
}

static bool has_reason(const struct ebb_domain_status *status, const char *name)
{
	for (uint32_t i = 0; i < status->reason_count; i++)
		if (strcmp(status->reasons[i].name, name) == 0)
			return true;
	return false;
}

/* By its definition: there is no guest. */
static void test_show_one_that_is_off(void **state)
{
	static struct ebb_domain_status status;
	struct ebb_set_request set = { 0 };

	(void)state;
	be_off(&set);
	ask_to_show(set.domain, 0,
		    DEFINITION("min='96M' free-target='40%'", ""), &status);
	assert_string_equal(status.state, "shut off");
	assert_string_equal(status.rung, "-");
	assert_true(status.known);
	assert_int_equal(status.memory_bytes, 64 * EBB_MIB);
	assert_true(status.next_known);
	assert_string_equal(status.next_target, "40%");
	assert_int_equal(status.next.count, EBB_SETTING_COUNT);
	assert_string_equal(status.next.items[EBB_SETTING_MIN].value, "96M");
	assert_string_equal(status.next.items[EBB_SETTING_MIN].origin,
			    "domain");
	assert_string_equal(status.next.items[EBB_SETTING_MODE].origin,
			    "default");
	assert_true(has_reason(&status, "not-running"));
	assert_true(has_reason(&status, "no-channel"));
	/* What a guest would say is not known. */
	assert_false(status.resident_known);
	assert_false(status.lent_known);
	assert_int_equal(status.facts_age_ms, UINT32_MAX);

	ask_to_show(set.domain, -ENOENT, NULL, NULL);
	assert_string_equal(fake_vm.answer.error_class, "DomainNotFound");
	until_idle();
}

/* @text: of 64 dimms and more, which are too many parts for one guest. */
static void define_many_parts(char text[32 * 1024], const char *metadata)
{
	size_t used = (size_t)snprintf(
		text, 32 * 1024,
		"<domain><memory unit='MiB'>8192</memory><metadata>"
		"<e:policy xmlns:e='urn:ebb:domain:1' %s/></metadata><devices>",
		metadata);

	for (int i = 0; i < 70; i++)
		used += (size_t)snprintf(
			text + used, 32 * 1024 - used,
			"<memory model='dimm'><target><size unit='MiB'>64"
			"</size></target></memory>");
	snprintf(text + used, 32 * 1024 - used, "</devices></domain>");
}

/* What Ebb keeps with it is known all the same, and so is what it lacks. */
static void test_off_with_too_many_parts(void **state)
{
	static struct ebb_domain_status status;
	static char text[32 * 1024];
	struct ebb_set_request set = { .settings[EBB_SETTING_MODE] =
					       "density" };

	(void)state;
	be_off(&set);
	define_many_parts(text, "min='1G' shares='7'");
	ask_to_show(set.domain, 0, text, &status);
	assert_true(has_reason(&status, "too-many-parts"));
	assert_true(status.next_known);
	assert_string_equal(status.next.items[EBB_SETTING_MIN].value, "1G");

	ask_to_set(&set, text);
	assert_int_equal(fake_definition.count, 1);
	define_many_parts(text, "min='1G' shares='7' mode='density'");
	fake_definition.done(0, text, fake_definition.opaque);
	assert_string_equal(fake_vm.answer.error_class, "");
	assert_string_equal(
		fake_vm.answer.result.settings.items[EBB_SETTING_MODE].value,
		"density");
	assert_string_equal(
		fake_vm.answer.result.settings.items[EBB_SETTING_SHARES].value,
		"7");
	until_idle();
}

#define FLEET_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLEET_TEST(test_started_before),
		FLEET_TEST(test_balloon_moves),
		FLEET_TEST(test_paused_or_resumed),
		FLEET_TEST(test_paused_by_a_person),
		FLEET_TEST(test_list_without_memory),
		FLEET_TEST(test_defined_anew_while_it_runs),
		FLEET_TEST(test_one_that_is_off),
		FLEET_TEST(test_next_start_of_one_that_is_off),
		FLEET_TEST(test_next_start_is_refused),
		FLEET_TEST(test_show_one_that_is_off),
		FLEET_TEST(test_off_with_too_many_parts),
		FLEET_TEST(test_found),
		FLEET_TEST(test_started_while_ebbd_ends),
		FLEET_TEST(test_started_just_before),
		FLEET_TEST(test_looked_at_while_ebbd_ends),
	};

	return cmocka_run_group_tests(tests, fake_vm_set_up_group,
				      fake_vm_tear_down_group);
}
