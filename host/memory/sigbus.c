/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/sigbus.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Read by a signal handler on any thread, so atomics and no lock. A guard is
 * claimed by @bytes, from 0, and visible to the handler once @address is set.
 */
static struct {
	atomic_uintptr_t address;
	atomic_size_t bytes;
	atomic_bool lost;
} guards[EBB_SIGBUS_GUARD_MAX];

static bool replace_mapping(uintptr_t fault)
{
	for (int i = 0; i < EBB_SIGBUS_GUARD_MAX; i++) {
		uintptr_t start = atomic_load(&guards[i].address);
		size_t bytes = atomic_load(&guards[i].bytes);

		if (start == 0 || fault < start || fault - start >= bytes)
			continue;
		if (mmap((void *)start, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			 0) == MAP_FAILED)
			return false;
		atomic_store(&guards[i].lost, true);
		return true;
	}
	return false;
}

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	(void)context;
	if (info->si_code <= 0 || !replace_mapping((uintptr_t)info->si_addr)) {
		/* Not ours: let the fault happen again, with its core dump. */
		struct sigaction fatal = { .sa_handler = SIG_DFL };

		sigaction(signal, &fatal, NULL);
		if (info->si_code <= 0)
			raise(signal);
	}
	errno = saved_errno;
}

int ebb_sigbus_install(void)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

int ebb_sigbus_guard(void *address, size_t bytes)
{
	for (int i = 0; i < EBB_SIGBUS_GUARD_MAX; i++) {
		size_t unused = 0;

		if (!atomic_compare_exchange_strong(&guards[i].bytes, &unused,
						    bytes))
			continue;
		atomic_store(&guards[i].lost, false);
		atomic_store(&guards[i].address, (uintptr_t)address);
		return i;
	}
	return -ENOSPC;
}

bool ebb_sigbus_lost(int handle)
{
	return atomic_load(&guards[handle].lost);
}

void ebb_sigbus_release(int handle)
{
	atomic_store(&guards[handle].address, 0);
	atomic_store(&guards[handle].bytes, 0);
}
