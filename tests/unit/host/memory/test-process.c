/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding the process of a domain and its files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/memory/pinned.h"
#include "host/memory/process.h"
#include "host/memory/swapped.h"
#include "tests/unit/host/memory/dead-fs.h"
#include "tests/unit/host/memory/fake-qemu.h"

#define UUID FAKE_QEMU_UUID
#define LARGE FAKE_QEMU_LARGE
#define SMALL FAKE_QEMU_SMALL

static struct ebb_guest_process qemu;
static struct ebb_reason_list reasons;

static int begin(void **state)
{
	(void)state;
	memset(&qemu, 0, sizeof(qemu));
	memset(&reasons, 0, sizeof(reasons));
	return 0;
}

static int end(void **state)
{
	char path[128];

	(void)state;
	ebb_guest_process_close(&qemu);
	fake_qemu_stop();
	snprintf(path, sizeof(path), "%s/a.pid", fake_qemu_dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/disk-file", fake_qemu_dir);
	unlink(path);
	return 0;
}

static int open_qemu(void)
{
	return ebb_guest_process_open(fake_qemu_dir, "a", UUID, &qemu,
				      &reasons);
}

static void test_files_are_found(void **state)
{
	struct ebb_holding holding;
	struct stat st;

	(void)state;
	fake_qemu_start("shared");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.pid, fake_qemu_pid);
	assert_true(ebb_guest_process_alive(&qemu));
	assert_int_equal(qemu.backing_count, 2);
	assert_int_equal(qemu.backings[0].bytes, LARGE);
	assert_int_equal(qemu.backings[1].bytes, SMALL);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(qemu.backings[i].kind, EBB_BACKING_MEMFD);
		assert_int_equal(qemu.backings[i].page_bytes, 4096);
		assert_int_equal(fstat(qemu.backings[i].fd, &st), 0);
		assert_int_equal(st.st_ino, qemu.backings[i].ino);
		assert_int_equal(st.st_dev, qemu.backings[i].dev);
	}
	assert_int_equal(ebb_backing_held_bytes(&qemu.backings[0]), 4096);
	assert_int_equal(ebb_backing_held_bytes(&qemu.backings[1]), 0);
	/* Where the machine has something in swap, it must have been read. */
	assert_int_equal(ebb_swapped_read(EBB_SWAPPED_PATH), 0);
	ebb_guest_process_holding(&qemu, EBB_SWAPPED_ANY_AGE, &holding);
	assert_int_equal(holding.resident_bytes, 4096);
	assert_int_equal(holding.swapped_bytes, 0);
	assert_true(holding.swapped_known);
	assert_int_equal(reasons.count, 0);
}

/* What is told of a process ends with it. */
static void test_process_ends(void **state)
{
	struct pollfd pollfd = { .events = POLLIN };

	(void)state;
	fake_qemu_start("shared");
	assert_int_equal(open_qemu(), 0);
	fake_qemu_stop();
	pollfd.fd = qemu.pidfd;
	assert_int_equal(poll(&pollfd, 1, 10000), 1);
	assert_false(ebb_guest_process_alive(&qemu));
	ebb_guest_process_close(&qemu);
	assert_false(ebb_guest_process_alive(&qemu));
	/* The pid file outlives a QEMU that was killed. */
	assert_int_equal(open_qemu(), -ESRCH);
	assert_int_equal(qemu.backing_count, 0);
}

static void test_other_process(void **state)
{
	(void)state;
	fake_qemu_start("shared");
	assert_int_equal(
		ebb_guest_process_open(fake_qemu_dir, "a",
				       "6695eb01-f6a4-8304-79aa-97f2502e1930",
				       &qemu, &reasons),
		-ESRCH);
	assert_int_equal(ebb_guest_process_open(fake_qemu_dir, "a", "", &qemu,
						&reasons),
			 -ESRCH);
	assert_int_equal(ebb_guest_process_open(fake_qemu_dir, "b", UUID, &qemu,
						&reasons),
			 -ESRCH);
	/* libvirt prints lower case; who asks may not. */
	assert_int_equal(
		ebb_guest_process_open(fake_qemu_dir, "a",
				       "6695EB01-F6A4-8304-79AA-97F2502E193F",
				       &qemu, &reasons),
		0);
}

static void test_pid_files_that_name_nobody(void **state)
{
	static const char *const texts[] = { "",
					     "x\n",
					     "0\n",
					     "1\n",
					     "-1\n",
					     "4194399\n",
					     "99999999999999999999\n",
					     "4294967298\n" };
	char name[600];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++) {
		fake_qemu_write_pid("a", texts[i]);
		if (open_qemu() != -ESRCH)
			fail_msg("accepted pid '%s'", texts[i]);
	}
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ebb_guest_process_open(fake_qemu_dir, name, UUID,
						&qemu, &reasons),
			 -ENAMETOOLONG);
}

