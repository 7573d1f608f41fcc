/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Every bound of the contract between a guest and its host, in one place.
 *
 * A limit that the host enforces against a hostile guest and the guest keeps
 * as an honest peer must be the same number: neither side may have a copy of
 * its own. Kernel- and user-safe: constants only.
 */
#ifndef EBB_PROTOCOL_LIMITS_H
#define EBB_PROTOCOL_LIMITS_H

/* The ring. */
enum {
	/*
	 * Slots of a ring: one batch of the kernel's page reporting
	 * (PAGE_REPORTING_CAPACITY, include/linux/page_reporting.h).
	 */
	EBB_SLOT_COUNT = 32,

	/* Smallest range that is leased: 2 MiB of 4 KiB pages (x86-64). */
	EBB_LEASE_ORDER_MIN = 9,

	/* Largest: arm64 with CONFIG_ARCH_FORCE_MAX_ORDER goes to 13. */
	EBB_LEASE_ORDER_MAX = 13,

	/* A GPA page; the ring's arithmetic is in pages of this size. */
	EBB_PAGE_SHIFT = 12,
	EBB_PAGE_BYTES = 1 << EBB_PAGE_SHIFT,

	/* NUMA nodes whose facts fit into the facts page. */
	EBB_NODE_MAX = 16,

	/* Contiguous RAM segments of a guest, and canary pages in each. */
	EBB_SEGMENT_MAX = 64,
	EBB_CANARY_PER_SEGMENT = 2,

	/* Bytes of a challenge's nonce, of a boot id. */
	EBB_NONCE_BYTES = 16,
	EBB_BOOT_ID_BYTES = 16,
};

/* Time, in milliseconds unless the name says otherwise. */
enum {
	/*
	 * The host reads a slot, takes it and punches within this time, by
	 * CLOCK_MONOTONIC. A small fraction of the fastest reboot there is.
	 */
	EBB_GRANT_WINDOW_MS = 50,

	/*
	 * The guest revokes what is OFFERED or TAKEN when no slot of the batch
	 * moved for this long: the host is away, the memory goes home.
	 */
	EBB_OFFER_DEADLINE_MS = 2000,

	/*
	 * A GRANTED slot is nobody's to revoke. When the host leaves one for
	 * this long the guest says so (dmesg, session state).
	 */
	EBB_GRANT_OVERDUE_MS = 1000,

	/* The longest session without a renewal by the host. */
	EBB_SESSION_MAX_MS = 600 * 1000,

	/* How long an unloading module waits for the host to let go. */
	EBB_DETACH_WAIT_MS = 3000,

	/* How often a busy guest refreshes its facts page. */
	EBB_FACTS_PERIOD_MS = 1000,

	/*
	 * A free target without a renewal for so long is gone. Each renewal
	 * wakes the guest twice, for the message and for the room that its
	 * answer leaves; so there are few, and one that is lost on the way is
	 * tried again at once.
	 */
	EBB_TARGET_LEASE_MS = 30 * 1000,
	EBB_TARGET_RENEW_MS = 24 * 1000,
};

/* Messages (QEMU guest agent protocol, both directions). */
enum {
	EBB_MESSAGE_BYTES_MAX = 64 * 1024,
	EBB_MESSAGE_DEPTH_MAX = 16,
	EBB_STRING_BYTES_MAX = 256,
	/* What the stock agent may answer: libvirt's own limit is 10 MiB. */
	EBB_RELAY_BYTES_MAX = 10 * 1024 * 1024,
};

#endif /* EBB_PROTOCOL_LIMITS_H */
