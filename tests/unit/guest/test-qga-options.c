/* SPDX-License-Identifier: GPL-2.0-only */
/* What a system refuses to qemu-ga's clients stays refused behind ebb-agent. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/qga_options.h"
#include "tests/unit/fake-root.h"

#define UNIT "qemu-guest-agent.service"

static struct ebb_qga_options options;
static char bad_path[256];

static int read_options(void)
{
	return ebb_qga_options_read(fake_root, &options, bad_path);
}

/* A macro, so that a failure names the line of the test. */
#define check_words(...)                                                  \
	do {                                                              \
		static const char *const wanted[] = { __VA_ARGS__ };      \
		size_t count = sizeof(wanted) / sizeof(wanted[0]);        \
                                                                          \
		assert_int_equal(read_options(), 0);                      \
		assert_int_equal(options.count, count);                   \
		for (size_t i = 0; i < count; i++)                        \
			assert_string_equal(options.words[i], wanted[i]); \
		assert_null(options.words[count]);                        \
	} while (0)

static void without_any_there_are_none(void **state)
{
	(void)state;
	assert_int_equal(read_options(), 0);
	assert_int_equal(options.count, 0);
}

static void rhel_9(void **state)
{
	(void)state;
	fake_root_write("/usr/lib/systemd/system/" UNIT,
			"[Unit]\nDescription=QEMU Guest Agent\n[Service]\n"
			"UMask=0077\nEnvironmentFile=/etc/sysconfig/qemu-ga\n"
			"ExecStart=/usr/bin/qemu-ga \\\n"
			"  --method=virtio-serial \\\n"
			"  --path=/dev/virtio-ports/org.qemu.guest_agent.0 \\\n"
			"  --blacklist=${BLACKLIST_RPC} \\\n"
			"  -F${FSFREEZE_HOOK_PATHNAME}\nRestart=always\n");
	fake_root_write(
		"/etc/sysconfig/qemu-ga",
		"# a comment with an \"open quote\n"
		"BLACKLIST_RPC=guest-file-open,guest-exec\n"
		"\nFSFREEZE_HOOK_PATHNAME=/etc/qemu-ga/fsfreeze-hook\n");
	check_words("--blacklist=guest-file-open,guest-exec",
		    "-F/etc/qemu-ga/fsfreeze-hook");
}

static void rhel_10(void **state)
{
	(void)state;
	fake_root_write(
		"/usr/lib/systemd/system/" UNIT,
		"[Service]\nEnvironmentFile=-/etc/sysconfig/qemu-ga\n"
		"ExecStart=-/usr/bin/qemu-ga -m virtio-serial -p /dev/x "
		"${FILTER_RPC_ARGS} $MORE -F${HOOK}\n");
	fake_root_write(
		"/etc/sysconfig/qemu-ga",
		"FILTER_RPC_ARGS=\"--allow-rpcs=guest-ping,guest-sync\"\n"
		"MORE='-v -l \"/var/log/a b\"'\n");
	check_words("--allow-rpcs=guest-ping,guest-sync", "-v", "-l",
		    "/var/log/a b", "-F");
}

static void debian(void **state)
{
	(void)state;
	fake_root_write("/lib/systemd/system/" UNIT,
			"[Service]\nEnvironmentFile=-/etc/default/"
			"qemu-guest-agent\n"
			"ExecStart=-/usr/sbin/qemu-ga $DAEMON_ARGS\n");
	assert_int_equal(read_options(), 0);
	assert_int_equal(options.count, 0);
	fake_root_write("/etc/default/qemu-guest-agent",
			"DAEMON_ARGS=\"-b guest-exec -d\"\n");
	check_words("-b", "guest-exec");
	/* Without systemd, too. */
	fake_root_unlink("/lib/systemd/system/" UNIT);
	check_words("-b", "guest-exec");
}

static void an_administrator_has_the_last_word(void **state)
{
	char path[256];

	(void)state;
	fake_root_write("/usr/lib/systemd/system/" UNIT,
			"[Service]\nEnvironment=A=1 \"B=2 3\"\n"
			"ExecStart=/usr/bin/qemu-ga -b one${A}\n");
	check_words("-b", "one1");
	fake_root_write("/etc/systemd/system/" UNIT ".d/10-block.conf",
			"[Service]\nExecStart=\n"
			"ExecStart=/usr/bin/qemu-ga -b two$$ ${B}\n");
	check_words("-b", "two$", "2 3");
	/* A unit that is masked says nothing; what it was still holds. */
	assert_false(ebb_qga_is_masked(fake_root));
	snprintf(path, sizeof(path), "%s/etc/systemd/system/" UNIT, fake_root);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_true(ebb_qga_is_masked(fake_root));
	check_words("-b", "two$", "2 3");
}

/* Rather no commands than one that was to be refused. */
static void what_is_not_understood_is_an_error(void **state)
{
	(void)state;
	fake_root_write("/usr/lib/systemd/system/" UNIT,
			"[Service]\nExecStart=/usr/bin/qemu-ga -b \"open\n");
	assert_int_equal(read_options(), -EINVAL);
	assert_string_equal(bad_path, "/usr/lib/systemd/system/" UNIT);
	fake_root_write("/usr/lib/systemd/system/" UNIT,
			"[Service]\nExecStart=/usr/bin/qemu-ga -b %i\n");
	assert_int_equal(read_options(), -EINVAL);
	fake_root_write("/usr/lib/systemd/system/" UNIT,
			"[Service]\nExecStart=/usr/bin/qemu-ga -b 100%%\n");
	check_words("-b", "100%");
}

#define OPTIONS_TEST(name) \
	cmocka_unit_test_setup_teardown(name, fake_root_make, fake_root_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPTIONS_TEST(without_any_there_are_none),
		OPTIONS_TEST(rhel_9),
		OPTIONS_TEST(rhel_10),
		OPTIONS_TEST(debian),
		OPTIONS_TEST(an_administrator_has_the_last_word),
		OPTIONS_TEST(what_is_not_understood_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
