/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection has one call at a time, its loss lets those go that wait; when one that
 * is lost is closed, and what becomes of its streams. Without a libvirtd.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/libvirt/connection.h"

struct caller {
	pthread_t thread;
	struct ebb_connection *connection;
	enum ebb_call_kind kind;
	atomic_int result; /* 1: waits */
};

static void *call(void *opaque)
{
	struct caller *caller = opaque;

	caller->result = ebb_connection_begin(caller->connection, caller->kind);
	return NULL;
}

static void start(struct caller *caller, struct ebb_connection *connection,
		  enum ebb_call_kind kind)
{
	*caller = (struct caller){ .connection = connection,
				   .kind = kind,
				   .result = 1 };
	assert_int_equal(pthread_create(&caller->thread, NULL, call, caller),
			 0);
}

static struct ebb_connection *new_connection(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct ebb_connection *connection = ebb_connection_new(NULL, fd);

	assert_non_null(connection);
	return connection;
}

static void free_connection(struct ebb_connection *connection)
{
	close(connection->wake_fd);
	ebb_connection_free(connection);
}

static void test_one_call_at_a_time(void **state)
{
	struct ebb_connection *connection = new_connection();
	struct caller second;

	(void)state;
	assert_int_equal(ebb_connection_begin(connection, EBB_CALL_LIBVIRTD),
			 0);
	assert_false(ebb_connection_try(connection, EBB_CALL_LIBVIRTD));
	start(&second, connection, EBB_CALL_LIBVIRTD);
	usleep(50000);
	assert_int_equal(second.result, 1);
	/* A guest is asked over another connection. */
	assert_true(ebb_connection_try(connection, EBB_CALL_GUEST));
	ebb_connection_end(connection, EBB_CALL_GUEST);
	ebb_connection_end(connection, EBB_CALL_LIBVIRTD);
	pthread_join(second.thread, NULL);
	assert_int_equal(second.result, 0);
	free_connection(connection);
}

static void test_a_loss_lets_go(void **state)
{
	struct ebb_connection *connection = new_connection();
	struct caller waiting;
	eventfd_t woken = 0;

	(void)state;
	assert_int_equal(ebb_connection_begin(connection, EBB_CALL_LIBVIRTD),
			 0);
	start(&waiting, connection, EBB_CALL_LIBVIRTD);
	ebb_connection_lose(connection);
	pthread_join(waiting.thread, NULL);
	assert_int_equal(waiting.result, -ENOTCONN);
	assert_int_equal(ebb_connection_begin(connection, EBB_CALL_LIBVIRTD),
			 -ENOTCONN);
	/* The loop is woken, whichever thread it is told on. */
	assert_int_equal(eventfd_read(connection->wake_fd, &woken), 0);
	free_connection(connection);
}

/* ---- in place of libvirt's ---- */

static bool alive[EBB_CALL_KINDS];
static uint32_t aborts, frees;

int virConnectIsAlive(virConnectPtr handle)
{
	return *(const bool *)(void *)handle;
}

int virStreamAbort(virStreamPtr stream)
{
	assert_non_null(stream);
	aborts++;
	return 0;
}

int virStreamFree(virStreamPtr stream)
{
	assert_non_null(stream);
	frees++;
	return 0;
}

static void test_one_that_is_lost_may_close(void **state)
{
	struct ebb_connection *connection = new_connection();

	(void)state;
	/* It was opened by half. */
	assert_true(ebb_connection_may_close(connection));
	for (int kind = 0; kind < EBB_CALL_KINDS; kind++)
		connection->handles[kind] = (virConnectPtr)(void *)&alive[kind];
	/* libvirtd hangs, and nobody knows for how long. */
	alive[EBB_CALL_LISTENING] = true;
	assert_false(ebb_connection_may_close(connection));
	alive[EBB_CALL_LIBVIRTD] = true;
	assert_true(ebb_connection_may_close(connection));
	alive[EBB_CALL_LIBVIRTD] = false;
	connection->replaced = true;
	assert_true(ebb_connection_may_close(connection));
	connection->replaced = false;
	alive[EBB_CALL_LISTENING] = false;
	assert_true(ebb_connection_may_close(connection));
	free_connection(connection);
}

static void test_a_stream_that_is_left_ends_once(void **state)
{
	struct ebb_connection *connection = new_connection();
	char streams[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		ebb_streams_leave(connection,
				  (virStreamPtr)(void *)&streams[i]);
	assert_int_equal(aborts + frees, 0);
	ebb_streams_end(connection);
	ebb_streams_end(connection);
	assert_int_equal(aborts, 3);
	assert_int_equal(frees, 3);
	free_connection(connection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_call_at_a_time),
		cmocka_unit_test(test_a_loss_lets_go),
		cmocka_unit_test(test_one_that_is_lost_may_close),
		cmocka_unit_test(test_a_stream_that_is_left_ends_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
