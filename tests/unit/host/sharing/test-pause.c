/* SPDX-License-Identifier: GPL-2.0-only */
/* An operator pauses the policy, for one domain or for all, also over a restart of ebbd. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/host/sharing/sharing-rig.h"

static void a_pause_ends_what_runs(void **state)
{
	struct guest *guest = start_with_order();

	(void)state;
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
	UNTIL(rig.guests[1].orders > 0);
	assert_int_equal(rig.guests[0].orders, 0);
	assert_string_equal(explained("state"), "policy-paused");
	go(0);
	come(0);
	assert_string_equal(explained("state"), "policy-paused");
	call("policy-pause", "{\"pause\": false, \"domain\": \"web1\"}");
	UNTIL(rig.guests[0].orders > 0);
	call("policy-pause", "{\"pause\": false, \"domain\": \"none\"}");
	assert_string_equal(fake_call.error_class, "DomainNotFound");
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

/* A person who paused the policy does not find it running after an upgrade. */
static void what_is_paused_stays_so_over_a_restart(void **state)
{
	(void)state;
	strcpy(rig.state_dir, "test-sharing.XXXXXX");
	assert_non_null(mkdtemp(rig.state_dir));
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
	UNTIL(rig.guests[1].orders > 0);
	assert_int_equal(rig.guests[0].orders, 0);
	assert_string_equal(explained("state"), "policy-paused");
	call("policy-pause", "{\"pause\": false, \"domain\": \"web1\"}");
	end_ebbd();
	/* All files are gone. */
	assert_int_equal(rmdir(rig.state_dir), 0);
	start(false);
	assert_false(is_paused());
	call("policy-pause", "{\"pause\": true}");
	assert_true(is_paused());
	*rig.state_dir = '\0';
}

/* It is paused nevertheless, and the person knows for how long. */
static void a_pause_that_cannot_be_kept_is_told_of(void **state)
{
	(void)state;
	strcpy(rig.state_dir, "test-sharing.XXXXXX");
	assert_non_null(mkdtemp(rig.state_dir));
	start(false);
	assert_int_equal(rmdir(rig.state_dir), 0);
	call("policy-pause", "{\"pause\": true}");
	assert_non_null(strstr(note(), "A restart of ebbd forgets this"));
	assert_true(is_paused());
	*rig.state_dir = '\0';
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
	const struct ebb_fleet_watcher *watcher =
		ebb_sharing_watcher(rig.sharing);

	return watcher->pause_of(ebb_vm_uuid(vm_of(&rig.guests[index])),
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

/* After a restart of ebbd only the UUID is left, and libvirt may know a name by it. */
static void a_pause_is_ended_after_a_restart(void **state)
{
	static const char *const domains[] = {
		"33333333-3333-3333-3333-333333333333", "ci1"
	};
	char request[128];
	bool running = true;

	(void)state;
	strcpy(rig.state_dir, "test-sharing.XXXXXX");
	assert_non_null(mkdtemp(rig.state_dir));
	for (int i = 0; i < 2; i++) {
		rig.known_to_libvirt = i == 1;
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
		assert_int_equal(rig.sharing->exempt_count, 0);
		end_ebbd();
	}
	rig.known_to_libvirt = false;
	assert_int_equal(rmdir(rig.state_dir), 0);
	*rig.state_dir = '\0';
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
	assert_int_equal(rig.sharing->exempt_count, 2);
	strcpy(rig.sharing->exempt[0].name, "ci1");
	rig.known_to_libvirt = true;
	call("policy-pause", "{\"pause\": false, \"domain\": \"ci1\"}");
	rig.known_to_libvirt = false;
	assert_int_equal(rig.sharing->exempt_count, 1);
	assert_true(pause_of(0) == EBB_VM_PAUSE_DOMAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARING_TEST(a_pause_ends_what_runs),
		SHARING_TEST(one_domain_is_paused),
		SHARING_TEST(what_is_paused_stays_so_over_a_restart),
		SHARING_TEST(a_pause_that_cannot_be_kept_is_told_of),
		SHARING_TEST(a_pause_of_who_does_not_run_is_ended),
		SHARING_TEST(a_pause_is_ended_after_a_restart),
		SHARING_TEST(a_name_is_of_the_domain_that_libvirt_knows),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
