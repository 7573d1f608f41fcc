/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who else works on a guest's memory. This program plays QEMU, by its arguments,
 * and the process of a vhost-user device, which maps a file that it inherits; a
 * copy of it by the name of virtiofsd plays that.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
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

#include "common/cleanup.h"
#include "common/size.h"
#include "host/memory/arguments.h"
#include "host/memory/peers.h"
#include "host/memory/use.h"

#define BYTES (16 * EBB_MIB)

static char dir[] = "/tmp/test-peers.XXXXXX";
static char *self;
static struct ebb_reason_list reasons;
static struct ebb_guest_process process;
static pid_t children[4];
static int child_count;

/* What is looked at ends in the midst of the look, after its mappings. */
static bool ends_meanwhile;

int __real_ebb_pinned_note_status(pid_t pid, struct ebb_reason_list *list);
int __wrap_ebb_pinned_note_status(pid_t pid, struct ebb_reason_list *list);
int __wrap_ebb_pinned_note_status(pid_t pid, struct ebb_reason_list *list)
{
	return ends_meanwhile ? -ESRCH
			      : __real_ebb_pinned_note_status(pid, list);
}

/* Before the guest's memory; each is a mapping of its own. */
static bool map_many(void)
{
	for (int i = 0; i < 5000; i++) {
		int fd = memfd_create("other", MFD_CLOEXEC);

		if (fd < 0 || ftruncate(fd, 4096) < 0 ||
		    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0) == MAP_FAILED)
			return false;
		close(fd);
	}
	return true;
}

