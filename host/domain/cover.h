/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cover of what guests are owed of the pools of huge pages.
 *
 * Theory of operation
 * ===================
 *
 * What a guest gave of its huge pages others may take, and the guest may want it
 * back at any time (host/memory/hugepool.h). So each second the pools are looked
 * at, and where one runs short, what is owed of it is reserved for the guests
 * again.
 *
 * To look takes a few loads and is done by the event loop. To reserve may wait
 * for the pool, and takes a system call for each run of pages: a job for each
 * guest, one after the other, so that a thousand guests do not fill the queue.
 * Such a job is of EBB_WORK_RELEASE: the end of ebbd waits for it. It has
 * references of its own to the guest's files, so the vm may go meanwhile; and
 * the round goes on by UUID, so that vms may come and go between two jobs. When
 * it is over, the next look is due after a second.
 */
#ifndef EBB_HOST_COVER_H
#define EBB_HOST_COVER_H

#include <stdint.h>

#include "host/domain/roster.h"
#include "host/domain/vm.h"
#include "host/memory/hugepool.h"

/**
 * struct ebb_cover - of all pools; the event loop's thread alone has it
 * @root: EBB_HUGEPOOL_ROOT, but for tests
 * @timer: of the next look; it rests during a round
 * @short_pools: bit: page size >> EBB_PAGE_SHIFT, was told
 * @before: the pool of the round, as it was when the round began
 * @uuid: of the last vm of the round
 * @refused_bytes: what could not be reserved in the round
 */
struct ebb_cover {
	const struct ebb_vm_environment *environment;
	const struct ebb_roster *roster;
	const char *root;
	int timer;
	uint32_t short_pools;
	struct ebb_hugepool before;
	char uuid[EBB_UUID_TEXT_BYTES];
	uint64_t refused_bytes;
};

/*
 * Begins to look, each second. @environment, @roster and @root outlive it.
 * Returns 0 or -ENOMEM.
 */
int ebb_cover_begin(struct ebb_cover *cover,
		    const struct ebb_vm_environment *environment,
		    const struct ebb_roster *roster, const char *root);

/* No job may run. One that did not begin is fine. */
void ebb_cover_end(struct ebb_cover *cover);

#endif /* EBB_HOST_COVER_H */
