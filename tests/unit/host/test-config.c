/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbd.conf: what is read, and what each wrong line is answered with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/config.h"

static char directory[] = "test-config.XXXXXX";
static char path[64], conf_d[64];

static void write_file(const char *text, size_t bytes)
{
	ebb_auto_fclose FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, bytes, file), bytes);
}

/* With the path before it, and in place of a "PATH" in it. */
static void expect_error(char *text, size_t text_bytes, const char *error)
{
	const char *at = strstr(error, "PATH");

	if (at)
		snprintf(text, text_bytes, "%s%.*s%s%s", path,
			 (int)(at - error), error, path, at + 4);
	else
		snprintf(text, text_bytes, "%s%s", path, error);
}

static void test_wrong_lines(void **state)
{
	static const struct {
		const char *text;
		const char *error; /* after the path */
	} cases[] = {
		{ "uri = qemu:///system\n",
		  ":1: 'uri' stands before any section: put [daemon], "
		  "[reclaim], [agent] or [policy] above it" },
		{ "[daemon]\nurl = a\n",
		  ":2: daemon.url: unknown key: did you mean 'uri'?" },
		{ "\n# a\n[daemon]\ntimeout = 5s\n",
		  ":4: daemon.timeout: unknown key: it belongs into "
		  "[reclaim]" },
		{ "[agent]\nfoo=1\n",
		  ":2: agent.foo: unknown key: see ebbd.conf(5)" },
		{ "[deamon]\n",
		  ":1: unknown section [deamon]: did you mean [daemon]?" },
		{ "[x]\na=b\n",
		  ":1: unknown section [x]: use [daemon], "
		  "[reclaim], [agent], [policy] or [domain NAME]" },
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
		{ "[policy]\nenabled = true\n",
		  ":2: policy.enabled: 'true' is not accepted: give yes or "
		  "no" },
		{ "[policy]\ncover-guests = 9\n",
		  ":2: policy.cover-guests: '9' is not accepted: give a number "
		  "from 1 to 8" },
		{ "[policy]\nhost-free = 4GB\n",
		  ":2: policy.host-free: '4GB' is not accepted: give a size "
		  "such as 4G, or 0" },
		{ "[policy]\nmode = balance\n",
		  ":2: policy.mode: 'balance' is not accepted: did you mean "
		  "'balanced'?" },
		{ "[policy]\nrungs = lease, reprot\n",
		  ":2: policy.rungs: 'reprot' is not accepted: did you mean "
		  "'report'?" },
		{ "[domain web1]\n\nreserved = no\n",
		  ":3: domain web1.reserved: 'no' is not accepted: give keep "
		  "or share" },
		{ "[policy]\nshare = 1\n",
		  ":2: policy.share: unknown key: did you mean 'shares'?" },
		{ "[polcy]\n",
		  ":1: unknown section [polcy]: did you mean [policy]?" },
		{ "[daemon]\nmax = 2G\n",
		  ":2: daemon.max: unknown key: it belongs into [policy]" },
		{ "[domain web1]\nenabled = no\n",
		  ":2: domain web1.enabled: unknown key: it belongs into "
		  "[policy]" },
		{ "[domain web1]\nmin = lots\n",
		  ":2: domain web1.min: 'lots' is no size. Give a number and K, "
		  "M, G or T, such as 512M or 1.5G, a percentage such as 25% "
		  "or none" },
		{ "[domain web1]\nmin = 1G\n[domain  web1 ]\nmin = 2G\n",
		  ":4: domain  web1 .min: set twice: remove one" },
		{ "[policy]\nmin = 1G\nmin = 1G\n",
		  ":3: policy.min: set twice: remove one" },
		{ "[domain]\nmin = 1G\n",
		  ":1: [domain] names no domain: write [domain NAME], with a "
		  "name or UUID as virsh list shows it" },
		{ "[domain  ]\n",
		  ":1: [domain] names no domain: write [domain NAME], with a "
		  "name or UUID as virsh list shows it" },
		{ "[policy]\nmax = 2G\n[domain web1]\nmin = 4G\n",
		  ":4: domain web1.min: min is 4G, but max is 2G: lower min, "
		  "or raise max (max is set in ebbd.conf:2)" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_config config, before;
		struct ebb_msg_error error;
		char expected[512];

		memset(&config, 0x5a, sizeof(config));
		before = config;
		write_file(cases[i].text, strlen(cases[i].text));
		assert_int_equal(ebb_config_load(path, EBB_CONFIG_REQUIRED,
						 &config, &error),
				 -EINVAL);
		expect_error(expected, sizeof(expected), cases[i].error);
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
	assert_int_equal(ebb_config_load(path, EBB_CONFIG_REQUIRED, &config,
					 &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, ":2: this line is too long"));

	write_file(binary, sizeof(binary) - 1);
	assert_int_equal(ebb_config_load(path, EBB_CONFIG_REQUIRED, &config,
					 &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, ":2: this line holds a zero byte"));
}

static void test_all_keys(void **state)
{
	static const char text[] = "; a comment\n"
				   "[daemon]\n"
				   "uri = qemu:///session ; another\n"
				   "  socket = /tmp/e.sock\n"
				   "group =\n"
				   "read-group = watchers\n"
				   "log-level = debug\n"
				   "state-dir = /tmp/state\n"
				   "history-dir = /tmp/history\n"
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
	assert_int_equal(
		ebb_config_load(path, EBB_CONFIG_REQUIRED, &config, &error), 0);
	assert_string_equal(config.uri, "qemu:///session");
	assert_string_equal(config.socket, "/tmp/e.sock");
	assert_string_equal(config.group, "");
	assert_string_equal(config.read_group, "watchers");
	assert_int_equal(config.log_level, EBB_LOG_DEBUG);
	assert_string_equal(config.state_dir, "/tmp/state");
	assert_string_equal(config.history_dir, "/tmp/history");
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
	assert_int_equal(
		ebb_config_load(path, EBB_CONFIG_REQUIRED, &config, &error), 0);
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
	char line[4096], text[16384] = "";
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
	assert_int_equal(
		ebb_config_load(path, EBB_CONFIG_REQUIRED, &config, &error), 0);
	assert_int_equal(keys, 24);
	assert_int_equal(config.workers, defaults.workers);
	assert_int_equal(config.reclaims, defaults.reclaims);
	assert_string_equal(config.uri, defaults.uri);
	assert_string_equal(config.group, defaults.group);
	assert_string_equal(config.read_group, defaults.read_group);
	assert_int_equal(config.log_level, defaults.log_level);
	assert_int_equal(config.reclaim_timeout_ms,
			 defaults.reclaim_timeout_ms);
	assert_int_equal(config.grant_window_ms, defaults.grant_window_ms);
	assert_int_equal(config.agent_timeout_ms, defaults.agent_timeout_ms);
	assert_int_equal(config.policy.enabled, defaults.policy.enabled);
	assert_int_equal(config.policy.dry_run, defaults.policy.dry_run);
	assert_int_equal(config.policy.host_free_bytes, 0);
	assert_int_equal(config.policy.cover_guests,
			 defaults.policy.cover_guests);
	assert_memory_equal(&config.policy.settings.values,
			    &defaults.policy.settings.values,
			    sizeof(defaults.policy.settings.values));
}

/* ---- settings of domains, and conf.d ---- */

static const char uuid[] = "0a1b2c3d-0000-4000-8000-00000000000f";

static void write_conf_d(const char *name, const char *text)
{
	char file[128];
	ebb_auto_fclose FILE *stream = NULL;

	snprintf(file, sizeof(file), "%s/%s", conf_d, name);
	stream = fopen(file, "w");
	assert_non_null(stream);
	assert_true(fputs(text, stream) >= 0);
}

static void remove_conf_d(const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", conf_d, name);
	assert_int_equal(unlink(file), 0);
}

static void load(struct ebb_config *config)
{
	struct ebb_msg_error error = { 0 };

	if (ebb_config_load(path, EBB_CONFIG_REQUIRED, config, &error) < 0)
		fail_msg("%s", error.text);
}

static void assert_setting(const struct ebb_settings *settings,
			   enum ebb_setting setting, const char *value,
			   const char *origin)
{
	char text[EBB_SETTING_TEXT_BYTES];

	assert_string_equal(
		ebb_setting_format(setting, &settings->values, text), value);
	assert_string_equal(settings->origins[setting].text, origin);
}

/* NAME:LINE of the main file. */
static const char *in_main(int line)
{
	static char texts[4][64];
	static unsigned int next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), "%s:%d", strrchr(path, '/') + 1, line);
	return text;
}