static void *wait_for_end(void *unused)
{
	(void)unused;
	/* Until the first thread has ended, when nothing is in there. */
	for (;;) {
		FILE *maps = fopen("/proc/self/maps", "re");
		int first = maps ? fgetc(maps) : EOF;

		if (maps)
			fclose(maps);
		if (first == EOF)
			break;
		usleep(1000);
	}
	if (write(STDOUT_FILENO, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/*
 * The children's part: says that it is ready, and waits to be killed. A role is
 * letters: "m" maps the memory, "M" to read it alone, "o" leaves it open, "p"
 * pins, "t" goes on as a thread when the first one has ended, "5" has 5,000
 * mappings before it, "d" lets nobody look.
 */
static int play(const char *role, int fd)
{
	int protection = PROT_READ | (strchr(role, 'M') ? 0 : PROT_WRITE);
	char *memory = NULL;
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((strchr(role, '5') && !map_many()) ||
	    (strchr(role, 'd') && prctl(PR_SET_DUMPABLE, 0) < 0))
		return 1;
	if (strpbrk(role, "mM"))
		memory = mmap(NULL, BYTES, protection, MAP_SHARED, fd, 0);
	else
		memory = mmap(NULL, BYTES, protection,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!strchr(role, 'o'))
		close(fd);
	/* Not mlock(), which sanitizers leave out. */
	if (memory == MAP_FAILED ||
	    (strchr(role, 'p') && syscall(SYS_mlock, memory, 4096) < 0))
		return 1;
	if (strchr(role, 't')) {
		if (pthread_create(&thread, NULL, wait_for_end, NULL) != 0)
			return 1;
		/* This thread alone. */
		syscall(SYS_exit, 0);
	}
	if (write(STDOUT_FILENO, "r", 1) != 1)
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
	const char *argv[] = { "qemu", "-play", "m", fd, option, value, NULL };

	snprintf(fd, sizeof(fd), "%d", process.backings[0].fd);
	process.pid = start(self, argv);
}

static pid_t start_peer(const char *exe, const char *role)
{
	char fd[16];
	const char *argv[] = { "peer", "-play", role, fd, NULL };

	snprintf(fd, sizeof(fd), "%d", process.backings[0].fd);
	return start(exe, argv);
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
	static struct ebb_backing backings[1];
	struct ebb_backing *backing = &backings[0];
	struct stat st;

	(void)state;
	memset(&reasons, 0, sizeof(reasons));
	process.backing_count = 1;
	process.backings = backings;
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
	assert_int_equal(
		ebb_peers_examine(&process, vhost_user, NULL, &reasons), 0);
	return ebb_reason_has(&reasons, EBB_REASON_VHOST_USER);
}

static void test_no_device(void **state)
{
	(void)state;
	start_qemu("-device", "virtio-blk-pci,drive=a");
	start_peer(self, "m");
	assert_false(refused(false));
}

/* Known by its device alone, also while nobody serves it. */
static void test_unknown_device(void **state)
{
	(void)state;
	start_qemu("-device", "vhost-user-blk-pci,chardev=spdk");
	assert_true(refused(false));
	assert_string_equal(ebb_reason_detail(&reasons, 0),
			    "vhost-user-blk-pci");
	memset(&reasons, 0, sizeof(reasons));
	start_peer(self, "m");
	assert_true(refused(false));
}

static void test_file_system(void **state)
{
	(void)state;
	start_qemu("-device",
		   "{\"driver\":\"vhost-user-fs-pci\",\"tag\":\"a\"}");
	assert_false(refused(false));
	start_peer(copy_self("virtiofsd"), "m");
	assert_false(refused(false));
}

/* A network device that passt, which is known, serves. */
static void test_known_peer(void **state)
{
	(void)state;
	start_qemu("-netdev", "vhost-user,id=n,chardev=passt");
	start_peer(copy_self("virtiofsd"), "m");
	assert_false(refused(false));
	/* Another who has it mapped serves it, maybe. */
	start_peer(self, "m");
	assert_true(refused(false));
}

static void test_peer_that_pins(void **state)
{
	(void)state;
	start_qemu("-nodefaults", "-S");
	start_peer(copy_self("virtiofsd"), "mp");
	/* Nobody looks where there is no device. */
	assert_false(refused(false));
	assert_true(refused(true));
	assert_non_null(
		strstr(ebb_reason_detail(&reasons, 0), "virtiofsd, pins it"));
}

/* Whoever has the memory in another way than QEMU has it, and pins. */
static void test_ways_to_use(void **state)
{
	/* Its mapping is beyond 5,000 others; read only; open only; by thread. */
	static const char *const roles[] = { "mp5", "Mp", "op", "mpt" };

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(roles); i++) {
		start_qemu("-nodefaults", "-S");
		start_peer(copy_self("virtiofsd"), roles[i]);
		if (!refused(true))
			fail_msg("role %s is not seen", roles[i]);
		assert_non_null(strstr(ebb_reason_detail(&reasons, 0),
				       "virtiofsd, pins it"));
		end(state);
		begin(state);
	}
}

/* A program that was replaced while it runs is the same program. */
static void test_replaced_peer(void **state)
{
	char *path = copy_self("virtiofsd");

	(void)state;
	start_qemu("-netdev", "vhost-user,id=n,chardev=passt");
	start_peer(path, "m");
	assert_int_equal(unlink(path), 0);
	assert_false(refused(false));
}

static void check_unknown(const struct ebb_peers_limits *limits,
			  const char *said)
{
	struct ebb_reason reason;

	memset(&reasons, 0, sizeof(reasons));
	assert_int_equal(ebb_peers_examine(&process, true, limits, &reasons),
			 0);
	assert_true(ebb_reason_has(&reasons, EBB_REASON_PEERS_UNKNOWN));
	ebb_reason_render(&reasons, 0, &reason);
	if (!strstr(reason.text, said))
		fail_msg("'%s' is not in: %s", said, reason.text);
	assert_non_null(strstr(reason.remedy, "End the process that is named"));
}

/* Who has so many that it is not read to its end is named, and refused. */
static void test_too_much_to_read(void **state)
{
	const struct ebb_peers_limits by_process = { 4000, 1000000 };
	const struct ebb_peers_limits by_all = { 1000000, 5000 };
	char said[128];
	pid_t pid;

	(void)state;
	start_qemu("-nodefaults", "-S");
	pid = start_peer(self, "5");
	/* Nobody looks where there is no device. */
	assert_int_equal(
		ebb_peers_examine(&process, false, &by_process, &reasons), 0);
	assert_int_equal(reasons.count, 0);
	assert_false(refused(true));
	snprintf(said, sizeof(said),
		 "process %d, test-peers, has more than 4000", (int)pid);
	check_unknown(&by_process, said);
	snprintf(said, sizeof(said), "has process %d, test-peers", (int)pid);
	check_unknown(&by_all, said);
}

/* Whether this process may look at those that let nobody look. */
static void let_look(bool may)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct sets[2];

	assert_int_equal(syscall(SYS_capget, &header, sets), 0);
	if (may)
		sets[0].effective = sets[0].permitted;
	else
		sets[0].effective &= ~(1u << CAP_SYS_PTRACE);
	assert_int_equal(syscall(SYS_capset, &header, sets), 0);
}

static void test_unreadable(void **state)
{
	struct ebb_reason reason;
	bool is_refused;

	(void)state;
	start_qemu("-nodefaults", "-S");
	start_peer(copy_self("virtiofsd"), "d");
	let_look(false);
	is_refused = refused(true);
	let_look(true);
	assert_false(is_refused);
	assert_int_equal(reasons.count, 1);
	assert_int_equal(reasons.items[0].id, EBB_REASON_PEERS_UNKNOWN);
	ebb_reason_render(&reasons, 0, &reason);
	/* That one, or process 1, which has more rights than this one now. */
	assert_non_null(strstr(reason.text, "(process "));
	assert_non_null(
		strstr(reason.text, ", cannot be looked at: Permission"));
}

/* A program under a sanitizer has thousands of mappings. */
#define MANY ((uint64_t)100000)

/* Its memory was seen, and what it does with it is not known. */
static void test_ends_meanwhile(void **state)
{
	/* By its first thread, and by another one. */
	static const char *const roles[] = { "m", "mt" };
	struct ebb_use use;

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(roles); i++) {
		memset(&reasons, 0, sizeof(reasons));
		start_qemu("-nodefaults", "-S");
		start_peer(self, roles[i]);
		ends_meanwhile = true;
		assert_false(refused(true));
		assert_int_equal(ebb_use_examine(children[1], &process, 1000,
						 &use),
				 i ? -EAGAIN : -ESRCH);
		ends_meanwhile = false;
		if (!ebb_reason_has(&reasons, EBB_REASON_PEERS_UNKNOWN))
			fail_msg("role %s is let pass", roles[i]);
		end(state);
		begin(state);
	}
}

