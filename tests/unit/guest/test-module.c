/* SPDX-License-Identifier: GPL-2.0-only */
/* Why ebb.ko is not loaded, in trees that are like those of guests. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "guest/module.h"
#include "protocol/limits.h"
#include "tests/unit/fake-root.h"

#define RELEASE "6.12.117+deb13-cloud-amd64"
#define DKMS "/lib/modules/" RELEASE "/updates/dkms"
/* Of 64 characters, the most that uname gives. */
#define LONG_RELEASE RELEASE "-0123456789-0123456789-0123456789-0123"
#define LONG_DKMS "/lib/modules/" LONG_RELEASE "/updates/dkms"

static void lock_down(void)
{
	fake_root_write("/sys/kernel/security/lockdown",
			"none [integrity] confidentiality\n");
}

/* It says that, whole, and not how to load it: the host does. */
static void explains(const char *text)
{
	char got[EBB_STRING_BYTES_MAX];

	ebb_module_explain(fake_root, RELEASE, got, sizeof(got));
	if (!strstr(got, text))
		fail_msg("'%s' is not in '%s'", text, got);
	assert_in_range(strlen(got), 1, sizeof(got) - 2);
	assert_null(strstr(got, "modprobe ebb"));
}

static void without_anything_a_package_is_named(void **state)
{
	(void)state;
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_NOT_INSTALLED);
	explains("install ebb-dkms and linux-headers-" RELEASE);
}

static void without_headers_these_are_named(void **state)
{
	(void)state;
	fake_root_write("/usr/src/ebb-1.0/dkms.conf", "");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_NO_HEADERS);
	explains("headers are missing: install linux-headers-" RELEASE);
}

/* What DKMS writes while it builds, last changed @age_s ago. */
static void write_build_log(time_t age_s)
{
	static const char path[] = "/var/lib/dkms/ebb/1.0/build/make.log";
	struct timespec times[2] = { { .tv_sec = time(NULL) - age_s },
				     { .tv_sec = time(NULL) - age_s } };
	char whole[PATH_MAX];

	fake_root_write(path, "make: Entering directory\n");
	snprintf(whole, sizeof(whole), "%s%s", fake_root, path);
	assert_int_equal(utimensat(AT_FDCWD, whole, times, 0), 0);
}

static void write_source_and_headers(const char *headers)
{
	fake_root_write("/usr/src/ebb-1.0/dkms.conf", "");
	fake_root_write(headers, "");
}

static void what_was_never_built_is_to_be_built(void **state)
{
	(void)state;
	write_source_and_headers("/lib/modules/" RELEASE "/build/include/x");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_NOT_BUILT);
	explains("dkms autoinstall");
}

static void a_build_that_goes_on_is_waited_for(void **state)
{
	(void)state;
	write_source_and_headers("/lib/modules/" RELEASE "/build/include/x");
	write_build_log(30);
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_BEING_BUILT);
	explains("DKMS is building it");
}

static void a_build_that_failed_has_a_log(void **state)
{
	(void)state;
	write_source_and_headers("/lib/modules/" RELEASE "/build/include/x");
	write_build_log(3600);
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_BUILD_FAILED);
	explains("make.log");
}

static void another_kernels_is_none(void **state)
{
	(void)state;
	fake_root_write("/lib/modules/6.12.1/updates/dkms/ebb.ko", "x");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_NOT_INSTALLED);
}

/* Compressed or not, as the distribution has it. */
static void one_that_is_built_is_to_be_loaded(void **state)
{
	static const char *const paths[] = { DKMS "/ebb.ko", DKMS "/ebb.ko.xz",
					     DKMS "/ebb.ko.zst",
					     DKMS "/ebb.ko.gz" };

	(void)state;
	fake_root_write("/sys/kernel/security/lockdown",
			"[none] integrity confidentiality\n");
	fake_root_write("/sys/module/module/parameters/sig_enforce", "N\n");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fake_root_write(paths[i], "x");
		assert_int_equal(ebb_module_state(fake_root, RELEASE),
				 EBB_MODULE_LOADABLE);
		explains("is built for kernel " RELEASE);
		fake_root_unlink(paths[i]);
		assert_int_equal(ebb_module_state(fake_root, RELEASE),
				 EBB_MODULE_NOT_INSTALLED);
	}
}

