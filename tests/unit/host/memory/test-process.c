/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finding the process of a domain and its files. This program plays QEMU: it
 * runs itself with "-uuid UUID" on its command line, and the child maps what
 * the test is about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/process.h"
#include "dead-fs.h"

#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define LARGE (64 * EBB_MIB)
#define SMALL (32 * EBB_MIB)

static char dir[] = "test-host-qemu.XXXXXX";
static char *self; /* path of this program */
static pid_t child;
static int child_stdin = -1;
static int child_stdout = -1;
static struct ebb_guest_process qemu;
static struct ebb_reason_list reasons;

/* The child's part. */

static int new_memfd(uint64_t bytes)
{
	int fd = memfd_create("memory-backend-memfd", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		exit(3);
	return fd;
}

static char *map_file(int fd, uint64_t bytes, int protection, int flags)
{
	char *memory = mmap(NULL, bytes, protection, flags, fd, 0);

	if (memory == MAP_FAILED)
		exit(4);
	return memory;
}

/* As QEMU does: within a reservation, at a page of it. */
static void map_shifted(uint64_t shift)
{
	const uint64_t huge = 2 * EBB_MIB;
	char *memory = mmap(NULL, LARGE + 2 * huge, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(4);
	memory += huge - (uintptr_t)memory % huge + shift;
	if (mmap(memory, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 new_memfd(LARGE), 0) == MAP_FAILED)
		exit(4);
}

static void map_disk_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)SMALL) < 0)
		exit(5);
	map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
}

/* One file goes and another comes, when the test says so. */
static void grow(void)
{
	int small = new_memfd(SMALL);
	char byte = 'r', *memory;

	map_file(new_memfd(LARGE), LARGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	memory = map_file(small, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(STDOUT_FILENO, &byte, 1) != 1 ||
	    read(STDIN_FILENO, &byte, 1) != 1)
		exit(6);
	munmap(memory, SMALL);
	close(small);
	map_file(new_memfd(48 * EBB_MIB), 48 * EBB_MIB, PROT_READ | PROT_WRITE,
		 MAP_SHARED);
	if (write(STDOUT_FILENO, &byte, 1) != 1 ||
	    read(STDIN_FILENO, &byte, 1) != 0)
		exit(7);
}

static int play_qemu(const char *role, const char *path)
{
	const int read_write = PROT_READ | PROT_WRITE;
	char byte = 'r', disk[256], copy[256];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);

	if (strcmp(role, "shared") == 0) {
		int large;

		map_file(new_memfd(SMALL), SMALL, read_write, MAP_SHARED);
		large = new_memfd(LARGE);
		map_file(large, LARGE, read_write, MAP_SHARED)[0] = 1;
		/* The same file twice, and one that is too small for RAM. */
		map_file(dup(large), LARGE, read_write, MAP_SHARED);
		map_file(new_memfd(EBB_MIB), EBB_MIB, read_write, MAP_SHARED);
		new_memfd(LARGE); /* open, not mapped */
	} else if (strcmp(role, "private") == 0) {
		map_file(new_memfd(LARGE), LARGE, read_write, MAP_PRIVATE);
	} else if (strcmp(role, "read-only") == 0) {
		map_file(new_memfd(LARGE), LARGE, PROT_READ, MAP_SHARED);
	} else if (strcmp(role, "aligned") == 0) {
		map_shifted(0);
	} else if (strcmp(role, "shifted") == 0) {
		map_shifted(2 * EBB_MIB - 4096);
	} else if (strcmp(role, "disk") == 0) {
		map_disk_file(path);
	} else if (strcmp(role, "many") == 0) {
		for (int i = 0; i < EBB_BACKING_MAX + 1; i++)
			map_file(new_memfd(SMALL), SMALL, read_write,
				 MAP_SHARED);
	} else if (strcmp(role, "dead-disk") == 0) {
		snprintf(disk, sizeof(disk), "%s/dead/disk", dirname(copy));
		map_file(new_memfd(LARGE), LARGE, read_write, MAP_SHARED);
		fd = open(disk, O_RDWR);
		if (fd < 0 || open(disk, O_RDONLY) < 0)
			exit(8);
		map_file(fd, SMALL, read_write, MAP_SHARED);
	} else if (strcmp(role, "grows") == 0) {
		grow();
		return 0;
	} else if (strcmp(role, "locked") == 0) {
		char *memory = map_file(new_memfd(LARGE), LARGE, read_write,
					MAP_SHARED);

		/* Not mlock(), which sanitizers leave out. */
		if (syscall(SYS_mlock, memory, 4096) < 0)
			byte = 's';
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(STDOUT_FILENO, &byte, 1) != 1)
		return 6;
	/* Until the test closes its end. */
	return read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 7;
}

