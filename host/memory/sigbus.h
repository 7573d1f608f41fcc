/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mapping that a guest may pull away must not take ebbd down.
 *
 * The ring is a page of a file that others can punch or truncate; on hugetlbfs
 * with an empty pool the next load from it is a SIGBUS. The handler puts an
 * anonymous page under the mapping, marks it lost and returns, so the load
 * reads zeros, which no ring holds. A fault anywhere else stays fatal.
 */
#ifndef EBB_HOST_SIGBUS_H
#define EBB_HOST_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	EBB_SIGBUS_GUARD_MAX = 16384
};

/* Installs the handler, once, before threads start. Returns 0 or -errno. */
int ebb_sigbus_install(void);

/**
 * ebb_sigbus_guard - survive faults in a mapping
 * @address, @bytes: of the whole mapping, page-aligned
 *
 * Returns a handle >= 0, or -ENOSPC with EBB_SIGBUS_GUARD_MAX guards in use.
 */
int ebb_sigbus_guard(void *address, size_t bytes);

/* Whether a fault replaced the mapping. Sticky. */
bool ebb_sigbus_lost(int handle);

/* To be called before the mapping is unmapped. */
void ebb_sigbus_release(int handle);

#endif /* EBB_HOST_SIGBUS_H */