static void test_settings_of_domains(void **state)
{
	static const char text[] =
		"[policy]\n"
		"enabled = no\n"
		"dry-run = yes\n"
		"host-free = 4G\n"
		"cover-guests = 2\n"
		"mode = density\n"
		"min = 10%\n"
		"[domain web1]\n"
		"min = 1.5G\n"
		"shares = 3000\n"
		"[domain 0A1B2C3D-0000-4000-8000-00000000000F]\n"
		"shares = 7\n"
		"[domain web1]\n"
		"max = 75%\n"
		"[domain two words]\n"
		"mode = performance\n";
	struct ebb_settings settings;
	struct ebb_config config;

	(void)state;
	write_file(text, sizeof(text) - 1);
	load(&config);
	assert_false(config.policy.enabled);
	assert_true(config.policy.dry_run);
	assert_int_equal(config.policy.host_free_bytes, 4ULL << 30);
	assert_int_equal(config.policy.cover_guests, 2);
	assert_int_equal(config.policy.domain_count, 3);

	ebb_config_settings(&config, "web1", uuid, &settings);
	assert_setting(&settings, EBB_SETTING_MODE, "density", in_main(6));
	assert_setting(&settings, EBB_SETTING_MIN, "1536M", in_main(9));
	assert_setting(&settings, EBB_SETTING_MAX, "75%", in_main(14));
	assert_setting(&settings, EBB_SETTING_SHARES, "7", in_main(12));

	/* A name is matched whole, and in its case. */
	ebb_config_settings(&config, "Web1", "", &settings);
	assert_setting(&settings, EBB_SETTING_MIN, "10%", in_main(7));
	assert_setting(&settings, EBB_SETTING_MAX, "none", "default");
	assert_setting(&settings, EBB_SETTING_SHARES, "1000", "default");
	ebb_config_settings(&config, "two words", "", &settings);
	assert_setting(&settings, EBB_SETTING_MODE, "performance", in_main(16));
	ebb_config_clear(&config);
}

