/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbd.conf: what is read, and what each wrong line is answered with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/config.h"

static char path[] = "test-config.XXXXXX";

static void write_file(const char *text, size_t bytes)
{
	ebb_auto_fclose FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, bytes, file), bytes);
}

static void test_wrong_lines(void **state)
{
	static const struct {
		const char *text;
		const char *error; /* after the path */
	} cases[] = {
		{ "uri = qemu:///system\n",
		  ":1: 'uri' stands before any section: put [daemon], "
		  "[reclaim] or [agent] above it" },
		{ "[daemon]\nurl = a\n",
		  ":2: daemon.url: unknown key: did you mean 'uri'?" },
		{ "\n# a\n[daemon]\ntimeout = 5s\n",
		  ":4: daemon.timeout: unknown key: it belongs into "
		  "[reclaim]" },
		{ "[agent]\nfoo=1\n",
		  ":2: agent.foo: unknown key: see ebbd.conf(5)" },
		{ "[deamon]\n",
		  ":1: unknown section [deamon]: did you mean [daemon]?" },
		{ "[x]\na=b\n", ":1: unknown section [x]: use [daemon], "
				"[reclaim] or [agent]" },
		{ "[daemon]\nhello\n",
		  ":2: this line is neither '[section]' nor 'key = value'" },
		{ "[daemon\n",
		  ":1: this line is neither '[section]' nor 'key = value'" },
		{ "[daemon]\nhello\nfoo=1\n",
		  ":2: this line is neither '[section]' nor 'key = value'" },
		{ "[daemon]\nuri = a\nuri = b\n",
		  ":3: daemon.uri: set twice: remove one" },
		{ "[daemon]\nuri =\n",
		  ":2: daemon.uri: '' is not accepted: give a libvirt URI "
		  "such as qemu:///system" },
		{ "[daemon]\nsocket = ebbd.sock\n",
		  ":2: daemon.socket: 'ebbd.sock' is not accepted: give an "
		  "absolute path of at most 107 bytes" },
		{ "[daemon]\nlog-level = loud\n",
		  ":2: daemon.log-level: 'loud' is not accepted: give error, "
		  "warning, notice, info or debug" },
		{ "[reclaim]\ntimeout = 60\n",
		  ":2: reclaim.timeout: '60' is not accepted: give a time "
		  "from 100ms to 10m, as 60s" },
		{ "[reclaim]\ntimeout = 11m\n",
		  ":2: reclaim.timeout: '11m' is not accepted: give a time "
		  "from 100ms to 10m, as 60s" },
		{ "[reclaim]\ngrant-window = 51ms\n",
		  ":2: reclaim.grant-window: '51ms' is not accepted: give a "
		  "time from 1ms to 50ms, as 50ms" },
		{ "[reclaim]\ngrant-window = 0ms\n",
		  ":2: reclaim.grant-window: '0ms' is not accepted: give a "
		  "time from 1ms to 50ms, as 50ms" },
		{ "[reclaim]\nhugetlb-cover = 1001%\n",
		  ":2: reclaim.hugetlb-cover: '1001%' is not accepted: give a "
		  "percentage from 0% to 1000%, as 125%" },
		{ "[reclaim]\nhugetlb-cover = 100\n",
		  ":2: reclaim.hugetlb-cover: '100' is not accepted: give a "
		  "percentage from 0% to 1000%, as 125%" },
		{ "[reclaim]\nhugetlb-cover = -1%\n",
		  ":2: reclaim.hugetlb-cover: '-1%' is not accepted: give a "
		  "percentage from 0% to 1000%, as 125%" },
		{ "[reclaim]\nhugetlb-cover = 90% of it\n",
		  ":2: reclaim.hugetlb-cover: '90% of it' is not accepted: "
		  "give a percentage from 0% to 1000%, as 125%" },
		{ "[daemon]\nworkers = 4\n",
		  ":2: daemon.workers: '4' is not accepted: give a number from "
		  "5 to 64" },
		{ "[reclaim]\nreclaims = 4 of them\n",
		  ":2: reclaim.reclaims: '4 of them' is not accepted: give a "
		  "number from 1 to 60" },
		{ "[agent]\ntimeout = -1s\n",
		  ":2: agent.timeout: '-1s' is not accepted: give a time from "
		  "100ms to 1m, as 5s" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_config config, before;
		struct ebb_msg_error error;
		char expected[512];

		memset(&config, 0x5a, sizeof(config));
		before = config;
		write_file(cases[i].text, strlen(cases[i].text));
		assert_int_equal(ebb_config_load(path, &config, &error),
				 -EINVAL);
		snprintf(expected, sizeof(expected), "%s%s", path,
			 cases[i].error);
		assert_string_equal(error.text, expected);
		assert_memory_equal(&config, &before, sizeof(config));
	}
}

static void test_long_and_binary_lines(void **state)
{
	static const char binary[] = "[daemon]\nuri = a\0b\n";
	struct ebb_config config;
	struct ebb_msg_error error;
	char text[1024];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "[daemon]\nuri = ", 15);
	write_file(text, sizeof(text));
	assert_int_equal(ebb_config_load(path, &config, &error), -EINVAL);
	assert_non_null(strstr(error.text, ":2: this line is too long"));

	write_file(binary, sizeof(binary) - 1);
	assert_int_equal(ebb_config_load(path, &config, &error), -EINVAL);
	assert_non_null(strstr(error.text, ":2: this line holds a zero byte"));
}