static void test_memory_that_is_not_shared(void **state)
{
	struct ebb_holding holding;

	(void)state;
	fake_qemu_start("private");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 0);
	ebb_guest_process_holding(&qemu, 0, &holding);
	assert_int_equal(holding.resident_bytes, 0);
	assert_int_equal(ebb_guest_process_usage(qemu.pid, &holding), 0);
	assert_true(holding.resident_bytes > 0);
	end(NULL);
	fake_qemu_start("read-only");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 0);
	assert_int_equal(reasons.count, 0);
}

/* It holds nothing any more, and that is no less than it held before. */
static void test_usage_of_one_that_ends(void **state)
{
	struct ebb_holding holding = { .resident_bytes = 5 };
	pid_t pid = fork();
	siginfo_t info;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(ebb_guest_process_usage(pid, &holding), -ESRCH);
	assert_int_equal(holding.resident_bytes, 5);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Where it is mapped decides whether huge pages fit. */
static void test_huge_pages_fit(void **state)
{
	(void)state;
	fake_qemu_start("aligned");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 1);
	assert_true(qemu.backings[0].huge_fits);
	end(NULL);
	fake_qemu_start("shifted");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 1);
	assert_false(qemu.backings[0].huge_fits);
}

static void test_file_on_disk(void **state)
{
	(void)state;
	fake_qemu_start("disk");
	assert_int_equal(open_qemu(), 0);
	if (qemu.backing_count == 1)
		skip(); /* this directory is on tmpfs */
	assert_int_equal(qemu.backing_count, 0);
	assert_int_equal(reasons.count, 1);
	assert_int_equal(reasons.items[0].id, EBB_REASON_BACKING_ON_DISK);
	assert_non_null(strstr(ebb_reason_detail(&reasons, 0), "disk-file"));
}

/*
 * A disk image on a file server that is dead, mapped or not: it is not asked,
 * and so nobody waits for it.
 */
static void test_dead_file_system(void **state)
{
	char mount_point[128];
	char played;

	(void)state;
	snprintf(mount_point, sizeof(mount_point), "%s/dead", fake_qemu_dir);
	assert_int_equal(mkdir(mount_point, 0700), 0);
	if (!dead_fs_mount(mount_point)) {
		rmdir(mount_point);
		skip(); /* not root, or no FUSE */
	}
	played = fake_qemu_start("dead-disk");
	dead_fs_die();
	/* Should it wait: an end by signal says so sooner than the suite. */
	alarm(60);
	assert_int_equal(open_qemu(), 0);
	alarm(0);
	assert_int_equal(dead_fs_asked(), 0);
	assert_int_equal(qemu.backing_count, 1);
	assert_int_equal(qemu.backings[0].bytes, LARGE);
	assert_true(ebb_reason_has(&reasons, EBB_REASON_BACKING_ON_DISK));
	assert_int_equal(played, 'r');
	dead_fs_unmount();
	fake_qemu_stop();
	rmdir(mount_point);
}

static void test_pages_too_large(void **state)
{
	static const struct {
		uint64_t page_bytes;
		bool refused;
	} cases[] = {
		{ 4096, false },	 { 2 * EBB_MIB, false },
		{ 32 * EBB_MIB, false }, { 64 * EBB_MIB, true },
		{ EBB_GIB, true },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_backing backing = {
			.kind = EBB_BACKING_HUGETLBFS,
			.page_bytes = cases[i].page_bytes,
		};

		memset(&reasons, 0, sizeof(reasons));
		ebb_backing_note(&backing, &reasons);
		assert_int_equal(ebb_reason_has(&reasons,
						EBB_REASON_PAGES_TOO_LARGE),
				 cases[i].refused);
	}
}

static void test_more_files_than_fit(void **state)
{
	(void)state;
	fake_qemu_start("many");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, EBB_BACKING_MAX);
	assert_int_equal(reasons.count, 1);
	assert_int_equal(reasons.items[0].id, EBB_REASON_TOO_MANY_PARTS);
}

/* Whether a lock of this file, by another description of it, is refused. */
static bool is_locked_for_others(uint32_t index)
{
	int fd ebb_auto_close = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d",
		 qemu.backings[index].fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* Another look shares what is open, with its lock, and finds what is new. */
static void test_looks_share(void **state)
{
	struct ebb_guest_process next;
	int fds[2];

	(void)state;
	fake_qemu_start("grows");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 2);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(ebb_file_lock(qemu.backings[i].file), 0);
	fds[0] = qemu.backings[0].fd;
	fds[1] = qemu.backings[1].fd;

	/* The child drops the small one and maps another of 48 MiB. */
	fake_qemu_tell();
	assert_int_equal(ebb_guest_process_look(&qemu, &next, &reasons), 0);
	assert_int_equal(next.pid, fake_qemu_pid);
	assert_int_equal(next.backing_count, 2);
	assert_int_equal(next.backings[0].fd, fds[0]);
	assert_int_equal(next.backings[1].bytes, 48 * EBB_MIB);
	assert_true(ebb_file_is_locked(next.backings[0].file));
	assert_false(ebb_file_is_locked(next.backings[1].file));

	ebb_guest_process_close(&qemu);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
	qemu = next;
	assert_true(ebb_guest_process_alive(&qemu));
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	assert_true(is_locked_for_others(0));
	assert_false(is_locked_for_others(1));

	fake_qemu_stop();
	assert_int_equal(ebb_guest_process_look(&qemu, &next, &reasons),
			 -ESRCH);
}

