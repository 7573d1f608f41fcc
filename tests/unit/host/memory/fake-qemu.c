/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/memory/fake-qemu.h"

#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/memory/process.h"

char fake_qemu_dir[] = "test-host-qemu.XXXXXX";
pid_t fake_qemu_pid;
static char *self; /* path of this program */
static int child_stdin = -1;
static int child_stdout = -1;

/* ---- the child's part ---- */

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
	char *memory = mmap(NULL, FAKE_QEMU_LARGE + 2 * huge, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(4);
	memory += huge - (uintptr_t)memory % huge + shift;
	if (mmap(memory, FAKE_QEMU_LARGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, new_memfd(FAKE_QEMU_LARGE),
		 0) == MAP_FAILED)
		exit(4);
}

static void map_disk_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)FAKE_QEMU_SMALL) < 0)
		exit(5);
	map_file(fd, FAKE_QEMU_SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
}

/* A file where the device is, in a /dev of its own. */
static bool open_device(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", "/dev", "tmpfs", 0, NULL) == 0 &&
	       mkdir("/dev/vfio", 0700) == 0 &&
	       open("/dev/vfio/vfio", O_RDWR | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

/* One file goes and another comes, when the test says so. */
static void grow(void)
{
	int small = new_memfd(FAKE_QEMU_SMALL);
	char byte = 'r', *memory;

	map_file(new_memfd(FAKE_QEMU_LARGE), FAKE_QEMU_LARGE,
		 PROT_READ | PROT_WRITE, MAP_SHARED);
	memory = map_file(small, FAKE_QEMU_SMALL, PROT_READ | PROT_WRITE,
			  MAP_SHARED);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(STDOUT_FILENO, &byte, 1) != 1 ||
	    read(STDIN_FILENO, &byte, 1) != 1)
		exit(6);
	munmap(memory, FAKE_QEMU_SMALL);
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

		map_file(new_memfd(FAKE_QEMU_SMALL), FAKE_QEMU_SMALL,
			 read_write, MAP_SHARED);
		large = new_memfd(FAKE_QEMU_LARGE);
		map_file(large, FAKE_QEMU_LARGE, read_write, MAP_SHARED)[0] = 1;
		/* The same file twice, and one that is too small for RAM. */
		map_file(dup(large), FAKE_QEMU_LARGE, read_write, MAP_SHARED);
		map_file(new_memfd(EBB_MIB), EBB_MIB, read_write, MAP_SHARED);
		new_memfd(FAKE_QEMU_LARGE); /* open, not mapped */
	} else if (strcmp(role, "private") == 0) {
		map_file(new_memfd(FAKE_QEMU_LARGE), FAKE_QEMU_LARGE,
			 read_write, MAP_PRIVATE);
	} else if (strcmp(role, "read-only") == 0) {
		map_file(new_memfd(FAKE_QEMU_LARGE), FAKE_QEMU_LARGE, PROT_READ,
			 MAP_SHARED);
	} else if (strcmp(role, "aligned") == 0) {
		map_shifted(0);
	} else if (strcmp(role, "shifted") == 0) {
		map_shifted(2 * EBB_MIB - 4096);
	} else if (strcmp(role, "disk") == 0) {
		map_disk_file(path);
	} else if (strcmp(role, "many") == 0) {
		for (int i = 0; i < EBB_BACKING_MAX + 1; i++)
			map_file(new_memfd(FAKE_QEMU_SMALL), FAKE_QEMU_SMALL,
				 read_write, MAP_SHARED);
	} else if (strcmp(role, "dead-disk") == 0) {
		snprintf(disk, sizeof(disk), "%s/dead/disk", dirname(copy));
		map_file(new_memfd(FAKE_QEMU_LARGE), FAKE_QEMU_LARGE,
			 read_write, MAP_SHARED);
		fd = open(disk, O_RDWR);
		if (fd < 0 || open(disk, O_RDONLY) < 0)
			exit(8);
		map_file(fd, FAKE_QEMU_SMALL, read_write, MAP_SHARED);
	} else if (strcmp(role, "grows") == 0) {
		grow();
		return 0;
	} else if (strcmp(role, "locked") == 0) {
		char *memory = map_file(new_memfd(FAKE_QEMU_LARGE),
					FAKE_QEMU_LARGE, read_write,
					MAP_SHARED);

		/* Not mlock(), which sanitizers leave out. */
		if (syscall(SYS_mlock, memory, 4096) < 0)
			byte = 's';
	} else if (strcmp(role, "vfio") == 0) {
		map_file(new_memfd(FAKE_QEMU_LARGE), FAKE_QEMU_LARGE,
			 read_write, MAP_SHARED);
		if (!open_device())
			byte = 's';
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(STDOUT_FILENO, &byte, 1) != 1)
		return 6;
	/* Until the test closes its end. */
	return read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 7;
}

/* ---- the test's part ---- */

void fake_qemu_write_pid(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.pid", fake_qemu_dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void exec_child(const char *role, int stdin_fd, int stdout_fd)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/disk-file", fake_qemu_dir);
	dup2(stdin_fd, STDIN_FILENO);
	dup2(stdout_fd, STDOUT_FILENO);
	execl(self, "qemu-system-x86_64", "-name", "guest=a,debug-threads=on",
	      "-uuid", FAKE_QEMU_UUID, "-play", role, path, NULL);
	_exit(127);
}

char fake_qemu_start(const char *role)
{
	struct pollfd pollfd = { .events = POLLIN };
	int to_child[2], from_child[2];
	char text[32], byte;

	assert_int_equal(pipe2(to_child, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from_child, O_CLOEXEC), 0);
	fake_qemu_pid = fork();
	assert_true(fake_qemu_pid >= 0);
	if (fake_qemu_pid == 0)
		exec_child(role, to_child[0], from_child[1]);
	close(to_child[0]);
	close(from_child[1]);
	child_stdin = to_child[1];
	pollfd.fd = from_child[0];
	assert_int_equal(poll(&pollfd, 1, 30000), 1);
	assert_int_equal(read(from_child[0], &byte, 1), 1);
	child_stdout = from_child[0];
	snprintf(text, sizeof(text), "%d\n", (int)fake_qemu_pid);
	fake_qemu_write_pid("a", text);
	return byte;
}

void fake_qemu_tell(void)
{
	char byte = 'g';

	assert_int_equal(write(child_stdin, &byte, 1), 1);
	assert_int_equal(read(child_stdout, &byte, 1), 1);
}

void fake_qemu_stop(void)
{
	int status;

	if (child_stdin < 0)
		return;
	close(child_stdout);
	close(child_stdin);
	child_stdin = -1;
	assert_int_equal(waitpid(fake_qemu_pid, &status, 0), fake_qemu_pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool has_pidfd(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (pidfd >= 0)
		close(pidfd);
	return pidfd >= 0;
}

int fake_qemu_main(int argc, char **argv, int (*run)(void))
{
	int failed;

	if (argc == 8 && strcmp(argv[5], "-play") == 0)
		return play_qemu(argv[6], argv[7]);
	if (!has_pidfd()) {
		puts("1..0 # SKIP no pidfd_open, as under valgrind before 3.21");
		return 77;
	}
	self = realpath(argv[0], NULL);
	if (!self || !mkdtemp(fake_qemu_dir))
		return 1;
	failed = run();
	rmdir(fake_qemu_dir);
	free(self);
	return failed;
}
