/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a guard of a balloon (vm_guard.c): a job gives back the memory that it holds
 * for Ebb, or the log tells that it cannot.
 */
#ifndef EBB_HOST_FAREWELL_H
#define EBB_HOST_FAREWELL_H

#include <stdbool.h>

#include "host/base/worker.h"
#include "host/rung/hand.h"

/**
 * struct ebb_farewell
 * @hand: the guard's, which is let go of
 * @name: of the domain
 * @give_back: all that the balloon holds
 * @unread: QEMU or libvirtd did not answer the guard
 */
struct ebb_farewell {
	struct ebb_hand hand;
	const char *name;
	bool give_back;
	bool unread;
};

/* By a job. @order: is copied, and its hand is the job's then. */
void ebb_farewell_begin(struct ebb_workers *workers,
			const struct ebb_farewell *order);

#endif /* EBB_HOST_FAREWELL_H */
