/* SPDX-License-Identifier: GPL-2.0-only */
/* The monotonic clock, and waiting by it. */
#ifndef EBB_COMMON_CLOCK_H
#define EBB_COMMON_CLOCK_H

#include <stdint.h>

#define EBB_NS_PER_US UINT64_C(1000)
#define EBB_NS_PER_MS UINT64_C(1000000)
#define EBB_NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC in ns. */
uint64_t ebb_now_ns(void);

/* Waits so long, or a little longer; a signal may end it early. */
void ebb_sleep_us(uint32_t us);

#endif /* EBB_COMMON_CLOCK_H */
