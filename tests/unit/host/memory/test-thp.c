/* SPDX-License-Identifier: GPL-2.0-only */
/* Who gets transparent huge pages for shared memory, by the kernel's files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/thp.h"
#include "tests/unit/fake-root.h"

#define SYSFS "/sys/kernel/mm/transparent_hugepage/"
#define MOUNT_LINE "41 23 0:46 / /ram rw,relatime shared:9 - tmpfs ram rw"

static void test_congruence(void **state)
{
	const uint64_t base = 0x7f6b9fe00000;

	(void)state;
	assert_true(ebb_thp_fits(base, 0));
	assert_false(ebb_thp_fits(base - 4096, 0));
	assert_true(ebb_thp_fits(base - 4096, 2 * EBB_MIB - 4096));
	assert_false(ebb_thp_fits(base, 4096));
	assert_true(ebb_thp_fits(base + 4096, 4 * EBB_MIB + 4096));
}

/* @host, @of_size: NULL for a kernel without. */
static bool enabled(const char *host, const char *of_size, const char *mount,
		    bool named)
{
	struct stat st = { .st_dev = makedev(0, mount ? 46 : 1),
			   .st_nlink = named };
	char mounts[512] =
		"22 1 0:4 / /proc rw - proc proc rw\n"
		"23 1 254:1 / / rw,huge=never - ext4 /dev/vda1 rw,huge=no\n"
		"40 23 0:45 / /dev/shm rw - tmpfs tmpfs rw,huge=always\n";
	bool result;

	if (mount)
		strcat(strcat(strcat(mounts, MOUNT_LINE), mount), "\n");
	fake_root_write("/proc/77/mountinfo", mounts);
	if (host)
		fake_root_write(SYSFS "shmem_enabled", host);
	if (of_size)
		fake_root_write(SYSFS "hugepages-2048kB/shmem_enabled",
				of_size);
	result = ebb_thp_enabled(fake_root, 77, &st);
	if (host)
		fake_root_unlink(SYSFS "shmem_enabled");
	if (of_size)
		fake_root_unlink(SYSFS "hugepages-2048kB/shmem_enabled");
	return result;
}

#define CHOICES "always within_size advise never deny "

static void test_table(void **state)
{
	static const char never[] = "always within_size advise [never] deny\n";
	static const char advise[] = "always within_size [advise] never deny\n";
	static const char always[] = "[always] within_size advise never deny\n";
	static const char deny[] = CHOICES "[deny] force\n";
	static const char force[] = CHOICES "deny [force]\n";
	static const char inherit[] = "always [inherit] advise never\n";
	static const struct {
		const char *host, *of_size, *mount;
		bool named, enabled;
	} cases[] = {
		/* a memfd */
		{ never, NULL, NULL, false, false },
		{ advise, NULL, NULL, false, true },
		{ always, NULL, NULL, false, true },
		{ deny, always, NULL, false, false },
		{ force, NULL, NULL, false, true },
		{ NULL, NULL, NULL, false, false },
		{ "nonsense", NULL, NULL, false, false },
		{ never, inherit, NULL, false, false },
		{ advise, inherit, NULL, false, true },
		{ never, advise, NULL, false, true },
		{ always, never, NULL, false, false },
		/* a file that somebody mounted */
		{ never, inherit, "", true, false },
		{ always, inherit, "", true, false },
		{ never, inherit, ",size=1g,huge=advise,mode=1777", true,
		  true },
		{ never, inherit, ",huge=within_size", true, true },
		{ never, inherit, ",huge=never", true, false },
		{ deny, inherit, ",huge=always", true, false },
		{ never, never, ",huge=always", true, true },
		/* the same without a name */
		{ never, inherit, ",huge=always", false, true },
		{ never, never, ",huge=always", false, false },
		{ never, advise, "", false, true },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++)
		if (enabled(cases[i].host, cases[i].of_size, cases[i].mount,
			    cases[i].named) != cases[i].enabled)
			fail_msg("case %zu", i);
}

/* A process that is gone has no mounts to look at. */
static void test_no_process(void **state)
{
	struct stat st = { .st_dev = makedev(0, 46), .st_nlink = 1 };

	(void)state;
	assert_false(ebb_thp_enabled(fake_root, 78, &st));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_congruence),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_no_process),
	};

	return cmocka_run_group_tests(tests, fake_root_make, fake_root_remove);
}