/* libinih cuts names of sections at 49 bytes. */
static void test_long_names_are_whole(void **state)
{
	char text[512], name[128];
	struct ebb_settings settings;
	struct ebb_config config;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "[domain %s]\nshares = 1\n[domain %.*s]\n"
		 "shares = 2\n",
		 name, 100, name);
	write_file(text, strlen(text));
	load(&config);
	ebb_config_settings(&config, name, "", &settings);
	assert_setting(&settings, EBB_SETTING_SHARES, "1", in_main(2));
	name[100] = '\0';
	ebb_config_settings(&config, name, "", &settings);
	assert_setting(&settings, EBB_SETTING_SHARES, "2", in_main(4));
	ebb_config_clear(&config);
}

static void test_conf_d_is_over_the_file(void **state)
{
	static const char text[] = "[agent]\ntimeout = 1s\n"
				   "[domain a]\nmin = 1G\nshares = 5\n";
	struct ebb_settings settings;
	struct ebb_msg_error error;
	struct ebb_config config;
	char expected[256];

	(void)state;
	write_file(text, sizeof(text) - 1);
	assert_int_equal(mkdir(conf_d, 0700), 0);
	write_conf_d("b.conf", "[agent]\ntimeout = 3s\n"
			       "[domain a]\nmin = 3G\n");
	write_conf_d("a.conf", "[agent]\ntimeout = 2s\n"
			       "[domain a]\nmin = 2G\nmax = 8G\n");
	write_conf_d("c.conf.old", "[nonsense]\n");
	write_conf_d(".d.conf", "[nonsense]\n");
	load(&config);
	assert_int_equal(config.agent_timeout_ms, 3000);
	ebb_config_settings(&config, "a", "", &settings);
	assert_setting(&settings, EBB_SETTING_MIN, "3G", "conf.d/b.conf:4");
	assert_setting(&settings, EBB_SETTING_MAX, "8G", "conf.d/a.conf:5");
	assert_setting(&settings, EBB_SETTING_SHARES, "5", in_main(5));
	ebb_config_clear(&config);

	/* Nothing is used of a configuration with a mistake in any file. */
	write_conf_d("b.conf", "\n[policy]\nmode = fast\n");
	assert_int_equal(ebb_config_load(path, EBB_CONFIG_REQUIRED, &config,
					 &error),
			 -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s/b.conf:3: policy.mode: 'fast' is not accepted: give "
		 "performance, balanced or density",
		 conf_d);
	assert_string_equal(error.text, expected);

	/* The file that may be absent is no reason to pass conf.d over. */
	write_conf_d("b.conf", "[policy]\nmode = density\n");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ebb_config_load(path, EBB_CONFIG_REQUIRED, &config,
					 &error),
			 -ENOENT);
	assert_int_equal(
		ebb_config_load(path, EBB_CONFIG_OPTIONAL, &config, &error), 0);
	ebb_config_settings(&config, "x", "", &settings);
	assert_setting(&settings, EBB_SETTING_MODE, "density",
		       "conf.d/b.conf:2");
	ebb_config_clear(&config);
	write_file("", 0);
	remove_conf_d("a.conf");
	remove_conf_d("b.conf");
	remove_conf_d("c.conf.old");
	remove_conf_d(".d.conf");
	assert_int_equal(rmdir(conf_d), 0);
}

