/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may give which command: each has its class, and it is held against each request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/checkup/checkup.h"
#include "host/control/authority.h"
#include "host/control/control.h"
#include "host/domain/fleet.h"
#include "host/reload.h"
#include "host/sharing/sharing.h"
#include "tests/unit/host/control/client.h"

static char dir[] = "test-access.XXXXXX";
static char path[64];
static struct ebb_control *control;
static enum ebb_access access_of_next; /* who connects next */
static unsigned int looks, acts;
static bool may_act;
static int number; /* argument of "forgotten" */

enum ebb_access
__wrap_ebb_listen_peer_access(int fd, const struct ebb_access_groups *groups,
			      uid_t *ret_uid);
enum ebb_access
__wrap_ebb_listen_peer_access(int fd, const struct ebb_access_groups *groups,
			      uid_t *ret_uid)
{
	*ret_uid = 4711;
	assert_true(fd >= 0);
	assert_non_null(groups);
	return access_of_next;
}

/* In place of polkit: it cannot be asked, or answers when it is told to. */
static struct {
	enum ebb_authority_answer fault; /* EBB_AUTHORITY_YES: it is asked */
	bool asked;
	unsigned int cancels;
	ebb_authority_fn done;
	void *opaque;
} polkit = { .fault = EBB_AUTHORITY_NO_BUS };

struct ebb_authority *
__wrap_ebb_authority_ask(int fd, ebb_authority_fn done, void *opaque,
			 enum ebb_authority_answer *ret_answer);
struct ebb_authority *
__wrap_ebb_authority_ask(int fd, ebb_authority_fn done, void *opaque,
			 enum ebb_authority_answer *ret_answer)
{
	assert_true(fd >= 0);
	if (polkit.fault != EBB_AUTHORITY_YES) {
		*ret_answer = polkit.fault;
		return NULL;
	}
	assert_false(polkit.asked);
	polkit.asked = true;
	polkit.done = done;
	polkit.opaque = opaque;
	return (struct ebb_authority *)(void *)&polkit;
}

void __wrap_ebb_authority_cancel(struct ebb_authority *authority);
void __wrap_ebb_authority_cancel(struct ebb_authority *authority)
{
	assert_ptr_equal(authority, &polkit);
	assert_true(polkit.asked);
	polkit.asked = false;
	polkit.cancels++;
}

/* The log. */
static struct {
	unsigned int lines;
	char last[1024];
} journal;
static uint64_t now_ns = EBB_NS_PER_S;

uint64_t __wrap_ebb_now_ns(void);
uint64_t __wrap_ebb_now_ns(void)
{
	return now_ns;
}