/* The test's part. */

static void write_pid(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.pid", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void exec_child(const char *role, int stdin_fd, int stdout_fd)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/disk-file", dir);
	dup2(stdin_fd, STDIN_FILENO);
	dup2(stdout_fd, STDOUT_FILENO);
	execl(self, "qemu-system-x86_64", "-name", "guest=a,debug-threads=on",
	      "-uuid", UUID, "-play", role, path, NULL);
	_exit(127);
}

/* Returns 's' if the child says that it could not play its role. */
static char start_child(const char *role)
{
	struct pollfd pollfd = { .events = POLLIN };
	int to_child[2], from_child[2];
	char text[32], byte;

	assert_int_equal(pipe2(to_child, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from_child, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		exec_child(role, to_child[0], from_child[1]);
	close(to_child[0]);
	close(from_child[1]);
	child_stdin = to_child[1];
	pollfd.fd = from_child[0];
	assert_int_equal(poll(&pollfd, 1, 30000), 1);
	assert_int_equal(read(from_child[0], &byte, 1), 1);
	child_stdout = from_child[0];
	snprintf(text, sizeof(text), "%d\n", (int)child);
	write_pid("a", text);
	return byte;
}

/* Says go on, and waits until it did. */
static void tell_child(void)
{
	char byte = 'g';

	assert_int_equal(write(child_stdin, &byte, 1), 1);
	assert_int_equal(read(child_stdout, &byte, 1), 1);
}

static void stop_child(void)
{
	int status;

	if (child_stdin < 0)
		return;
	close(child_stdout);
	close(child_stdin);
	child_stdin = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

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
	stop_child();
	snprintf(path, sizeof(path), "%s/a.pid", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/disk-file", dir);
	unlink(path);
	return 0;
}

static int open_qemu(void)
{
	return ebb_guest_process_open(dir, "a", UUID, &qemu, &reasons);
}

static void test_files_are_found(void **state)
{
	struct ebb_holding holding;
	struct stat st;

	(void)state;
	start_child("shared");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.pid, child);
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
	ebb_guest_process_holding(&qemu, 0, &holding);
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
	start_child("shared");
	assert_int_equal(open_qemu(), 0);
	stop_child();
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
	start_child("shared");
	assert_int_equal(
		ebb_guest_process_open(dir, "a",
				       "6695eb01-f6a4-8304-79aa-97f2502e1930",
				       &qemu, &reasons),
		-ESRCH);
	assert_int_equal(ebb_guest_process_open(dir, "a", "", &qemu, &reasons),
			 -ESRCH);
	assert_int_equal(ebb_guest_process_open(dir, "b", UUID, &qemu,
						&reasons),
			 -ESRCH);
	/* libvirt prints lower case; who asks may not. */
	assert_int_equal(
		ebb_guest_process_open(dir, "a",
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
		write_pid("a", texts[i]);
		if (open_qemu() != -ESRCH)
			fail_msg("accepted pid '%s'", texts[i]);
	}
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ebb_guest_process_open(dir, name, UUID, &qemu,
						&reasons),
			 -ENAMETOOLONG);
}

static void test_memory_that_is_not_shared(void **state)
{
	struct ebb_holding holding;

	(void)state;
	start_child("private");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 0);
	ebb_guest_process_holding(&qemu, 0, &holding);
	assert_int_equal(holding.resident_bytes, 0);
	assert_true(ebb_guest_process_usage(qemu.pid).resident_bytes > 0);
	end(NULL);
	start_child("read-only");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 0);
	assert_int_equal(reasons.count, 0);
}

