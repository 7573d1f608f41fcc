/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a rung is closed: each reason has a stable name, a sentence and a remedy.
 *
 * Whoever finds that something stands in the way adds an id and, where there
 * is one, a detail (a device, a path). What is said to people is in one table.
 */
#ifndef EBB_HOST_REASON_H
#define EBB_HOST_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "host/interface/status.h"
#include "protocol/limits.h"

/*
 * In the order in which they are shown: what an operator must mend first comes
 * first. All of them close rung lease, but that there is no swap or no balloon, which are
 * told only where the lease is closed; host/rung/choose.c says which close others, too.
 */
enum ebb_reason_id {
	EBB_REASON_NOT_RUNNING,
	EBB_REASON_PROCESS_UNKNOWN,
	EBB_REASON_OTHER_CONTROLLER,
	EBB_REASON_QUARANTINED,
	EBB_REASON_RUNG_FORBIDDEN,
	EBB_REASON_CONFIDENTIAL,
	EBB_REASON_VFIO,
	EBB_REASON_VDPA,
	EBB_REASON_VHOST_USER,
	EBB_REASON_PEERS_UNKNOWN,
	EBB_REASON_ARGUMENTS_UNKNOWN,
	EBB_REASON_NVDIMM,
	EBB_REASON_LOCKED_MEMORY,
	EBB_REASON_RESERVED_MEMORY,
	EBB_REASON_PRIVATE_MEMORY,
	EBB_REASON_BACKING_ON_DISK,
	EBB_REASON_TOO_MANY_PARTS,
	EBB_REASON_PAGES_TOO_LARGE,
	EBB_REASON_NO_CHANNEL,
	EBB_REASON_GUEST_PAUSED,
	EBB_REASON_GUEST_BOOTING,
	EBB_REASON_AGENT_SILENT,
	EBB_REASON_NO_AGENT,
	EBB_REASON_AGENT_VERSION,
	EBB_REASON_NO_MODULE,
	EBB_REASON_PAGE_POISONING,
	EBB_REASON_REPORTING_BUSY,
	EBB_REASON_MAP_UNPROVEN,
	EBB_REASON_RING_INVALID,
	EBB_REASON_NO_BALLOON,
	EBB_REASON_LIBVIRT_JOB,
	EBB_REASON_NO_SWAP,
	EBB_REASON_INTERNAL,
	EBB_REASON_COUNT
};

enum {
	/* A domain has few reasons with a detail; each vm keeps a list. */
	EBB_REASON_DETAILS_BYTES = 2048,
};

/**
 * struct ebb_reason_list - reasons found so far; the first of a kind is kept. Zero is
 *	empty
 * @items: @detail_at is where the detail begins in @details; 0: there is none
 * @details: one after the other, each ended by a zero, from the second byte on
 * @details_bytes: that are used of it, but for the first
 */
struct ebb_reason_list {
	uint32_t count;
	uint32_t details_bytes;
	struct {
		enum ebb_reason_id id;
		uint32_t detail_at;
	} items[EBB_REASON_COUNT];
	char details[EBB_REASON_DETAILS_BYTES];
};

/*
 * Adds @id once. @format: the detail, or NULL. It is cut to EBB_STRING_BYTES_MAX - 1
 * bytes, and to what is left of EBB_REASON_DETAILS_BYTES.
 */
void ebb_reason_add(struct ebb_reason_list *list, enum ebb_reason_id id,
		    const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* The detail of entry @index, or "". */
const char *ebb_reason_detail(const struct ebb_reason_list *list,
			      uint32_t index);

bool ebb_reason_has(const struct ebb_reason_list *list, enum ebb_reason_id id);

/* The stable name: lower case and hyphens. */
const char *ebb_reason_name(enum ebb_reason_id id);

/* Entry @index of the list, in the words of the table. */
void ebb_reason_render(const struct ebb_reason_list *list, uint32_t index,
		       struct ebb_reason *ret_reason);

/* All of them, or the first EBB_REASON_MAX. Returns how many that is. */
uint32_t ebb_reason_render_all(const struct ebb_reason_list *list,
			       struct ebb_reason *ret_reasons);

/* Orders the list as the enum is ordered. */
void ebb_reason_sort(struct ebb_reason_list *list);

#endif /* EBB_HOST_REASON_H */
