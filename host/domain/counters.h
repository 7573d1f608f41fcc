/* SPDX-License-Identifier: GPL-2.0-only */
/* What this ebbd took of a guest, which may go on in another process. */
#ifndef EBB_HOST_COUNTERS_H
#define EBB_HOST_COUNTERS_H

#include <stdint.h>

#include "host/interface/status.h"
#include "protocol/message.h"

/**
 * struct ebb_counters - zeroed: nothing was
 * @boot_id: of the kernel that spoke last
 */
struct ebb_counters {
	uint8_t boot_id[EBB_BOOT_ID_BYTES];
	uint64_t reclaimed_bytes;
	uint64_t reclaim_runs;
};

#endif /* EBB_HOST_COUNTERS_H */