static void under_lockdown_it_wants_a_signature(void **state)
{
	(void)state;
	lock_down();
	fake_root_write(DKMS "/ebb.ko", "x");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_UNSIGNED);
	explains("install openssl, mokutil, and ebb-dkms again");
	explains("mokutil --import /var/lib/dkms/mok.pub");
	fake_root_write(DKMS "/ebb.ko",
			"a module and more\n~Module signature appended~\n");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_KEY_NEEDED);
	explains("mokutil --import /var/lib/dkms/mok.pub");
	fake_root_write("/var/lib/shim-signed/mok/MOK.der", "");
	explains("mokutil --import /var/lib/shim-signed/mok/MOK.der");
}

/* DKMS signs nothing where it has no openssl to make a key with. */
static void a_compressed_one_is_signed_where_there_is_a_key(void **state)
{
	(void)state;
	lock_down();
	fake_root_write(DKMS "/ebb.ko.xz", "x");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_UNSIGNED);
	fake_root_write("/var/lib/dkms/mok.pub", "x");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_KEY_NEEDED);
	fake_root_unlink(DKMS "/ebb.ko.xz");
	fake_root_unlink("/var/lib/dkms/mok.pub");
	fake_root_write("/lib/modules/" RELEASE "/extra/ebb.ko.xz", "x");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_KEY_NEEDED);
}

static void sig_enforce_is_no_less_strict(void **state)
{
	(void)state;
	fake_root_write("/sys/module/module/parameters/sig_enforce", "Y\n");
	fake_root_write(DKMS "/ebb.ko", "x");
	assert_int_equal(ebb_module_state(fake_root, RELEASE),
			 EBB_MODULE_UNSIGNED);
}

/* Its text for the longest release fits into a message. */
static void is_not_cut(enum ebb_module_state expected)
{
	char got[2 * EBB_STRING_BYTES_MAX];

	assert_int_equal(ebb_module_state(fake_root, LONG_RELEASE), expected);
	ebb_module_explain(fake_root, LONG_RELEASE, got, sizeof(got));
	assert_in_range(strlen(got), 1, EBB_STRING_BYTES_MAX - 1);
}

static void the_longest_release_cuts_no_text(void **state)
{
	(void)state;
	assert_int_equal(strlen(LONG_RELEASE), 64);
	fake_root_write("/var/lib/shim-signed/mok/MOK.der", "");
	is_not_cut(EBB_MODULE_NOT_INSTALLED);
	fake_root_write("/usr/src/ebb-1.0/dkms.conf", "");
	is_not_cut(EBB_MODULE_NO_HEADERS);
	fake_root_write("/lib/modules/" LONG_RELEASE "/build/include/x", "");
	is_not_cut(EBB_MODULE_NOT_BUILT);
	write_build_log(0);
	is_not_cut(EBB_MODULE_BEING_BUILT);
	write_build_log(3600);
	is_not_cut(EBB_MODULE_BUILD_FAILED);
	fake_root_write(LONG_DKMS "/ebb.ko", "x");
	is_not_cut(EBB_MODULE_LOADABLE);
	lock_down();
	is_not_cut(EBB_MODULE_UNSIGNED);
	fake_root_write(LONG_DKMS "/ebb.ko", "~Module signature appended~\n");
	is_not_cut(EBB_MODULE_KEY_NEEDED);
}

#define MODULE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, fake_root_make, fake_root_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MODULE_TEST(without_anything_a_package_is_named),
		MODULE_TEST(without_headers_these_are_named),
		MODULE_TEST(what_was_never_built_is_to_be_built),
		MODULE_TEST(a_build_that_goes_on_is_waited_for),
		MODULE_TEST(a_build_that_failed_has_a_log),
		MODULE_TEST(another_kernels_is_none),
		MODULE_TEST(one_that_is_built_is_to_be_loaded),
		MODULE_TEST(under_lockdown_it_wants_a_signature),
		MODULE_TEST(a_compressed_one_is_signed_where_there_is_a_key),
		MODULE_TEST(sig_enforce_is_no_less_strict),
		MODULE_TEST(the_longest_release_cuts_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
