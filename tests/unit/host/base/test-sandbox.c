/* SPDX-License-Identifier: GPL-2.0-only */
/* What can still be done after the stages of the sandbox, and what cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "common/cleanup.h"
#include "host/base/loop.h"
#include "host/base/sandbox.h"
#include "host/base/worker.h"
#include "host/budget/watch.h"
#include "host/history/diary_file.h"
#include "host/history/samples.h"
#include "host/memory/sigbus.h"

enum {
	FILE_BYTES = 4 << 20,
	/* Exit codes of a child. */
	CHILD_SKIPPED = 77,
	CHILD_NOT_CONFINED = 78,
};

static int memory_fd;
static uint64_t held; /* capabilities before */
static struct ebb_pressure pressure; /* opened with them, as in ebbd */
static char watched_dir[] = "/tmp/ebb-test-sandbox.XXXXXX";
static char watched_path[sizeof(watched_dir) + 16];
static char past_dir[] = "/tmp/ebb-test-sandbox.XXXXXX";
static struct ebb_store past = EBB_STORE_NONE; /* opened before, as in ebbd */

/* Runs a check behind both stages; returns the status of wait(). */
static int in_sandbox(int (*check)(void))
{
	pid_t child = fork();
	int status = 0, r;

	assert_true(child >= 0);
	if (child == 0) {
		r = ebb_sandbox_state_locked();
		if (r == 0)
			r = ebb_sandbox_listening();
		if (r == -EOPNOTSUPP)
			_exit(CHILD_SKIPPED);
		_exit(r < 0 ? CHILD_NOT_CONFINED : check());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_SKIPPED)
		skip();
	return status;
}

/* The line of the first thing that is not as it shall be, or 0. */
#define expect(condition)                \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

/* A line number does not fit in an exit code, so it is printed. */
static void assert_holds(int (*check)(void))
{
	int status = in_sandbox(check);

	if (WIFSIGNALED(status))
		fail_msg("killed by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int told(int line)
{
	char text[] = "does not hold: line 0000\n";

	if (line == 0)
		return 0;
	for (size_t i = strlen(text) - 2; line > 0; i--, line /= 10)
		text[i] = (char)('0' + line % 10);
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	return 1;
}

static int check_memory(void)
{
	void *mapping;
	char byte;

	expect(fallocate(memory_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 0, 2 << 20) == 0);
	expect(lseek(memory_fd, 0, SEEK_DATA) == 2 << 20);
	expect(pread(memory_fd, &byte, 1, 3 << 20) == 1 && byte == 'x');
	mapping = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		       memory_fd, 0);
	expect(mapping != MAP_FAILED);
	expect(munmap(mapping, FILE_BYTES) == 0);

	/* Nothing else can be done to a guest's memory. */
	expect(fallocate(memory_fd, 0, 0, 4096) < 0 && errno == ENOSYS);
	expect(fallocate(memory_fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			 0, 4096) < 0 &&
	       errno == ENOSYS);
	expect(ftruncate(memory_fd, 0) < 0 && errno == ENOSYS);
	expect(pwrite(memory_fd, "y", 1, 0) < 0 && errno == ENOSYS);
	return 0;
}

/* What was is written, read, set aside and removed. */
static int check_past(void)
{
	const struct ebb_subject_key key = { .kind = EBB_HISTORY_BUDGET,
					     .name = "host" };
	const struct ebb_fine fine = { .slot = 1000 };
	const struct ebb_event event = { .number = 1, .kind = "request" };
	ebb_auto_free struct ebb_event *events = NULL;
	struct ebb_subject_key found;
	char name[EBB_SAMPLES_NAME_BYTES];
	bool set_aside = false;
	uint32_t count = 0;

	expect(ebb_samples_write(&past, &key, &fine, 1, true, &set_aside) == 0);
	ebb_samples_name(&key, name);
	expect(ebb_samples_identify(&past, name, &found) == 0);
	expect(ebb_diary_file_write(&past, &event, 1) == 0);
	expect(ebb_diary_file_read(&past, &events, &count, &set_aside) == 0);
	expect(count == 1 && !set_aside);
	expect(ebb_store_set_aside(&past, name) == 0);
	expect(unlinkat(past.dir_fd, "damaged", 0) == 0);
	expect(unlinkat(past.dir_fd, "events", 0) == 0);
	return 0;
}

/* Pages of a process may go into swap, and no other advice is given. */
static int check_paging_out(void)
{
	struct iovec range = { .iov_len = 4096 };
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	expect(pidfd >= 0);
	range.iov_base =
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(range.iov_base != MAP_FAILED);
	expect(syscall(SYS_process_madvise, pidfd, &range, 1, MADV_PAGEOUT,
		       0) == 4096);
	expect(syscall(SYS_process_madvise, pidfd, &range, 1, MADV_COLD, 0) <
		       0 &&
	       errno == ENOSYS);
	return 0;
}

/* A ring that its guest pulls away. */
static int check_lost_mapping(void)
{
	volatile char *beyond = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_SHARED, memory_fd, FILE_BYTES);
	int guard;

	expect(beyond != MAP_FAILED);
	expect(ebb_sigbus_install() == 0);
	guard = ebb_sigbus_guard((void *)beyond, 4096);
	expect(guard >= 0);
	expect(*beyond == 0);
	expect(ebb_sigbus_lost(guard));
	return 0;
}

