/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What it costs ebbd to share memory out among many guests.
 *
 * The loop that shares memory out is ebbd's own, with its event loop, its workers and
 * its reader of budgets, which reads this host. A guest is a memfd with a ring, mapped
 * and read as that of a guest is, a process that sleeps in place of QEMU, and memory of
 * the size of struct ebb_vm. Another process writes the facts of all each second, as
 * the guests' kernels do. What libvirt and an open lease cost is not in it.
 *
 * One row for each number of guests, measured in a process of its own:
 *   decision       one ebb_policy_decide(): where nothing is needed, where the host is
 *                  in need of a GiB of each guest, and where two nodes and a slice are, too
 *   facts          reading the facts of all guests once; both by the thread's own clock
 *   resident       of that process, beyond what it is without a guest
 *   CPU            of that process, while it runs as ebbd does
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/base/loop.h"
#include "host/domain/vm_state.h"
#include "host/memory/ringmap.h"
#include "host/sharing/state.h"
#include "tests/clock.h"

enum {
	GUESTS_MAX = 10000,
	/* Beyond these, guests share processes. */
	PROCESSES_MAX = 1000,
	ROUNDS = 15,
	SECONDS = 30,
	/* The first look and the first words. */
	WARM_S = 12,
	NAME_BYTES = 16,
	/* The host, two nodes, a slice. */
	BUDGETS = 4,
};

struct guest {
	char name[NAME_BYTES];
	char uuid[37];
	pid_t pid;
	int fd;
	struct ebb_ringmap ring;
	struct ebb_vm *like_a_vm;
};

static struct guest guests[GUESTS_MAX];
static uint32_t guest_count;
static struct ebb_config config;
static uint32_t seconds = SECONDS;
static const char *history_dir; /* NULL: no samples are kept */

/* ---- a guest in place of struct ebb_vm ---- */

static struct guest *guest_of(const struct ebb_vm *vm)
{
	return (struct guest *)(uintptr_t)vm;
}

const char *__wrap_ebb_vm_name(const struct ebb_vm *vm);
const char *__wrap_ebb_vm_name(const struct ebb_vm *vm)
{
	return guest_of(vm)->name;
}

const char *__wrap_ebb_vm_uuid(const struct ebb_vm *vm);
const char *__wrap_ebb_vm_uuid(const struct ebb_vm *vm)
{
	return guest_of(vm)->uuid;
}

const struct ebb_settings *__wrap_ebb_vm_settings(const struct ebb_vm *vm);
const struct ebb_settings *__wrap_ebb_vm_settings(const struct ebb_vm *vm)
{
	(void)vm;
	return &config.policy.settings;
}

/* As ebb_vm_hear() does. */
bool __wrap_ebb_vm_hear(const struct ebb_vm *vm, struct ebb_vm_word *ret_word);
bool __wrap_ebb_vm_hear(const struct ebb_vm *vm, struct ebb_vm_word *ret_word)
{
	struct ebb_facts facts;

	if (ebb_ringmap_facts(&guest_of(vm)->ring, &facts) < 0)
		return false;
	*ret_word = (struct ebb_vm_word){
		.stamp_ns = facts.stamp_ns,
		.free_bytes = facts.free_bytes,
		.free_huge_bytes = facts.free_huge_bytes,
	};
	return true;
}

/* An idle guest: what it has free is lent already, but for less than its cushion. */
void __wrap_ebb_vm_see(const struct ebb_vm *vm, struct ebb_vm_sight *ret_sight);
void __wrap_ebb_vm_see(const struct ebb_vm *vm, struct ebb_vm_sight *ret_sight)
{
	struct stat state;

	if (fstat(guest_of(vm)->fd, &state) < 0)
		err(1, "fstat");
	*ret_sight = (struct ebb_vm_sight){
		.pid = guest_of(vm)->pid,
		.rung = EBB_RUNG_LEASE,
		.held_known = true,
		.usable_bytes = 4 * EBB_GIB,
		.resident_bytes = EBB_GIB + (uint64_t)state.st_blocks * 512,
	};
}

bool __wrap_ebb_vm_is_closed(const struct ebb_vm *vm,
			     struct ebb_reason *ret_reason);
