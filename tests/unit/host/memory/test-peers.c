/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who else works on a guest's memory. This program plays QEMU, by its arguments,
 * and the process of a vhost-user device, which maps a file that it inherits; a
 * copy of it by the name of virtiofsd plays that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/arguments.h"
#include "host/memory/peers.h"

#define BYTES (16 * EBB_MIB)

static char dir[] = "/tmp/test-peers.XXXXXX";
static char *self;
static struct ebb_reason_list reasons;
static struct ebb_guest_process process;
static pid_t children[4];
static int child_count;

/* The children's part: says that it is ready, and waits to be killed. */
static int play(const char *role, int fd)
{
	char *memory =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Not mlock(), which sanitizers leave out. */
	if (memory == MAP_FAILED ||
	    (strcmp(role, "pin") == 0 &&
	     syscall(SYS_mlock, memory, 4096) < 0) ||
	    write(STDOUT_FILENO, "r", 1) != 1)
		return 1;
	for (;;)
		pause();
}

/* Runs @exe with the arguments, and returns when it says that it is ready. */
static pid_t start(const char *exe, const char *const argv[])
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ready[1], STDOUT_FILENO);
		fcntl(process.backings[0].fd, F_SETFD, 0);
		execv(exe, (char *const *)argv);
		_exit(127);
	}
	close(ready[1]);
	children[child_count++] = pid;
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void start_qemu(const char *option, const char *value)
{
	char fd[16];
	const char *argv[] = { "qemu", "-play", "map", fd, option, value, NULL };

	snprintf(fd, sizeof(fd), "%d", process.backings[0].fd);
	process.pid = start(self, argv);
}

static void start_peer(const char *exe, const char *role)
{
	char fd[16];
	const char *argv[] = { "peer", "-play", role, fd, NULL };

	snprintf(fd, sizeof(fd), "%d", process.backings[0].fd);
	start(exe, argv);
}

/* Under the name by which it is known. */
static char *copy_self(const char *name)
{
	static char path[128];
	char command[600];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(command, sizeof(command), "cp '%s' '%s'", self, path);
	assert_int_equal(system(command), 0);
	return path;
}

static int begin(void **state)
{
	struct ebb_backing *backing = &process.backings[0];
	struct stat st;

	(void)state;
	memset(&reasons, 0, sizeof(reasons));
	process.backing_count = 1;
	backing->fd = memfd_create("test-peers", MFD_CLOEXEC);
	if (backing->fd < 0 || ftruncate(backing->fd, BYTES) < 0 ||
	    fstat(backing->fd, &st) < 0)
		return -1;
	backing->dev = st.st_dev;
	backing->ino = st.st_ino;
	return 0;
}

static int end(void **state)
{
	char path[128];

	(void)state;
	while (child_count > 0) {
		kill(children[--child_count], SIGKILL);
		waitpid(children[child_count], NULL, 0);
	}
	snprintf(path, sizeof(path), "%s/virtiofsd", dir);
	unlink(path);
	close(process.backings[0].fd);
	return 0;
}

static bool refused(bool vhost_user)
{
	assert_int_equal(ebb_peers_examine(&process, vhost_user, &reasons), 0);
	return ebb_reason_has(&reasons, EBB_REASON_VHOST_USER);
}

static void test_no_device(void **state)
{
	(void)state;
	start_qemu("-device", "virtio-blk-pci,drive=a");
	start_peer(self, "map");
	assert_false(refused(false));
}

/* Known by its device alone, also while nobody serves it. */
static void test_unknown_device(void **state)
{
	(void)state;
	start_qemu("-device", "vhost-user-blk-pci,chardev=spdk");
	assert_true(refused(false));
	assert_string_equal(reasons.items[0].detail, "vhost-user-blk-pci");
	memset(&reasons, 0, sizeof(reasons));
	start_peer(self, "map");
	assert_true(refused(false));
}

static void test_file_system(void **state)
{
	(void)state;
	start_qemu("-device",
		   "{\"driver\":\"vhost-user-fs-pci\",\"tag\":\"a\"}");
	assert_false(refused(false));
	start_peer(copy_self("virtiofsd"), "map");
	assert_false(refused(false));
}

