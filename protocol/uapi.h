/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/ebb: what the agent asks of ebb.ko.
 *
 * root only (0600). Any number of readers may have it open; the agent opens it
 * for each exchange and closes it again, so that the module can be unloaded at
 * any moment. No state hangs on an open file: a session belongs to the host
 * that asked for it, and ends by its own deadlines when that host is gone.
 *
 *   EBB_IOC_GET_INFO        who are you, where is the ring
 *   EBB_IOC_GET_SEGMENTS    the RAM you may offer from, with its canaries
 *                           (in memory that was added held for 10 s from here)
 *   EBB_IOC_CHALLENGE       write this nonce into every canary and the ring
 *   EBB_IOC_SESSION_START   offer while the host demands, at most so long
 *   EBB_IOC_SESSION_STOP    stop offering; returns when no slot is in flight
 *   EBB_IOC_TARGET_SET      keep so much free in huge ranges, for so long
 *   EBB_IOC_TARGET_GET      what became of that
 *
 * /sys/class/misc/ebb/threshold holds the name of the threshold's state
 * (threshold.h). It can be polled (POLLPRI), and an open file of it does not
 * keep the module from being unloaded. A poll also ends when the module asks how
 * many refaults are those of cgroups at their limits: the agent answers with an
 * EBB_IOC_TARGET_GET, counts, and tells it by another EBB_IOC_TARGET_SET. Until then
 * nothing is driven and the marks are the kernel's own; without an answer the target
 * is dropped 20 s later.
 *
 * Errors of all: -ENOTTY unknown request, -EFAULT bad pointer, -ESHUTDOWN the
 * module leaves or the machine suspends.
 */
#ifndef EBB_PROTOCOL_UAPI_H
#define EBB_PROTOCOL_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "limits.h"
#include "threshold.h"

#define EBB_DEVICE_PATH "/dev/ebb"
#define EBB_THRESHOLD_PATH "/sys/class/misc/ebb/threshold"
#define EBB_UAPI_VERSION 1u

/* Bits of ebb_info.flags. */
enum {
	/* The guest poisons free pages: a discarded page would look damaged.
	 * No session starts (-EOPNOTSUPP).
	 */
	EBB_INFO_PAGE_POISONING = 1 << 0,
	/* The last attempt to register with page reporting gave -EBUSY. */
	EBB_INFO_REPORTING_BUSY = 1 << 1,
};

/**
 * struct ebb_info - identity of the module that is loaded
 * @uapi_version: EBB_UAPI_VERSION
 * @flags: EBB_INFO_ bits
 * @boot_id: random at load, as in the ring
 * @ring_gpa: guest-physical address of the ring, in bytes
 * @ring_bytes: its size
 * @lease_order: smallest order that is offered
 * @segment_count: entries that EBB_IOC_GET_SEGMENTS will return
 * @session_state: enum ebb_session_state
 */
struct ebb_info {
	__u32 uapi_version;
	__u32 flags;
	__u8 boot_id[EBB_BOOT_ID_BYTES];
	__u64 ring_gpa;
	__u32 ring_bytes;
	__u32 lease_order;
	__u32 segment_count;
	__u32 session_state;
};

/**
 * struct ebb_segment - guest RAM that is contiguous in guest-physical space
 * @gpa: first byte
 * @bytes: length
 * @node: NUMA node
 * @canary_count: how many of @canary_gpas are set, from the first
 * @canary_gpas: lowest first; a segment without canary is never offered from
 */
struct ebb_segment {
	__u64 gpa;
	__u64 bytes;
	__u32 node;
	__u32 canary_count;
	__u64 canary_gpas[EBB_CANARY_PER_SEGMENT];
};

/**
 * struct ebb_segments - all segments, ascending by @gpa
 * @count: out: entries that are set
 * @segments: out
 */
struct ebb_segments {
	__u32 count;
	__u32 reserved;
	struct ebb_segment segments[EBB_SEGMENT_MAX];
};

/* The host's nonce, fresh and random. */
struct ebb_challenge {
	__u8 nonce[EBB_NONCE_BYTES];
};