static void work_on_lost_mapping(void *opaque)
{
	*(int *)opaque = check_lost_mapping();
}

static void end_turns(void *opaque)
{
	(void)opaque;
}

/* As in ebbd, where it is a worker that looks at the ring. */
static int check_lost_mapping_of_a_worker(void)
{
	struct ebb_workers *workers;
	int result = -1;

	expect(ebb_loop_init() == 0);
	expect(ebb_workers_new(EBB_WORKERS_MIN, 1, &workers) == 0);
	expect(ebb_workers_run(workers, EBB_WORK_RECLAIM, work_on_lost_mapping,
			       end_turns, &result) == 0);
	while (ebb_workers_count(workers) > 0)
		expect(ebb_loop_turn() == 0);
	return result;
}

static int check_code(void)
{
	void *mapping = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* A library can be loaded, memory cannot be written and run. */
	expect(mapping != MAP_FAILED);
	expect(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	       errno == ENOSYS);
	expect(mprotect(mapping, 4096, PROT_READ | PROT_WRITE) == 0);
	expect(mprotect(mapping, 4096, PROT_READ | PROT_EXEC) < 0);
	return 0;
}

static int check_files(void)
{
	char byte;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	expect(fd >= 0);
	expect(read(fd, &byte, 1) == 1);
	expect(close(fd) == 0);
	expect(chown("/nonexistent", 0, 0) < 0 && errno == ENOSYS);
	expect(chmod("/nonexistent", 0) < 0 && errno == ENOSYS);
	return 0;
}

static void on_event(void *opaque)
{
	*(bool *)opaque = true;
}

/* What can run short is read, and heard of by a file that is in no cgroup. */
static int check_budgets(void)
{
	char dir[sizeof(watched_dir)];
	struct ebb_budget_process self = { .pid = getpid() };
	struct ebb_budget budget = { .kind = EBB_BUDGET_CGROUP, .dir = dir };
	struct ebb_budget_list followed = { .budgets = &budget, .count = 1 };
	struct ebb_budget_reader *reader;
	struct ebb_budget_list list;
	struct ebb_watch *watch;
	bool heard = false;
	int fd;

	expect(ebb_budget_reader_new("", &reader) == 0);
	expect(ebb_budget_read(reader, 0, &self, 1, &list) == 0);
	expect(list.count > 0 && list.trouble_count == 0);
	expect(self.part_count > 0 && self.cgroups_known && self.nodes_known);

	expect(ebb_loop_init() == 0);
	expect(ebb_watch_new(pressure, on_event, &heard, &watch) == 0);
	ebb_watch_follow(watch, &list);
	expect(ebb_watch_sources(watch).pressure_error == pressure.error);
	memcpy(dir, watched_dir, sizeof(watched_dir));
	ebb_watch_follow(watch, &followed);
	expect(ebb_watch_sources(watch).cgroups == 1);
	fd = open(watched_path, O_WRONLY | O_CLOEXEC);
	expect(fd >= 0 && write(fd, "x", 1) == 1);
	while (!heard)
		expect(ebb_loop_turn() == 0);
	return 0;
}

static void *run_thread(void *opaque)
{
	/* The filter is each thread's. */
	*(bool *)opaque = chown("/nonexistent", 0, 0) < 0 && errno == ENOSYS;
	return NULL;
}

