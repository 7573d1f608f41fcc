/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent's parts: commands, facts, and the relay with its syncs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "guest/command.h"
#include "guest/device.h"
#include "guest/facts.h"

static char proc_dir[] = "/tmp/ebb-test-proc.XXXXXX";

static void write_fact(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", proc_dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_proc(void **state)
{
	char path[256];

	(void)state;
	if (!mkdtemp(proc_dir))
		return -1;
	snprintf(path, sizeof(path), "%s/pressure", proc_dir);
	mkdir(path, 0700);
	write_fact("meminfo", "MemTotal:        2014988 kB\n"
			      "MemFree:         1000 kB\n"
			      "MemAvailable:    1500 kB\nBuffers: 9 kB\n"
			      "Active(file): 20 kB\nInactive(file): 30 kB\n"
			      "AnonPages: 40 kB\nShmem: 50 kB\n"
			      "Unevictable: 60 kB\nSlab: 70 kB\n"
			      "PageTables: 80 kB\nHugetlb: 90 kB\n");
	write_fact("buddyinfo",
		   "Node 0, zone      DMA      0      0      0      0      0 "
		   "     0      0      0      1      1      3 \n"
		   "Node 1, zone   Normal      5      6      7      8      9 "
		   "     1      1      1      1      2      4 \n");
	write_fact("pressure/memory",
		   "some avg10=0.00 avg60=0.00 avg300=0.00 total=123\n"
		   "full avg10=0.00 avg60=0.00 avg300=0.00 total=45\n");
	write_fact("vmstat", "nr_free_pages 1\nallocstall_dma32 2\n"
			     "allocstall_normal 3\nworkingset_refault_anon 4\n"
			     "workingset_refault_file 5\n");
	return 0;
}

static int remove_proc(void **state)
{
	static const char *const names[] = { "meminfo", "buddyinfo", "vmstat",
					     "pressure/memory", "pressure" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", proc_dir, names[i]);
		remove(path);
	}
	return rmdir(proc_dir);
}

static void facts_are_read(void **state)
{
	struct ebb_msg_facts facts;

	(void)state;
	assert_int_equal(ebb_facts_read(proc_dir, &facts), 0);
	assert_int_equal(facts.total_bytes, 2014988ull * 1024);
	assert_int_equal(facts.free_bytes, 1000 * 1024);
	assert_int_equal(facts.available_bytes, 1500 * 1024);
	/* Orders 9 and 10: 1 + 2 blocks of 2 MiB, 3 + 4 of 4 MiB. */
	assert_int_equal(facts.free_huge_bytes, (3 * 2 + 7 * 4) << 20);
	assert_int_equal(facts.psi_some_us, 123);
	assert_int_equal(facts.psi_full_us, 45);
	assert_int_equal(facts.allocstall, 5);
	assert_int_equal(facts.refault, 9);
	assert_true(facts.held.known);
	assert_int_equal(facts.held.anonymous_bytes, 40 * 1024);
	assert_int_equal(facts.held.shared_bytes, 50 * 1024);
	assert_int_equal(facts.held.locked_bytes, 60 * 1024);
	assert_int_equal(facts.held.huge_pool_bytes, 90 * 1024);
	assert_int_equal(facts.held.page_cache_bytes, 50 * 1024);
	assert_int_equal(facts.held.slab_bytes, 70 * 1024);
	assert_int_equal(facts.held.page_tables_bytes, 80 * 1024);
	/* More is free in huge ranges than in all, as one was read after the other. */
	assert_int_equal(facts.held.fragments_bytes, 0);
	assert_int_equal(ebb_facts_read("/nonexistent", &facts), -ENOENT);
}

/* The answer to a line, parsed; @ret_line holds its bytes. */
static struct ebb_msg run(const char *line, char **ret_line)
{
	const struct ebb_command_context context = { .proc_dir = proc_dir };
	struct ebb_msg request, answer;
	const char *text;

	assert_int_equal(ebb_msg_parse(line, strlen(line), &request, NULL), 0);
	assert_true(ebb_command_is_known(request.name));
	*ret_line = ebb_command_run(&request, &context);
	ebb_msg_clear(&request);
	assert_non_null(*ret_line);
	text = **ret_line == '\xff' ? *ret_line + 1 : *ret_line;
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(ebb_msg_parse(text, strlen(text) - 1, &answer, NULL),
			 0);
	return answer;
}

static void sync_gives_the_id_back(void **state)
{
	struct ebb_msg answer;
	char *line;

	(void)state;
	answer = run("{\"execute\":\"guest-sync\",\"arguments\":"
		     "{\"id\":123456},\"id\":7}",
		     &line);
	assert_int_equal(answer.kind, EBB_MSG_REPLY);
	assert_int_equal(json_object_get_int64(answer.body), 123456);
	assert_int_equal(json_object_get_int64(answer.id), 7);
	ebb_msg_clear(&answer);
	free(line);

	answer = run("{\"execute\":\"guest-sync-delimited\",\"arguments\":"
		     "{\"id\":5}}",
		     &line);
	assert_int_equal(line[0], '\xff');
	assert_int_equal(json_object_get_int64(answer.body), 5);
	ebb_msg_clear(&answer);
	free(line);

	answer = run("{\"execute\":\"guest-sync\"}", &line);
	assert_int_equal(answer.kind, EBB_MSG_ERROR);
	ebb_msg_clear(&answer);
	free(line);
}

static void bad_arguments_are_named(void **state)
{
	struct ebb_msg answer;
	char *line;

	(void)state;
	answer = run("{\"execute\":\"ebb-challenge\",\"arguments\":"
		     "{\"nonce\":\"xyz\"}}",
		     &line);
	assert_int_equal(answer.kind, EBB_MSG_ERROR);
	assert_non_null(strstr(answer.error_desc, "nonce"));
	ebb_msg_clear(&answer);
	free(line);
	answer = run("{\"execute\":\"ebb-session-start\",\"arguments\":"
		     "{\"session-id\":1,\"timeout-ms\":999999999}}",
		     &line);
	assert_non_null(strstr(answer.error_desc, "timeout-ms"));
	ebb_msg_clear(&answer);
	free(line);
}

static struct {
	bool old; /* the module knows no gentle sessions */
	uint32_t starts;
	struct ebb_session last;
} module;

int __wrap_ebb_device_session_start(const struct ebb_session *session);
int __wrap_ebb_device_session_start(const struct ebb_session *session)
{
	module.starts++;
	module.last = *session;
	return module.old && session->flags & EBB_SESSION_FLAG_GENTLE ? -EINVAL
								      : 0;
}

static void start_session(bool gentle)
{
	struct ebb_msg answer;
	char *line;

	module.starts = 0;
	answer =
		run(gentle ? "{\"execute\":\"ebb-session-start\",\"arguments\":"
			     "{\"session-id\":7,\"timeout-ms\":1000,"
			     "\"rearm\":true,\"gentle\":true}}"
			   : "{\"execute\":\"ebb-session-start\",\"arguments\":"
			     "{\"session-id\":7,\"timeout-ms\":1000}}",
		    &line);
	assert_int_equal(answer.kind, EBB_MSG_REPLY);
	assert_int_equal(module.last.session_id, 7);
	ebb_msg_clear(&answer);
	free(line);
}

static void an_old_module_gets_a_session_as_any(void **state)
{
	(void)state;
	module.old = false;
	start_session(true);
	assert_int_equal(module.starts, 1);
	assert_int_equal(module.last.flags,
			 EBB_SESSION_FLAG_REARM | EBB_SESSION_FLAG_GENTLE);
	module.old = true;
	start_session(true);
	assert_int_equal(module.starts, 2);
	assert_int_equal(module.last.flags, EBB_SESSION_FLAG_REARM);
	start_session(false);
	assert_int_equal(module.starts, 1);
	assert_int_equal(module.last.flags, 0);
}

static void without_the_module_the_remedy_is_told(void **state)
{
	static struct ebb_msg_info info;
	struct ebb_msg answer;
	char *line;

	(void)state;
	if (access(EBB_DEVICE_PATH, F_OK) == 0)
		skip(); /* this machine has the module */
	answer = run("{\"execute\":\"ebb-session-stop\"}", &line);
	assert_string_equal(answer.error_class, "DeviceNotFound");
	assert_non_null(strstr(answer.error_desc, "modprobe ebb"));
	ebb_msg_clear(&answer);
	free(line);

	answer = run("{\"execute\":\"ebb-info\"}", &line);
	assert_int_equal(ebb_msg_decode(answer.body, ebb_msg_info_fields, &info,
					sizeof(info), NULL),
			 0);
	assert_false(info.module_loaded);
	assert_true(strlen(info.module_reason) > 0);
	ebb_msg_clear(&answer);
	free(line);
}

static bool info_names(struct json_object *info, const char *name)
{
	struct json_object *list, *entry, *member;

	json_object_object_get_ex(info, "supported_commands", &list);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		entry = json_object_array_get_idx(list, i);
		json_object_object_get_ex(entry, "name", &member);
		if (strcmp(json_object_get_string(member), name) == 0)
			return true;
	}
	return false;
}

static void guest_info_names_both_agents(void **state)
{
	struct json_object *theirs = json_tokener_parse(
		"{\"version\":\"7\",\"supported_commands\":[{\"name\":"
		"\"guest-ping\"},{\"name\":\"guest-fsfreeze-freeze\"}]}");
	struct json_object *merged = ebb_command_merge_info(theirs);
	struct json_object *other = json_tokener_parse("{\"a\":1}");

	(void)state;
	assert_true(info_names(merged, "guest-fsfreeze-freeze"));
	assert_true(info_names(merged, "ebb-info"));
	assert_false(info_names(theirs, "ebb-info"));
	assert_null(ebb_command_merge_info(other));
	json_object_put(merged);
	json_object_put(theirs);
	json_object_put(other);
	assert_false(ebb_command_is_known("guest-fsfreeze-freeze"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_read),
		cmocka_unit_test(sync_gives_the_id_back),
		cmocka_unit_test(bad_arguments_are_named),
		cmocka_unit_test(an_old_module_gets_a_session_as_any),
		cmocka_unit_test(without_the_module_the_remedy_is_told),
		cmocka_unit_test(guest_info_names_both_agents),
	};

	return cmocka_run_group_tests(tests, make_proc, remove_proc);
}