void __wrap_ebb_log(enum ebb_log_level level, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
void __wrap_ebb_log(enum ebb_log_level level, const char *format, ...)
{
	va_list args;

	assert_int_equal(level, EBB_LOG_WARNING);
	journal.lines++;
	va_start(args, format);
	vsnprintf(journal.last, sizeof(journal.last), format, args);
	va_end(args);
}

static void handle_look(struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	(void)arguments;
	(void)opaque;
	looks++;
	may_act = ebb_call_may_act(call);
	ebb_call_return(call, NULL);
}

static void handle_act(struct ebb_call *call,
		       const struct json_object *arguments, void *opaque)
{
	(void)opaque;
	acts++;
	may_act = ebb_call_may_act(call);
	if (arguments)
		number = json_object_get_int(
			json_object_object_get(arguments, "number"));
	ebb_call_return(call, NULL);
}

/* The second one's class was forgotten. */
static const struct ebb_control_handler handlers[] = {
	{ "look", handle_look, .reads = true },
	{ "forgotten", handle_act },
	{ .command = NULL },
};

/* All that ebbd serves, and those of it that change nothing. */
static const struct ebb_control_handler *const tables[] = {
	ebb_fleet_handlers,
	ebb_sharing_handlers,
	ebb_reload_handlers,
	ebb_checkup_handlers,
};
static const char *const reading[] = {
	"daemon-show", "domain-list",	 "domain-show", "domain-doctor",
	"domain-fix",  "policy-explain", "host-doctor",
};
static const char *const acting[] = {
	"domain-set",	"domain-reclaim", "domain-deflate",
	"policy-pause", "daemon-reload",
};

static bool is_in(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void test_each_command_has_its_class(void **state)
{
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(tables); i++) {
		const struct ebb_control_handler *row = tables[i];

		for (; row->command; row++, seen++) {
			bool reads = is_in(reading, EBB_ARRAY_SIZE(reading),
					   row->command);
			bool does = is_in(acting, EBB_ARRAY_SIZE(acting),
					  row->command);

			if (reads == does || row->reads != reads)
				fail_msg("%s is of the wrong class, or of none",
					 row->command);
		}
	}
	assert_int_equal(seen,
			 EBB_ARRAY_SIZE(reading) + EBB_ARRAY_SIZE(acting));
}

static void on_tick(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static int client_new(enum ebb_access access)
{
	access_of_next = access;
	return client_connect(path);
}

static const char *ask(int fd, const char *command)
{
	char request[128];

	snprintf(request, sizeof(request), "{\"execute\":\"%s\"}\n", command);
	client_send(fd, request);
	return client_line(fd);
}

#define DONE "{\"return\":{}}"

static void test_reader_reads_alone(void **state)
{
	int fd = client_new(EBB_ACCESS_READ);
	const char *line;

	(void)state;
	looks = acts = 0;
	assert_string_equal(ask(fd, "look"), DONE);
	assert_false(may_act);
	line = ask(fd, "forgotten");
	assert_non_null(strstr(line, "\"PermissionDenied\""));
	assert_non_null(strstr(line, "'forgotten'"));
	assert_non_null(strstr(ask(fd, "unknown"), "\"CommandNotFound\""));
	/* It is asked each time, and refusing costs nobody the connection. */
	assert_non_null(strstr(ask(fd, "forgotten"), "\"PermissionDenied\""));
	assert_string_equal(ask(fd, "look"), DONE);
	assert_int_equal(looks, 2);
	assert_int_equal(acts, 0);
	close(fd);
}

static void test_reader_gives_no_command_of_ebbd_that_acts(void **state)
{
	int fd = client_new(EBB_ACCESS_READ);

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(acting); i++)
		assert_non_null(
			strstr(ask(fd, acting[i]), "\"PermissionDenied\""));
	close(fd);
}

/* Turns the loop until polkit is asked. */
static void await_question(void)
{
	for (int i = 0; i < CLIENT_TURNS_MAX && !polkit.asked; i++)
		assert_int_equal(ebb_loop_turn(), 0);
	assert_true(polkit.asked);
}

static void polkit_says(enum ebb_authority_answer answer)
{
	assert_true(polkit.asked);
	polkit.asked = false;
	polkit.done(answer, polkit.opaque);
}

static void begin_act(int fd)
{
	static const char request[] =
		"{\"execute\":\"forgotten\",\"arguments\":{\"number\":7}}\n";

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL),
			 (ssize_t)strlen(request));
	await_question();
}

static void test_reader_acts_if_polkit_says_so(void **state)
{
	int fd = client_new(EBB_ACCESS_READ);

	(void)state;
	polkit.fault = EBB_AUTHORITY_YES;
	acts = 0;
	begin_act(fd);
	assert_int_equal(acts, 0);
	polkit_says(EBB_AUTHORITY_YES);
	assert_string_equal(client_line(fd), DONE);
	assert_int_equal(acts, 1);
	assert_int_equal(number, 7);
	assert_true(may_act);
	/* It is asked each time, and what it said once counts once. */
	assert_string_equal(ask(fd, "look"), DONE);
	assert_false(may_act);
	begin_act(fd);
	polkit_says(EBB_AUTHORITY_NO);
	assert_non_null(strstr(client_line(fd), "\"PermissionDenied\""));
	assert_int_equal(acts, 1);
	/* What only looks is no question. */
	assert_string_equal(ask(fd, "look"), DONE);
	assert_false(polkit.asked);
	close(fd);
	polkit.fault = EBB_AUTHORITY_NO_BUS;
}