bool __wrap_ebb_vm_is_closed(const struct ebb_vm *vm,
			     struct ebb_reason *ret_reason)
{
	(void)vm;
	(void)ret_reason;
	return false;
}

void __wrap_ebb_vm_want_facts(struct ebb_vm *vm);
void __wrap_ebb_vm_want_facts(struct ebb_vm *vm)
{
	(void)vm;
}

/* It has no more to give. */
void __wrap_ebb_vm_reclaim(struct ebb_vm *vm,
			   const struct ebb_reclaim_order *order);
void __wrap_ebb_vm_reclaim(struct ebb_vm *vm,
			   const struct ebb_reclaim_order *order)
{
	const struct ebb_reclaim_report report = { .reclaim = NULL };

	(void)vm;
	order->done(&report, order->opaque);
}

void __wrap_ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque);
void __wrap_ebb_vm_cancel_reclaim(struct ebb_vm *vm, const void *opaque)
{
	(void)vm;
	(void)opaque;
}

void __wrap_ebb_vm_withdraw_reclaim(struct ebb_vm *vm, const void *opaque,
				    bool begun);
void __wrap_ebb_vm_withdraw_reclaim(struct ebb_vm *vm, const void *opaque,
				    bool begun)
{
	(void)vm;
	(void)opaque;
	(void)begun;
}

/* ---- guests ---- */

static void write_facts(struct ebb_ring *ring, uint64_t stamp_ns)
{
	struct ebb_facts *facts = &ring->facts;

	__atomic_store_n(&facts->seq, facts->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	facts->stamp_ns = stamp_ns;
	facts->total_bytes = 4 * EBB_GIB;
	facts->free_bytes = 3 * EBB_GIB + 100 * EBB_MIB;
	facts->free_huge_bytes = facts->free_bytes;
	__atomic_store_n(&facts->seq, facts->seq + 1, __ATOMIC_RELEASE);
}

static void make_guest(struct guest *guest, uint32_t index)
{
	const struct ebb_ring ring = {
		.magic = EBB_RING_MAGIC,
		.version = EBB_RING_VERSION,
		.slot_count = EBB_SLOT_COUNT,
		.tag = 1,
	};
	int r;

	snprintf(guest->name, sizeof(guest->name), "guest-%u",
		 (unsigned int)index);
	snprintf(guest->uuid, sizeof(guest->uuid),
		 "00000000-0000-0000-0000-%012u", (unsigned int)index);
	guest->fd = memfd_create("guest", MFD_CLOEXEC);
	if (guest->fd < 0 ||
	    pwrite(guest->fd, &ring, sizeof(ring), 0) != sizeof(ring))
		err(1, "memfd");
	r = ebb_ringmap_open(guest->fd, 0, EBB_PAGE_BYTES, ring.boot_id,
			     ring.challenge, &guest->ring);
	if (r < 0)
		errx(1, "ring: %s", strerror(-r));
	write_facts(guest->ring.ring, 3600 * EBB_NS_PER_S);
	guest->like_a_vm = malloc(sizeof(*guest->like_a_vm));
	if (!guest->like_a_vm)
		err(1, "malloc");
	memset(guest->like_a_vm, 1, sizeof(*guest->like_a_vm));
}

/* A child that ends with this process. @tick: each second; may be NULL */
static pid_t start_process(void (*tick)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		sleep(1);
		if (tick)
			tick();
		else
			pause();
	}
}

static void write_all_facts(void)
{
	for (uint32_t i = 0; i < guest_count; i++)
		write_facts(guests[i].ring.ring,
			    3600 * EBB_NS_PER_S + ebb_now_ns());
}

/* ---- figures ---- */

static uint64_t resident_kib(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	/* Files and shared memory are not ebbd's own; facts pages are the guests'. */
	if (!file || fscanf(file, "%*u %lu", &pages) != 1)
		errx(1, "/proc/self/statm cannot be read");
	fclose(file);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static int64_t cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* Of this thread, so that who else is on the machine does not count. */
static int64_t thread_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
	const int64_t *first = a, *second = b;

	return (*first > *second) - (*first < *second);
}