/* A limit is one of all that is read, and what is gone is nobody. */
static void test_limit_of_a_look(void **state)
{
	int tries = 100, enough, too_few;
	struct ebb_use use;
	uint64_t entries;

	(void)state;
	start_qemu("-nodefaults", "-S");
	start_peer(self, "o");
	/* Until its runtime (a sanitizer's) maps no more meanwhile. */
	do {
		assert_int_equal(
			ebb_use_examine(children[1], &process, MANY, &use), 0);
		entries = use.entries;
		enough = ebb_use_examine(children[1], &process, entries, &use);
		too_few = ebb_use_examine(children[1], &process, entries - 1,
					  &use);
		assert_int_equal(
			ebb_use_examine(children[1], &process, MANY, &use), 0);
	} while (use.entries != entries && --tries > 0);
	assert_true(use.used);
	assert_false(use.pins);
	assert_in_range(entries, 5, MANY - 1);
	assert_int_equal(enough, 0);
	assert_int_equal(too_few, -E2BIG);
	kill(children[1], SIGKILL);
	waitpid(children[1], NULL, 0);
	assert_int_equal(ebb_use_examine(children[1], &process, MANY, &use),
			 -ESRCH);
	child_count = 1;
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
		{ "-device", "{\"driver\"", EBB_REASON_ARGUMENTS_UNKNOWN, false,
		  "" },
		/* The name at any place, escaped, within another, set later. */
		{ "-netdev", "id=n,chardev=c,type=vhost-user", -1, true,
		  "vhost-user" },
		{ "-netdev", "type=vhost-user,chardev=c", -1, true,
		  "vhost-user" },
		{ "-nic", "model=virtio,type=vhost-user", -1, true,
		  "vhost-user" },
		{ "-nic", "vhost-user,chardev=c", -1, true, "vhost-user" },
		{ "-device", "id=a,driver=vfio-user-pci", EBB_REASON_VHOST_USER,
		  false, "" },
		{ "-device", "id=a,,driver=b,driver=vfio-pci", EBB_REASON_VFIO,
		  false, "" },
		{ "-device", "id=a,,driver=vfio-pci", -1, false, "" },
		{ "-device", "virtio-blk,serial=vfio-pci", -1, false, "" },
		{ "-device", "{\"id\":\"driver\",\"driver\":\"vfio-pci\"}",
		  EBB_REASON_VFIO, false, "" },
		{ "-device", "{'id':'a','driver':'vfio-user-pci'}",
		  EBB_REASON_VHOST_USER, false, "" },
		{ "-device", "{\"\\u0064river\":\"\\u0076fio-pci\"}",
		  EBB_REASON_VFIO, false, "" },
		{ "-device", "x-pci-proxy-dev,fd=3", -1, true,
		  "x-pci-proxy-dev" },
		{ "-set", "device.a.driver=vfio-pci", EBB_REASON_VFIO, false,
		  "" },
		{ "-set", "netdev.n.type=vhost-user", -1, true, "vhost-user" },
		{ "-set", "device.a.serial=vfio-pci", -1, false, "" },
		{ "-set", "driver=vfio-pci", -1, false, "" },
		{ "-readconfig", "/etc/qemu/devices",
		  EBB_REASON_ARGUMENTS_UNKNOWN, false, "" },
		{ "-object", "id=a,qom-type=x-vfio-user-server",
		  EBB_REASON_VHOST_USER, false, "" },
		{ "-object", "cryptodev-vhost-user,id=a", -1, true,
		  "cryptodev-vhost-user" },
		{ "-object", "id=m,qom-type=memory-backend-file,share=on", -1,
		  false, "" },
		{ "-object", "{\"qom-type\":\"memory-backend-memfd\"}", -1,
		  false, "" },
		{ "-chardev", "socket,id=c,path=/run/vhost-user", -1, false,
		  "" },
		{ "-blockdev", "node-name=a,driver=virtio-blk-vhost-user", -1,
		  true, "virtio-blk-vhost-user" },
		{ "-blockdev",
		  "{\"driver\":\"raw\",\"file\":"
		  "{\"driver\":\"virtio-blk-vfio-pci\"}}",
		  EBB_REASON_VFIO, false, "" },
		{ "-drive", "if=none,file.driver=virtio-blk-vhost-vdpa",
		  EBB_REASON_VDPA, false, "" },
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
		/* Cut anywhere, nobody reads beyond it, and it is told. */
		for (size_t cut = 1; cut < bytes; cut++) {
			char *part = malloc(cut);

			assert_non_null(part);
			memcpy(part, text, cut);
			memset(&found, 0, sizeof(found));
			ebb_arguments_parse(part, cut, &arguments, &found);
			assert_int_equal(
				ebb_reason_has(&found,
					       EBB_REASON_ARGUMENTS_UNKNOWN),
				part[cut - 1] != '\0');
			free(part);
		}
	}
}

