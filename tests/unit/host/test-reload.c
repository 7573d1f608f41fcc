/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A configuration that is read anew: a mistake changes nothing and is told, what
 * changed is told once, and what is asked meanwhile is not lost. The workers and the
 * event loop are the real ones; callers are played.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "host/base/loop.h"
#include "host/interface/status.h"
#include "host/reload.h"
#include "tests/unit/host/control/fake-call.h"

static char directory[] = "test-reload.XXXXXX";
static char path[64];
static struct ebb_workers *workers;
static struct ebb_config config;
static struct ebb_reload *reload;

static struct {
	unsigned int begun, changed, ended;
} seen;

static void on_begun(void *opaque)
{
	(void)opaque;
	seen.begun++;
}

static void on_changed(void *opaque)
{
	(void)opaque;
	seen.changed++;
}

static void on_ended(void *opaque)
{
	(void)opaque;
	seen.ended++;
}

static void override(struct ebb_config *fresh, void *opaque)
{
	(void)opaque;
	strcpy(fresh->uri, "test:///default");
}

static void write_file(const char *text)
{
	ebb_auto_fclose FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void ask(void)
{
	ebb_reload_handlers[0].handle(FAKE_CALL, NULL, reload);
}

static void settle_down(void)
{
	alarm(120);
	while (ebb_workers_count(workers) > 0)
		assert_int_equal(ebb_loop_turn(), 0);
	alarm(0);
}

static int begin_reload(void **state)
{
	struct ebb_reload_options options = { .path = path,
					      .presence = EBB_CONFIG_REQUIRED,
					      .config = &config,
					      .workers = workers,
					      .override = override,
					      .begun = on_begun,
					      .changed = on_changed,
					      .ended = on_ended };

	(void)state;
	memset(&seen, 0, sizeof(seen));
	fake_call_reset();
	ebb_config_default(&config);
	strcpy(config.uri, "test:///default");
	reload = ebb_reload_new(&options);
	return reload ? 0 : -1;
}

static int set_up(void **state)
{
	if (begin_reload(state) < 0)
		return -1;
	ebb_reload_serve(reload);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ebb_reload_free(reload);
	fake_call_reset();
	ebb_config_clear(&config);
	return 0;
}

static void test_asked_for(void **state)
{
	struct ebb_reload_result result;

	(void)state;
	write_file("[policy]\nshares = 7\n[daemon]\nworkers = 9\n");
	ask();
	settle_down();
	assert_int_equal(fake_call.answers, 1);
	assert_string_equal(fake_call.error_class, "");
	fake_call_decode(ebb_reload_result_fields, &result, sizeof(result));
	assert_string_equal(result.restart, "daemon.workers");
	assert_int_equal(config.policy.settings.values.shares, 7);
	/* What the command line says is no change of the file's. */
	assert_string_equal(config.uri, "test:///default");
	assert_int_equal(seen.begun, 1);
	assert_int_equal(seen.changed, 1);
	assert_int_equal(seen.ended, 1);
}

static void test_mistake(void **state)
{
	(void)state;
	write_file("[policy]\nshares = 7\n[policy]\nmod = density\n");
	ask();
	settle_down();
	assert_string_equal(fake_call.error_class, "InvalidArgument");
	assert_non_null(strstr(fake_call.error,
			       "ebbd.conf:4: policy.mod: unknown "
			       "key: did you mean 'mode'?"));
	assert_int_equal(config.policy.settings.values.shares, 1000);
	assert_int_equal(seen.changed, 0);
	/* Who waits for the end of it, as systemd does, is told so. */
	assert_int_equal(seen.ended, 1);
}

/*
 * Before ebbd serves, the end of a reading would tell systemd that it does, though it
 * has no connection yet.
 */
static void test_before_ebbd_serves(void **state)
{
	tear_down(state);
	begin_reload(state);
	write_file("[policy]\nshares = 7\n");
	ebb_reload_begin(reload);
	settle_down();
	assert_int_equal(seen.changed, 1);
	assert_int_equal(seen.begun, 0);
	assert_int_equal(seen.ended, 0);
	/* One that began before is not told of when it ends after. */
	ebb_reload_begin(reload);
	ebb_reload_serve(reload);
	settle_down();
	assert_int_equal(seen.changed, 2);
	assert_int_equal(seen.ended, 0);
	ebb_reload_begin(reload);
	settle_down();
	assert_int_equal(seen.begun, 1);
	assert_int_equal(seen.ended, 1);
}

/* A text that is no UTF-8 would make the whole answer unreadable. */
static void test_mistake_is_plain(void **state)
{
	(void)state;
	write_file("[policy]\nmode = \xc3\n");
	ask();
	settle_down();
	assert_non_null(
		strstr(fake_call.error, "policy.mode: '?' is not accepted"));
}

static void test_meanwhile(void **state)
{
	(void)state;
	write_file("[policy]\nshares = 7\n");
	ebb_reload_begin(reload);
	ask();
	assert_string_equal(fake_call.error_class, "Busy");
	/* Two signals become one, after what runs, which may have read old files. */
	ebb_reload_begin(reload);
	ebb_reload_begin(reload);
	settle_down();
	assert_int_equal(fake_call.answers, 1);
	assert_int_equal(seen.begun, 2);
	assert_int_equal(seen.changed, 2);
	assert_int_equal(seen.ended, 2);
	assert_int_equal(config.policy.settings.values.shares, 7);
}

static int set_up_group(void **state)
{
	(void)state;
	ebb_log_init("test", EBB_LOG_ERR);
	if (!mkdtemp(directory) || ebb_loop_init() < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/ebbd.conf", directory);
	return ebb_workers_new(5, 1, &workers);
}

static int tear_down_group(void **state)
{
	(void)state;
	ebb_workers_free(workers);
	unlink(path);
	return rmdir(directory);
}

int main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_asked_for),	     TEST(test_mistake),
		TEST(test_mistake_is_plain), TEST(test_before_ebbd_serves),
		TEST(test_meanwhile),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