/* A network device that passt, which is known, serves. */
static void test_known_peer(void **state)
{
	(void)state;
	start_qemu("-netdev", "vhost-user,id=n,chardev=passt");
	start_peer(copy_self("virtiofsd"), "map");
	assert_false(refused(false));
	/* Another who has it mapped serves it, maybe. */
	start_peer(self, "map");
	assert_true(refused(false));
}

static void test_peer_that_pins(void **state)
{
	(void)state;
	start_qemu("-nodefaults", "-S");
	start_peer(copy_self("virtiofsd"), "pin");
	/* Nobody looks where there is no device. */
	assert_false(refused(false));
	assert_true(refused(true));
	assert_non_null(strstr(reasons.items[0].detail, "virtiofsd, pins it"));
}

/* What is told by the command line alone. */
static void test_arguments(void **state)
{
	static const struct {
		const char *option, *value;
		int reason; /* -1: none */
		bool vhost_user;
		const char *device;
	} cases[] = {
		{ "-device", "vfio-user-pci,socket=/run/s",
		  EBB_REASON_VHOST_USER, false, "" },
		{ "--device", "vfio-user-pci,socket=/run/s",
		  EBB_REASON_VHOST_USER, false, "" },
		{ "-device", "{\"id\":\"a\",\"driver\": \"vfio-pci\"}",
		  EBB_REASON_VFIO, false, "" },
		{ "-device", "driver=vfio-pci,host=1", EBB_REASON_VFIO, false,
		  "" },
		{ "-device", "vhost-vdpa-device-pci", EBB_REASON_VDPA, false,
		  "" },
		{ "-netdev", "vhost-vdpa,id=a", EBB_REASON_VDPA, false, "" },
		{ "-netdev", "{\"type\":\"vhost-user\",\"id\":\"a\"}", -1, true,
		  "vhost-user" },
		{ "-netdev", "stream,id=a", -1, false, "" },
		{ "-device", "vhost-user-gpu", -1, true, "vhost-user-gpu" },
		{ "-device", "vhost-user-fs-pci,tag=a", -1, true, "" },
		{ "-device", "vhost-vsock-pci,guest-cid=3", -1, false, "" },
		{ "-device", "nvdimm,memdev=a", EBB_REASON_NVDIMM, false, "" },
		{ "-object", "sev-guest,id=a", EBB_REASON_CONFIDENTIAL, false,
		  "" },
		{ "-object", "{\"qom-type\":\"tdx-guest\"}",
		  EBB_REASON_CONFIDENTIAL, false, "" },
		{ "-device", "{\"driver\":7}", -1, false, "" },
		{ "-device", "{\"driver\"", -1, false, "" },
		{ "-name", "vfio-pci", -1, false, "" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		struct ebb_reason_list found = { 0 };
		struct ebb_arguments arguments;
		char text[256] = "qemu";
		size_t bytes = 5;

		bytes += (size_t)sprintf(text + bytes, "%s", cases[i].option) +
			 1;
		bytes +=
			(size_t)sprintf(text + bytes, "%s", cases[i].value) + 1;
		ebb_arguments_parse(text, bytes, &arguments, &found);
		if (found.count != (cases[i].reason >= 0) ||
		    (found.count &&
		     (int)found.items[0].id != cases[i].reason) ||
		    arguments.vhost_user != cases[i].vhost_user ||
		    strcmp(arguments.device, cases[i].device) != 0)
			fail_msg("%s %s", cases[i].option, cases[i].value);
		/* Cut anywhere, it says less, and nobody reads beyond it. */
		for (size_t cut = 0; cut < bytes; cut++) {
			char *part = malloc(cut + 1);

			assert_non_null(part);
			memcpy(part, text, cut);
			ebb_arguments_parse(part, cut, &arguments, &found);
			free(part);
		}
	}
}

#define PEERS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		PEERS_TEST(test_no_device),
		PEERS_TEST(test_unknown_device),
		PEERS_TEST(test_file_system),
		PEERS_TEST(test_known_peer),
		PEERS_TEST(test_peer_that_pins),
		cmocka_unit_test(test_arguments),
	};
	int failed;

	if (argc > 3 && strcmp(argv[1], "-play") == 0)
		return play(argv[2], atoi(argv[3]));
	self = realpath(argv[0], NULL);
	if (!self || !mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	free(self);
	return failed;
}