static void test_all_keys(void **state)
{
	static const char text[] = "; a comment\n"
				   "[daemon]\n"
				   "uri = qemu:///session ; another\n"
				   "  socket = /tmp/e.sock\n"
				   "group =\n"
				   "log-level = debug\n"
				   "state-dir = /tmp/state\n"
				   "qemu-run-dir = /tmp/qemu\n"
				   "workers = 16\n"
				   "[reclaim]\n"
				   "timeout = 2m\n"
				   "grant-window = 20ms\n"
				   "reclaims = 2\n"
				   "hugetlb-cover = 50%\n"
				   "[agent]\n"
				   "timeout = 1500ms\n";
	struct ebb_config config;
	struct ebb_msg_error error;

	(void)state;
	write_file(text, sizeof(text) - 1);
	assert_int_equal(ebb_config_load(path, &config, &error), 0);
	assert_string_equal(config.uri, "qemu:///session");
	assert_string_equal(config.socket, "/tmp/e.sock");
	assert_string_equal(config.group, "");
	assert_int_equal(config.log_level, EBB_LOG_DEBUG);
	assert_string_equal(config.state_dir, "/tmp/state");
	assert_string_equal(config.qemu_run_dir, "/tmp/qemu");
	assert_int_equal(config.workers, 16);
	assert_int_equal(config.reclaims, 2);
	assert_int_equal(config.reclaim_timeout_ms, 120000);
	assert_int_equal(config.grant_window_ms, 20);
	assert_int_equal(config.hugetlb_cover_percent, 50);
	assert_int_equal(config.agent_timeout_ms, 1500);
}

static void test_empty_file_is_defaults(void **state)
{
	struct ebb_config config, defaults;
	struct ebb_msg_error error;

	(void)state;
	write_file("", 0);
	ebb_config_default(&defaults);
	memset(&config, 0, sizeof(config));
	assert_int_equal(ebb_config_load(path, &config, &error), 0);
	assert_memory_equal(&config, &defaults, sizeof(config));
	assert_string_equal(config.uri, EBB_DEFAULT_URI);
	assert_int_equal(config.grant_window_ms, EBB_GRANT_WINDOW_MS);
}

/* The installed file shows each default behind a '#', and parses without it. */
static void test_example_shows_the_defaults(void **state)
{
	struct ebb_config config, defaults;
	struct ebb_msg_error error;
	const char *source_dir = getenv("srcdir");
	ebb_auto_fclose FILE *example = NULL;
	char line[4096], text[8192] = "";
	unsigned int keys = 0;

	(void)state;
	snprintf(line, sizeof(line), "%s/host/ebbd.conf",
		 source_dir ? source_dir : ".");
	example = fopen(line, "r");
	assert_non_null(example);
	while (fgets(line, sizeof(line), example)) {
		bool key = line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';

		keys += key;
		strcat(text, line + key);
	}
	write_file(text, strlen(text));
	ebb_config_default(&defaults);
	assert_int_equal(ebb_config_load(path, &config, &error), 0);
	assert_int_equal(keys, 12);
	assert_int_equal(config.workers, defaults.workers);
	assert_int_equal(config.reclaims, defaults.reclaims);
	assert_string_equal(config.uri, defaults.uri);
	assert_string_equal(config.group, defaults.group);
	assert_int_equal(config.log_level, defaults.log_level);
	assert_int_equal(config.reclaim_timeout_ms,
			 defaults.reclaim_timeout_ms);
	assert_int_equal(config.grant_window_ms, defaults.grant_window_ms);
	assert_int_equal(config.agent_timeout_ms, defaults.agent_timeout_ms);
}

static void test_unreadable(void **state)
{
	struct ebb_config config;
	struct ebb_msg_error error;

	(void)state;
	assert_int_equal(ebb_config_load("/nonexistent/x", &config, &error),
			 -ENOENT);
	assert_string_equal(error.text, "/nonexistent/x: cannot be read: No "
					"such file or directory");
	assert_int_equal(ebb_config_load("/", &config, &error), -EISDIR);
	assert_string_equal(error.text, "/: cannot be read: Is a directory");
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_long_and_binary_lines),
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_empty_file_is_defaults),
		cmocka_unit_test(test_example_shows_the_defaults),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