/* What a job has of them is its own, and outlives the look. */
static void test_job_shares(void **state)
{
	struct ebb_guest_process of_job;
	int fd;

	(void)state;
	fake_qemu_start("shared");
	assert_int_equal(open_qemu(), 0);
	fd = qemu.backings[0].fd;
	assert_int_equal(ebb_guest_process_share(&qemu, &of_job), 0);
	assert_int_equal(of_job.backing_count, 2);
	assert_int_equal(of_job.pidfd, -1);
	assert_ptr_not_equal(of_job.backings, qemu.backings);
	ebb_guest_process_close(&qemu);
	assert_int_equal(of_job.backings[0].fd, fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ebb_guest_process_close(&of_job);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	/* One without files has none. */
	assert_int_equal(ebb_guest_process_share(&qemu, &of_job), 0);
	assert_int_equal(of_job.backing_count, 0);
	ebb_guest_process_close(&of_job);
}

static void test_locked_memory(void **state)
{
	(void)state;
	if (fake_qemu_start("locked") == 's')
		skip();
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 1);
	assert_true(ebb_reason_has(&reasons, EBB_REASON_LOCKED_MEMORY));
}

/* Known to no XML, such as one that somebody gave to QEMU by its monitor. */
static void test_device_that_pins(void **state)
{
	(void)state;
	if (fake_qemu_start("vfio") == 's')
		skip();
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 1);
	assert_true(ebb_reason_has(&reasons, EBB_REASON_VFIO));
}

/* One look after the other, while it is locked and let go. */
static void test_memory_is_locked_meanwhile(void **state)
{
	static char page[4096];
	int fd ebb_auto_close = ebb_pinned_open(getpid());

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ebb_pinned_ask(fd), 0);
	/* Not mlock(), which sanitizers leave out. */
	assert_int_equal(syscall(SYS_mlock, page, sizeof(page)), 0);
	assert_int_equal(ebb_pinned_ask(fd), -EBUSY);
	assert_int_equal(syscall(SYS_munlock, page, sizeof(page)), 0);
	assert_int_equal(ebb_pinned_ask(fd), 0);
}

/* One that has ended locks nothing, and is not taken for one that never did. */
static void test_process_is_asked_at_its_end(void **state)
{
	int fd ebb_auto_close = -1;
	pid_t child = fork();
	siginfo_t info;

	(void)state;
	if (child == 0)
		for (;;)
			pause();
	fd = ebb_pinned_open(child);
	assert_int_equal(ebb_pinned_ask(fd), 0);
	kill(child, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT),
			 0);
	assert_int_equal(ebb_pinned_ask(fd), -ESRCH);
	waitpid(child, NULL, 0);
	assert_int_equal(ebb_pinned_ask(fd), -ESRCH);
	assert_int_equal(ebb_pinned_open(child), -ESRCH);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A signal that comes just then is no death. */
static void test_alive_under_signals(void **state)
{
	struct itimerval often = { .it_interval.tv_usec = 50,
				   .it_value.tv_usec = 50 };
	struct itimerval never = { 0 };
	uint32_t dead = 0;

	(void)state;
	fake_qemu_start("shared");
	assert_int_equal(open_qemu(), 0);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 50000; i++)
		dead += !ebb_guest_process_alive(&qemu);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(dead, 0);
}

static void test_kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(ebb_backing_kind_name(EBB_BACKING_MEMFD), "memfd");
	assert_string_equal(ebb_backing_kind_name(EBB_BACKING_FILE), "file");
	assert_string_equal(ebb_backing_kind_name(EBB_BACKING_HUGETLBFS),
			    "hugetlbfs");
}

#define QEMU_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

static int run(void)
{
	const struct CMUnitTest tests[] = {
		QEMU_TEST(test_files_are_found),
		QEMU_TEST(test_process_ends),
		QEMU_TEST(test_other_process),
		QEMU_TEST(test_pid_files_that_name_nobody),
		QEMU_TEST(test_memory_that_is_not_shared),
		cmocka_unit_test(test_usage_of_one_that_ends),
		QEMU_TEST(test_huge_pages_fit),
		QEMU_TEST(test_file_on_disk),
		QEMU_TEST(test_dead_file_system),
		QEMU_TEST(test_pages_too_large),
		QEMU_TEST(test_more_files_than_fit),
		QEMU_TEST(test_looks_share),
		QEMU_TEST(test_job_shares),
		QEMU_TEST(test_locked_memory),
		QEMU_TEST(test_device_that_pins),
		cmocka_unit_test(test_memory_is_locked_meanwhile),
		cmocka_unit_test(test_process_is_asked_at_its_end),
		QEMU_TEST(test_alive_under_signals),
		cmocka_unit_test(test_kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	return fake_qemu_main(argc, argv, run);
}