/* Who asked is told how it is mended, and so is the log, which is not flooded. */
static void test_polkit_is_not_heard(void **state)
{
	static const char unheard[] = "polkit cannot be asked";
	int fd = client_new(EBB_ACCESS_READ);
	const char *line;

	(void)state;
	now_ns += 60 * EBB_NS_PER_S;
	journal.lines = 0;
	acts = 0;
	line = ask(fd, "forgotten");
	assert_non_null(strstr(line, "\"PermissionDenied\""));
	assert_non_null(strstr(line, unheard));
	assert_non_null(strstr(line, "start dbus"));
	assert_int_equal(journal.lines, 1);
	assert_non_null(strstr(journal.last, unheard));
	assert_non_null(strstr(journal.last, "uid 4711"));
	assert_non_null(strstr(journal.last, "'forgotten'"));
	assert_non_null(strstr(journal.last, "start dbus"));
	now_ns += 59 * EBB_NS_PER_S;
	assert_non_null(strstr(ask(fd, "forgotten"), unheard));
	assert_int_equal(journal.lines, 1);
	now_ns += EBB_NS_PER_S;
	polkit.fault = EBB_AUTHORITY_YES;
	begin_act(fd);
	polkit_says(EBB_AUTHORITY_SILENT);
	line = client_line(fd);
	assert_non_null(strstr(line, unheard));
	assert_non_null(strstr(line, "systemctl status"));
	assert_int_equal(journal.lines, 2);
	assert_non_null(strstr(journal.last, "systemctl status"));
	/* What it says is no fault. */
	now_ns += 60 * EBB_NS_PER_S;
	begin_act(fd);
	polkit_says(EBB_AUTHORITY_NO);
	line = client_line(fd);
	assert_non_null(strstr(line, "\"PermissionDenied\""));
	assert_null(strstr(line, unheard));
	assert_int_equal(journal.lines, 2);
	assert_int_equal(acts, 0);
	close(fd);
	polkit.fault = EBB_AUTHORITY_NO_BUS;
}

static void test_reader_leaves_while_polkit_is_asked(void **state)
{
	int fd = client_new(EBB_ACCESS_READ);

	(void)state;
	polkit.fault = EBB_AUTHORITY_YES;
	polkit.cancels = 0;
	acts = 0;
	begin_act(fd);
	close(fd);
	for (int i = 0; i < CLIENT_TURNS_MAX && !polkit.cancels; i++)
		assert_int_equal(ebb_loop_turn(), 0);
	assert_int_equal(polkit.cancels, 1);
	assert_int_equal(acts, 0);
	polkit.fault = EBB_AUTHORITY_NO_BUS;
}

static void test_who_acts_gives_all(void **state)
{
	int fd = client_new(EBB_ACCESS_ACT);

	(void)state;
	looks = acts = 0;
	assert_string_equal(ask(fd, "look"), DONE);
	assert_true(may_act);
	assert_string_equal(ask(fd, "forgotten"), DONE);
	assert_int_equal(looks, 1);
	assert_int_equal(acts, 1);
	close(fd);
}

static void test_others_are_turned_away(void **state)
{
	int fd = client_new(EBB_ACCESS_NONE);

	(void)state;
	looks = 0;
	assert_non_null(strstr(ask(fd, "look"), "\"PermissionDenied\""));
	assert_string_equal(client_line(fd), "");
	assert_int_equal(looks, 0);
	close(fd);
}

/* Who does nothing for longest leaves, but nobody whose call is under way. */
static void test_readers_leave_room(void **state)
{
	int fds[EBB_CONTROL_READERS_MAX], fd;

	(void)state;
	for (int i = 0; i < EBB_CONTROL_READERS_MAX; i++) {
		fds[i] = client_new(EBB_ACCESS_READ);
		assert_string_equal(ask(fds[i], "look"), DONE);
	}
	/* The first asks again, so the second is stillest. */
	assert_string_equal(ask(fds[0], "look"), DONE);
	fd = client_new(EBB_ACCESS_READ);
	assert_string_equal(ask(fd, "look"), DONE);
	assert_string_equal(ask(fds[0], "look"), DONE);
	assert_string_equal(ask(fds[2], "look"), DONE);
	assert_string_equal(client_line(fds[1]), "");
	close(fd);
	fd = client_new(EBB_ACCESS_ACT);
	assert_string_equal(ask(fd, "look"), DONE);
	close(fd);
	for (int i = 0; i < EBB_CONTROL_READERS_MAX; i++)
		close(fds[i]);
}

static int start(void **state)
{
	int r;

	(void)state;
	if (!mkdtemp(dir) || ebb_loop_init() < 0 ||
	    ebb_loop_timer(5, on_tick, NULL) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/ebbd.sock", dir);
	r = ebb_control_new(path, &EBB_ACCESS_ROOT_ONLY, handlers, NULL,
			    &control);
	if (r < 0)
		return r;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(tables); i++)
		ebb_control_serve(control, tables[i], NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	ebb_control_free(control);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_command_has_its_class),
		cmocka_unit_test(test_reader_reads_alone),
		cmocka_unit_test(
			test_reader_gives_no_command_of_ebbd_that_acts),
		cmocka_unit_test(test_reader_acts_if_polkit_says_so),
		cmocka_unit_test(test_polkit_is_not_heard),
		cmocka_unit_test(test_reader_leaves_while_polkit_is_asked),
		cmocka_unit_test(test_who_acts_gives_all),
		cmocka_unit_test(test_others_are_turned_away),
		cmocka_unit_test(test_readers_leave_room),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