static int64_t median(int64_t *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static int64_t facts_us(void)
{
	struct ebb_vm_word word;
	int64_t us[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		int64_t begin = thread_us();

		for (uint32_t i = 0; i < guest_count; i++)
			__wrap_ebb_vm_hear((struct ebb_vm *)&guests[i], &word);
		us[round] = thread_us() - begin;
	}
	return median(us);
}

/* Guests of all modes, each in the host, in one of two nodes, and in a slice. */
static void make_domains(struct ebb_policy_domain *domains, uint64_t now_ns)
{
	for (uint32_t i = 0; i < guest_count; i++)
		domains[i] = (struct ebb_policy_domain){
			.name = "guest",
			.shares = 100 + i % 100,
			.mode = (enum ebb_policy_mode)(i % 3),
			.phase = EBB_POLICY_SETTLED,
			.usable_bytes = 4 * EBB_GIB,
			.resident_bytes = 3 * EBB_GIB + i % 64 * EBB_MIB,
			.heard_ns = now_ns,
			.free_bytes = EBB_GIB + 512 * EBB_MIB,
			.lasting_bytes = EBB_GIB + 256 * EBB_MIB,
			.free_since_ns = now_ns - 100 * EBB_NS_PER_S,
			.working_set_known = true,
			.working_set_bytes = EBB_GIB,
			.rung = { .free_bytes = EBB_GIB, .drive = true },
			.part_count = 3,
			.parts = { { 0, 1 }, { 1 + i % 2, 1 }, { 3, 0.5 } },
		};
}

/* The first @needy of the budgets want a GiB of each of their guests. */
static void make_budgets(struct ebb_policy_budget *budgets, uint32_t needy)
{
	for (uint32_t i = 0; i < BUDGETS; i++) {
		budgets[i] = (struct ebb_policy_budget){
			.name = "budget",
			.limit_bytes = UINT64_MAX / 4,
			.available_bytes = UINT64_MAX / 8,
			.low_bytes = guest_count * EBB_GIB,
			.high_bytes = guest_count * EBB_GIB,
			.cover_guests = 1,
		};
		if (i < needy)
			budgets[i].available_bytes = i * EBB_MIB;
	}
}

static int64_t decision_us(uint32_t needy)
{
	struct ebb_policy_budget budgets[BUDGETS];
	uint64_t now_ns = 1000 * EBB_NS_PER_S;
	struct ebb_policy policy = {
		.budgets = budgets,
		.budget_count = BUDGETS,
		.domains = calloc(guest_count, sizeof(*policy.domains)),
		.domain_count = guest_count,
	};
	struct ebb_policy_decision *decisions =
		calloc(guest_count, sizeof(*decisions));
	int64_t us[ROUNDS];

	if (!policy.domains || !decisions)
		err(1, "calloc");
	for (int round = 0; round < ROUNDS; round++) {
		int64_t begin;

		make_domains(policy.domains, now_ns);
		make_budgets(budgets, needy);
		begin = thread_us();
		if (ebb_policy_decide(&policy, now_ns, decisions) == 0 &&
		    needy > 0)
			errx(1, "nothing is decided");
		us[round] = thread_us() - begin;
	}
	free(policy.domains);
	free(decisions);
	return median(us);
}

static void on_over(int timer, void *opaque)
{
	(void)timer;
	*(bool *)opaque = true;
}

static void run_for(uint32_t s)
{
	bool over = false;
	int timer = ebb_loop_timer((int)s * 1000, on_over, &over);

	while (!over)
		ebb_loop_turn();
	ebb_loop_timer_remove(timer);
}

static struct ebb_past *start_history(struct ebb_workers *workers)
{
	struct ebb_past *past;

	if (ebb_past_new(history_dir, "", workers, &past) < 0 ||
	    ebb_past_begin(past) < 0)
		errx(1, "out of memory");
	return past;
}

/* Percent of a CPU while it runs as ebbd does. */
static double run(struct ebb_workers *workers)
{
	const struct ebb_sharing_options options = {
		.config = &config,
		.speed = 1,
		.old_ns = EBB_SHARING_OLD_NS,
		.root = "",
		.state_dir = "",
		.past = history_dir ? start_history(workers) : NULL,
		.pressure = { .fd = -1 },
	};
	const struct ebb_fleet_watcher *watcher;
	struct ebb_sharing *sharing;
	int64_t begin, begin_cpu;

	if (ebb_sharing_new(&options, workers, &sharing) < 0)
		errx(1, "out of memory");
	watcher = ebb_sharing_watcher(sharing);
	for (uint32_t i = 0; i < guest_count; i++)
		watcher->came((struct ebb_vm *)&guests[i], watcher->opaque);
	run_for(WARM_S);
	if (sharing->ground.read_ns == 0 || sharing->looked_ns == 0)
		errx(1, "it has not looked");
	begin = now_us();
	begin_cpu = cpu_us();
	run_for(seconds);
	/* The process ends, and sharing with it. */
	return 100.0 * (double)(cpu_us() - begin_cpu) /
	       (double)(now_us() - begin);
}

/* One row, in a process of its own. */
static void measure(uint32_t count)
{
	struct ebb_workers *workers;
	uint64_t before_kib;
	int64_t heard_us;
	pid_t writer;
	double cpu;

	ebb_log_init("bench", EBB_LOG_ERR);
	ebb_config_default(&config);
	if (ebb_loop_init() < 0 ||
	    ebb_workers_new(EBB_WORKERS_MIN, 1, &workers) < 0)
		errx(1, "no event loop");
	guest_count = count;
	for (uint32_t i = 0; i < count; i++)
		guests[i].pid = i < PROCESSES_MAX
					? start_process(NULL)
					: guests[i % PROCESSES_MAX].pid;
	before_kib = resident_kib();
	for (uint32_t i = 0; i < count; i++)
		make_guest(&guests[i], i);
	writer = start_process(write_all_facts);
	cpu = run(workers);
	kill(writer, SIGKILL);
	heard_us = facts_us();
	printf("| %" PRIu32 " | %" PRIu64 " | %.2f | %" PRId64 " |", count,
	       resident_kib() - before_kib, cpu, heard_us);
	printf(" %" PRId64 " |", decision_us(0));
	printf(" %" PRId64 " |", decision_us(1));
	printf(" %" PRId64 " |\n", decision_us(BUDGETS));
	fflush(stdout);
	for (uint32_t i = 0; i < count && i < PROCESSES_MAX; i++)
		kill(guests[i].pid, SIGKILL);
}

static uint32_t number(const char *text, uint32_t max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value == 0 || value > max)
		errx(2, "'%s' is no number from 1 to %u", text, max);
	return (uint32_t)value;
}