static int check_threads(void)
{
	pthread_t thread;
	bool confined = false;

	expect(pthread_create(&thread, NULL, run_thread, &confined) == 0);
	expect(pthread_join(thread, NULL) == 0);
	expect(confined);
	expect(fork() < 0 && errno == ENOSYS);
	expect(kill(getpid(), 0) == 0);
	expect(kill(getppid(), 0) < 0 && errno == ENOSYS);
	return 0;
}

static int check_sockets(void)
{
	expect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
	expect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0);
	expect(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) < 0);
	return 0;
}

/* What a later kernel may have, or a library may try, is missing. */
static int check_unknown(void)
{
	expect(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == ENOSYS);
	expect(syscall(SYS_keyctl, 0) < 0 && errno == ENOSYS);
	expect(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS);
	expect(syscall(1000) < 0 && errno == ENOSYS);
	return 0;
}

/* A line of hexadecimal digits of /proc/self/status; all bits if not there. */
static uint64_t status_bits(const char *name)
{
	FILE *file ebb_auto_fclose = fopen("/proc/self/status", "re");
	size_t length = strlen(name);
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, length) == 0)
			return strtoull(line + length, NULL, 16);
	return UINT64_MAX;
}

static int check_capabilities(void)
{
	const uint64_t kept = UINT64_C(1) << CAP_SYS_PTRACE |
			      UINT64_C(1) << CAP_DAC_OVERRIDE |
			      UINT64_C(1) << CAP_SYS_NICE;

	expect(status_bits("CapPrm:") == (held & kept));
	expect(status_bits("CapEff:") == (held & kept));
	expect(status_bits("CapInh:") == 0);
	expect(status_bits("CapAmb:") == 0);
	expect(status_bits("CapBnd:") == 0 ||
	       !(held & UINT64_C(1) << CAP_SETPCAP));
	expect(status_bits("NoNewPrivs:") == 1);
	expect(status_bits("Seccomp:") == 2);
	return 0;
}

#define HOLDS(name)                           \
	static int name##_told(void)          \
	{                                     \
		return told(check_##name());  \
	}                                     \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		assert_holds(name##_told);    \
	}

HOLDS(memory)
HOLDS(paging_out)
HOLDS(lost_mapping)
HOLDS(lost_mapping_of_a_worker)
HOLDS(past)
HOLDS(code)
HOLDS(files)
HOLDS(budgets)
HOLDS(threads)
HOLDS(sockets)
HOLDS(unknown)
HOLDS(capabilities)

static int do_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 0;
}

static int do_ptrace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 0;
}

static int do_setuid(void)
{
	syscall(SYS_setuid, 65534);
	return 0;
}

static int do_unshare(void)
{
	unshare(CLONE_NEWNS);
	return 0;
}

static void test_fatal(void **state)
{
	int (*const attacks[])(void) = { do_exec, do_ptrace, do_setuid,
					 do_unshare };

	(void)state;
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		int status = in_sandbox(attacks[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static int make_watched(void)
{
	int fd;

	snprintf(watched_path, sizeof(watched_path), "%s/memory.events",
		 watched_dir);
	fd = open(watched_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? fd : close(fd);
}

static int set_up(void **state)
{
	char text[4096];

	(void)state;
	memset(text, 'x', sizeof(text));
	held = status_bits("CapPrm:");
	pressure = ebb_watch_open_pressure("");
	if (!mkdtemp(watched_dir) || make_watched() < 0 || !mkdtemp(past_dir) ||
	    ebb_store_open(past_dir, &past) < 0)
		return -1;
	memory_fd = memfd_create("memory", MFD_CLOEXEC);
	if (memory_fd < 0)
		return -1;
	for (int i = 0; i < FILE_BYTES / (int)sizeof(text); i++)
		if (write(memory_fd, text, sizeof(text)) != sizeof(text))
			return -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(watched_path);
	rmdir(watched_dir);
	unlinkat(past.dir_fd, "lock", 0);
	ebb_store_close(&past);
	rmdir(past_dir);
	ebb_close_fd(&pressure.fd);
	return close(memory_fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_paging_out),
		cmocka_unit_test(test_lost_mapping),
		cmocka_unit_test(test_lost_mapping_of_a_worker),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_budgets),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_fatal),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
