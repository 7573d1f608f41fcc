/* SPDX-License-Identifier: GPL-2.0-only */
/* A port, over a socket that is like one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/port.h"

static sd_event *event;
static struct ebb_port *port;
static int host;
static char got[256];
static int connects, drains, drops;

static void on_connected(void *opaque)
{
	(void)opaque;
	connects++;
}

static void on_line(const char *line, size_t line_bytes, void *opaque)
{
	(void)opaque;
	strncat(got, line, line_bytes);
	strcat(got, "|");
}

static void on_dropped(void *opaque)
{
	(void)opaque;
	drops++;
}

static void on_data(const char *data, size_t data_bytes, void *opaque)
{
	(void)opaque;
	strncat(got, data, data_bytes);
}

static void on_drained(void *opaque)
{
	(void)opaque;
	drains++;
}

static void on_failed(int r, void *opaque)
{
	(void)r;
	(void)opaque;
}

static void turn(void)
{
	while (sd_event_run(event, 30 * 1000) > 0)
		;
}

static void begin(bool raw)
{
	static struct ebb_port_ops ops;
	int fds[2];

	ops = (struct ebb_port_ops){ .connected = on_connected,
				     .line = raw ? NULL : on_line,
				     .dropped = raw ? NULL : on_dropped,
				     .data = raw ? on_data : NULL,
				     .drained = on_drained,
				     .failed = on_failed };
	got[0] = '\0';
	connects = drains = drops = 0;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(ebb_port_attach(event, fds[0], 64, &ops, NULL, &port),
			 0);
	host = fds[1];
	turn();
	assert_int_equal(connects, 1);
	drains = 0;
}

static void end(void)
{
	ebb_port_close(port);
	close(host);
	sd_event_unref(event);
}

static void host_says(const char *text)
{
	assert_int_equal(write(host, text, strlen(text)), strlen(text));
	turn();
}

static void lines_are_cut(void **state)
{
	(void)state;
	begin(false);
	host_says("one\ntw");
	assert_string_equal(got, "one|");
	host_says("o\n");
	assert_string_equal(got, "one|two|");
	end();
}

/* Who asked waits for an answer. */
static void a_line_that_is_too_long_is_told(void **state)
{
	char line[100];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	begin(false);
	host_says(line);
	host_says(line);
	assert_int_equal(drops, 1);
	host_says("\nnext\n");
	assert_string_equal(got, "next|");
	assert_int_equal(drops, 1);
	end();
}

static void a_stream_comes_as_it_is(void **state)
{
	(void)state;
	begin(true);
	host_says("one\ntw");
	assert_string_equal(got, "one\ntw");
	end();
}

static void one_that_is_held_reads_nothing(void **state)
{
	(void)state;
	begin(true);
	ebb_port_hold(port, true);
	host_says("later");
	assert_string_equal(got, "");
	/* There is no second edge for what came meanwhile. */
	ebb_port_hold(port, false);
	assert_string_equal(got, "later");
	end();
}

static void a_slow_host_gets_all(void **state)
{
	static char sent[1 << 20], read_back[1 << 20];
	size_t done = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 251);
	begin(true);
	ebb_port_send(port, sent, sizeof(sent));
	assert_true(ebb_port_pending(port) > 0);
	assert_int_equal(drains, 0);
	while (done < sizeof(sent)) {
		ssize_t bytes =
			read(host, read_back + done, sizeof(read_back) - done);

		if (bytes > 0)
			done += (size_t)bytes;
		else
			sd_event_run(event, 100 * 1000);
	}
	turn();
	assert_memory_equal(read_back, sent, sizeof(sent));
	assert_int_equal(ebb_port_pending(port), 0);
	assert_true(drains > 0);
	end();
}

static void a_host_that_goes_leaves_nothing_pending(void **state)
{
	static char sent[1 << 20];

	(void)state;
	begin(true);
	ebb_port_send(port, sent, sizeof(sent));
	assert_true(ebb_port_pending(port) > 0);
	close(host);
	turn();
	assert_int_equal(ebb_port_pending(port), 0);
	assert_int_equal(drains, 1);
	host = -1;
	end();
}

static void a_path_that_is_no_port_is_an_error(void **state)
{
	struct ebb_port_ops ops = { .data = on_data };
	struct ebb_port *none;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(ebb_port_open(event, "/nowhere/port", 64, &ops, NULL,
				       &none),
			 -ENOENT);
	/* A file can be opened, but not watched. */
	assert_int_equal(ebb_port_open(event, "/proc/self/oom_score_adj", 64,
				       &ops, NULL, &none),
			 -EPERM);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_cut),
		cmocka_unit_test(a_line_that_is_too_long_is_told),
		cmocka_unit_test(a_stream_comes_as_it_is),
		cmocka_unit_test(one_that_is_held_reads_nothing),
		cmocka_unit_test(a_slow_host_gets_all),
		cmocka_unit_test(a_host_that_goes_leaves_nothing_pending),
		cmocka_unit_test(a_path_that_is_no_port_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