static void measure_apart(uint32_t count)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		measure(count);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		errx(1, "%" PRIu32 " guests: failed", count);
}

int main(int argc, char **argv)
{
	static const uint32_t counts[] = { 1, 10, 100, 1000, 10000 };
	struct rlimit files = { 2 * GUESTS_MAX, 2 * GUESTS_MAX };
	int first = 1;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		printf("Usage: sharing [--seconds S] [--history DIR] "
		       "[GUESTS...]\n"
		       "What it costs ebbd to share memory out among so many "
		       "guests, and to keep\n"
		       "samples of them in a directory.\n");
		return 0;
	}
	for (; first + 1 < argc && *argv[first] == '-'; first += 2) {
		if (strcmp(argv[first], "--seconds") == 0)
			seconds = number(argv[first + 1], 3600);
		else if (strcmp(argv[first], "--history") == 0)
			history_dir = argv[first + 1];
		else
			errx(2, "'%s' is no option: see --help", argv[first]);
	}
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		err(77,
		    "10,000 guests need as many open files: run it as root");
	printf("| guests | KiB resident more | %% of a CPU | facts of all, us | "
	       "a decision at rest, us | in need, us | of four budgets, us |\n"
	       "|---|---|---|---|---|---|---|\n");
	fflush(stdout);
	for (int i = first; i < argc; i++)
		measure_apart(number(argv[i], GUESTS_MAX));
	for (size_t i = 0; first == argc && i < EBB_ARRAY_SIZE(counts); i++)
		measure_apart(counts[i]);
	return 0;
}