/* Where it is mapped decides whether huge pages fit. */
static void test_huge_pages_fit(void **state)
{
	(void)state;
	start_child("aligned");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 1);
	assert_true(qemu.backings[0].huge_fits);
	end(NULL);
	start_child("shifted");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 1);
	assert_false(qemu.backings[0].huge_fits);
}

static void test_file_on_disk(void **state)
{
	(void)state;
	start_child("disk");
	assert_int_equal(open_qemu(), 0);
	if (qemu.backing_count == 1)
		skip(); /* this directory is on tmpfs */
	assert_int_equal(qemu.backing_count, 0);
	assert_int_equal(reasons.count, 1);
	assert_int_equal(reasons.items[0].id, EBB_REASON_BACKING_ON_DISK);
	assert_non_null(strstr(reasons.items[0].detail, "disk-file"));
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
	snprintf(mount_point, sizeof(mount_point), "%s/dead", dir);
	assert_int_equal(mkdir(mount_point, 0700), 0);
	if (!dead_fs_mount(mount_point)) {
		rmdir(mount_point);
		skip(); /* not root, or no FUSE */
	}
	played = start_child("dead-disk");
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
	stop_child();
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
	start_child("many");
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
	start_child("grows");
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 2);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(ebb_file_lock(qemu.backings[i].file), 0);
	fds[0] = qemu.backings[0].fd;
	fds[1] = qemu.backings[1].fd;

	/* The child drops the small one and maps another of 48 MiB. */
	tell_child();
	assert_int_equal(ebb_guest_process_look(&qemu, &next, &reasons), 0);
	assert_int_equal(next.pid, child);
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

	stop_child();
	assert_int_equal(ebb_guest_process_look(&qemu, &next, &reasons),
			 -ESRCH);
}

static void test_locked_memory(void **state)
{
	(void)state;
	if (start_child("locked") == 's')
		skip();
	assert_int_equal(open_qemu(), 0);
	assert_int_equal(qemu.backing_count, 1);
	assert_true(ebb_reason_has(&reasons, EBB_REASON_LOCKED_MEMORY));
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
	start_child("shared");
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

static bool has_pidfd(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (pidfd >= 0)
		close(pidfd);
	return pidfd >= 0;
}

#define QEMU_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		QEMU_TEST(test_files_are_found),
		QEMU_TEST(test_process_ends),
		QEMU_TEST(test_other_process),
		QEMU_TEST(test_pid_files_that_name_nobody),
		QEMU_TEST(test_memory_that_is_not_shared),
		QEMU_TEST(test_huge_pages_fit),
		QEMU_TEST(test_file_on_disk),
		QEMU_TEST(test_dead_file_system),
		QEMU_TEST(test_pages_too_large),
		QEMU_TEST(test_more_files_than_fit),
		QEMU_TEST(test_looks_share),
		QEMU_TEST(test_locked_memory),
		QEMU_TEST(test_alive_under_signals),
		cmocka_unit_test(test_kinds_have_names),
	};
	int failed;

	if (argc == 8 && strcmp(argv[5], "-play") == 0)
		return play_qemu(argv[6], argv[7]);
	if (!has_pidfd()) {
		puts("1..0 # SKIP no pidfd_open, as under valgrind before 3.21");
		return 77;
	}
	self = realpath(argv[0], NULL);
	if (!self || !mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	free(self);
	return failed;
}