/* Bits of ebb_session.flags. */
enum {
	/*
	 * The host holds memory again of what it was given before, as it does
	 * after a migration or a restore: offer all of it once more.
	 */
	EBB_SESSION_FLAG_REARM = 1 << 0,
	/*
	 * Nobody waits for it: the host takes its time, and the guest need not
	 * look at the ring all the while. Modules of before give -EINVAL.
	 */
	EBB_SESSION_FLAG_GENTLE = 1 << 1,
};

/**
 * struct ebb_session - start of a session
 * @session_id: chosen by the host, appears in the ring
 * @timeout_ms: the session ends after this time, 1 to EBB_SESSION_MAX_MS
 * @flags: EBB_SESSION_FLAG_ bits
 *
 * Errors: -EINVAL timeout out of range or unknown flags; -EALREADY a
 * session runs; -EBUSY the page reporting slot is taken; -EOPNOTSUPP page
 * poisoning; -ENOTCONN no host demands in the ring.
 */
struct ebb_session {
	__u64 session_id;
	__u32 timeout_ms;
	__u32 flags;
};

/* Bits of ebb_target.flags. */
enum {
	/* Somebody asks for it now: forget that it was tried in vain. */
	EBB_TARGET_RETRY = 1 << 0,
	/*
	 * Somebody waits for it: as fast as it goes. Without it memory is freed
	 * in steps of a second, so that a guest that needs what went is heard
	 * before much has gone.
	 */
	EBB_TARGET_URGENT = 1 << 1,
	/* @limited_refaults is set, and the agent answers when it is asked. */
	EBB_TARGET_REFAULTS = 1 << 2,
	/*
	 * Anonymous memory may be swapped for it. Without it page cache alone is
	 * driven: swap may lie in the guest's own memory, as zram does.
	 */
	EBB_TARGET_SWAP = 1 << 3,
};

#define EBB_NODE_ALL 0xffffffffu

/**
 * struct ebb_target - a free target
 * @bytes: to keep free in huge ranges; 0: none, and the kernel's marks are
 *	back when the call returns
 * @node: NUMA node, or EBB_NODE_ALL: spread over all nodes by their size,
 *	in place of what single nodes were given
 * @timeout_ms: without another EBB_IOC_TARGET_SET for so long, all targets are
 *	gone; 1 to EBB_TARGET_LEASE_MS
 * @flags: EBB_TARGET_ bits
 * @limited_refaults: pages, modulo 2^32, that cgroups at a limit of their own
 *	needed again since the agent began to count; 0 without EBB_TARGET_REFAULTS
 *
 * More than a node can give (seven eighths of it) is cut to that.
 *
 * Errors: -EINVAL timeout out of range, unknown flags, or no such node.
 */
struct ebb_target {
	__u64 bytes;
	__u32 node;
	__u32 timeout_ms;
	__u32 flags;
	__u32 limited_refaults;
};

/**
 * struct ebb_threshold - what the guest does for its target
 * @target_bytes: in force, all nodes
 * @free_huge_bytes: free in huge ranges, all nodes
 * @drop_count: targets that the module dropped by itself since it was loaded
 * @state: enum ebb_threshold_state
 * @drop_reason: enum ebb_drop_reason of the last that was dropped
 */
struct ebb_threshold {
	__u64 target_bytes;
	__u64 free_huge_bytes;
	__u64 drop_count;
	__u32 state;
	__u32 drop_reason;
};

#define EBB_IOC_MAGIC 0xeb
#define EBB_IOC_GET_INFO _IOR(EBB_IOC_MAGIC, 1, struct ebb_info)
#define EBB_IOC_GET_SEGMENTS _IOR(EBB_IOC_MAGIC, 2, struct ebb_segments)
#define EBB_IOC_CHALLENGE _IOW(EBB_IOC_MAGIC, 3, struct ebb_challenge)
#define EBB_IOC_SESSION_START _IOW(EBB_IOC_MAGIC, 4, struct ebb_session)
#define EBB_IOC_SESSION_STOP _IO(EBB_IOC_MAGIC, 5)
#define EBB_IOC_TARGET_SET _IOW(EBB_IOC_MAGIC, 6, struct ebb_target)
#define EBB_IOC_TARGET_GET _IOR(EBB_IOC_MAGIC, 7, struct ebb_threshold)

#endif /* EBB_PROTOCOL_UAPI_H */