/* What may change does, what may not is named and stays. */
static void test_adopt(void **state)
{
	static const char text[] = "[daemon]\nworkers = 9\nlog-level = debug\n"
				   "socket = /tmp/other\n"
				   "[agent]\ntimeout = 1s\n"
				   "[reclaim]\ntimeout = 2m\n"
				   "[policy]\nenabled = no\nmin = 10%\n"
				   "[domain b]\nmin = 2G\n";
	struct ebb_config config, fresh;
	struct ebb_settings settings;
	char fixed[256];

	(void)state;
	write_file("[domain a]\nmin = 1G\n", 20);
	load(&config);
	write_file(text, sizeof(text) - 1);
	load(&fresh);
	ebb_config_adopt(&config, &fresh, fixed, sizeof(fixed));
	assert_string_equal(fixed,
			    "daemon.socket, daemon.workers, agent.timeout");
	assert_int_equal(config.workers, 8);
	assert_int_equal(config.agent_timeout_ms, 5000);
	assert_string_equal(config.socket, EBB_CONTROL_SOCKET);
	assert_int_equal(config.log_level, EBB_LOG_DEBUG);
	assert_int_equal(config.reclaim_timeout_ms, 120000);
	assert_false(config.policy.enabled);
	ebb_config_settings(&config, "a", "", &settings);
	assert_setting(&settings, EBB_SETTING_MIN, "10%", in_main(11));
	ebb_config_settings(&config, "b", "", &settings);
	assert_setting(&settings, EBB_SETTING_MIN, "2G", in_main(13));
	assert_null(fresh.policy.domains);

	ebb_config_clear(&config);
}

static void test_unreadable(void **state)
{
	struct ebb_config config;
	struct ebb_msg_error error;

	(void)state;
	assert_int_equal(ebb_config_load("/nonexistent/x", EBB_CONFIG_REQUIRED,
					 &config, &error),
			 -ENOENT);
	assert_string_equal(error.text, "/nonexistent/x: cannot be read: No "
					"such file or directory");
	assert_int_equal(ebb_config_load("/", EBB_CONFIG_REQUIRED, &config,
					 &error),
			 -EISDIR);
	assert_string_equal(error.text, "/: cannot be read: Is a directory");
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/ebbd.conf", directory);
	snprintf(conf_d, sizeof(conf_d), "%s/conf.d", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void test_much_is_kept_from_guests(void **state)
{
	struct ebb_config config = { 0 };

	(void)state;
	assert_false(ebb_config_keeps_much(&config, 0));
	config.policy.host_free_bytes = 8ULL << 30;
	assert_false(ebb_config_keeps_much(&config, 16ULL << 30));
	assert_true(ebb_config_keeps_much(&config, 15ULL << 30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_long_and_binary_lines),
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_much_is_kept_from_guests),
		cmocka_unit_test(test_empty_file_is_defaults),
		cmocka_unit_test(test_example_shows_the_defaults),
		cmocka_unit_test(test_settings_of_domains),
		cmocka_unit_test(test_long_names_are_whole),
		cmocka_unit_test(test_conf_d_is_over_the_file),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