/* Returns in a child; its parent ends when that has ended, and as it did. */
static void go_on_in_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return;
	}
	/* At once: who has left its namespace has nothing to tell of leaks. */
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		_exit(1);
	_exit(WEXITSTATUS(status));
}

static void no_world(const char *what)
{
	printf("skip: no %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(77);
}

/*
 * Whoever cannot be looked at is refused, and who runs this may not look at all
 * that runs beside it. So it goes on where it sees its own children and parent
 * alone.
 */
static void enter_own_world(void)
{
	const int world = CLONE_NEWNS | CLONE_NEWPID;

	if (unshare(world) < 0 && unshare(world | CLONE_NEWUSER) < 0)
		no_world("namespaces");
	go_on_in_child();
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0)
		no_world("/proc of its own");
	go_on_in_child();
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
		PEERS_TEST(test_ways_to_use),
		PEERS_TEST(test_replaced_peer),
		PEERS_TEST(test_too_much_to_read),
		PEERS_TEST(test_ends_meanwhile),
		PEERS_TEST(test_limit_of_a_look),
		PEERS_TEST(test_unreadable),
		cmocka_unit_test(test_arguments),
	};
	int failed;

	if (argc > 3 && strcmp(argv[1], "-play") == 0)
		return play(argv[2], atoi(argv[3]));
	enter_own_world();
	self = realpath(argv[0], NULL);
	if (!self || !mkdtemp(dir))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	free(self);
	return failed;
}
