/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest with ebb.ko, played by a thread over a memfd.
 *
 * It offers ranges batch by batch as kmod/batch.c does, by the helpers of
 * ring.h, and checks at each final state what the host did to the range: zeros
 * after DONE, its own data after FAILED and REVOKED.
 */
#ifndef EBB_TESTS_FAKE_GUEST_H
#define EBB_TESTS_FAKE_GUEST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/lease/lender.h"

enum {
	FAKE_RANGE_MAX = 40,
	FAKE_RANGE_BYTES = 2 << 20,
};

/* Where the guest's memory begins; its file begins at 0. */
#define FAKE_GPA ((uint64_t)4 << 30)

/* What the guest does for a free target. */
enum fake_drive {
	FAKE_FREES, /* range after range, until it is met or free_limit */
	FAKE_DROPS, /* the same, but drops the target at free_limit */
	FAKE_IGNORES, /* nothing, and its facts stay as they are */
	FAKE_BOASTS, /* facts that promise more and more, and no offers */
};

/* What the guest does that an honest one does not. */
enum fake_manner {
	FAKE_HONEST,
	FAKE_REVOKES_TAKEN, /* takes back what the host has taken */
	FAKE_REVOKES_ONE, /* the same with the one at @revoked_take alone */
	FAKE_NEVER_GRANTS, /* and leaves TAKEN as it is */
	FAKE_GRANTS_LATE, /* tries, some ms after the host gave up */
	FAKE_FORGES_NONCE, /* grants what the host did not take */
	FAKE_SILENT, /* starts a session and offers nothing */
	FAKE_LEAVES, /* closes the ring when a slot is taken */
	FAKE_RESETS, /* is gone when a slot is taken; then grants */
	FAKE_IS_CANCELLED, /* the host is cancelled in the second batch */
	FAKE_OFFERS_OUTSIDE, /* offers what it does not have */
	FAKE_OFFERS_RING, /* offers the ring's own page */
	FAKE_PRESSED, /* ends the session after the first batch */
};

struct fake_range {
	uint64_t offset; /* in the file */
	uint32_t final; /* enum ebb_lease_state of the last offer, or 0 */
	uint32_t offers;
	bool done; /* in any of them */
};

/*
 * @free_count: of the ranges, from the first, that may be offered; the others
 *	are in use. All of them, unless a test says otherwise.
 * @free_limit: how many a target can make free
 */
struct fake_guest {
	int fd;
	uint8_t *memory;
	struct ebb_ring *ring;
	enum fake_manner manner;
	uint32_t batch_slots;
	uint32_t takes; /* so many slots were taken */
	uint32_t revoked_take;
	uint32_t rounds; /* how often what is not DONE is offered again */
	uint32_t range_count;
	struct fake_range ranges[FAKE_RANGE_MAX];
	atomic_uint free_count;
	uint32_t free_limit;
	enum fake_drive drive;
	uint32_t drive_ms; /* for a range */
	_Atomic uint64_t target_bytes;
	uint64_t drop_count;
	pthread_t driver;
	bool driven;
	uint64_t ticket;
	uint64_t session_id;
	pthread_t thread;
	atomic_bool started; /* and not joined yet, by whichever thread */
	const char *volatile wrong; /* what the host broke, or NULL */
	atomic_bool gone; /* of the order */
	atomic_bool cancelled;
	/* The host's side, ready for a session. */
	struct ebb_guest_process qemu;
	struct ebb_backing backing; /* its only one */
	struct ebb_map map;
	struct ebb_map_segment segment; /* its only one */
	struct ebb_ringmap ringmap;
	struct ebb_lender lender;
};

/*
 * @stride: from one range to the next in the file; FAKE_RANGE_BYTES makes them
 * neighbours. Returns false if the machine does not give what is needed.
 */
bool fake_guest_begin(struct fake_guest *guest, uint32_t range_count,
		      uint64_t stride);

/* As the agent does. */
int fake_guest_start(struct fake_guest *guest, uint64_t session_id);

/*
 * A free target, in place of the one before; 0: none. The guest works for it by
 * itself, and says in the ring's facts what it does.
 */
void fake_guest_aim(struct fake_guest *guest, uint64_t target_bytes);

/* Publishes facts with that state. */
void fake_guest_tell(struct fake_guest *guest, enum ebb_threshold_state state);

/* Its memory is all resident again, as after a restore. */
void fake_guest_refill(struct fake_guest *guest);

/* Waits for the thread. */
void fake_guest_join(struct fake_guest *guest);

void fake_guest_end(struct fake_guest *guest);

/* What a range holds. */
bool fake_range_is_zero(const struct fake_guest *guest, uint32_t index);
bool fake_range_is_intact(const struct fake_guest *guest, uint32_t index);

#endif /* EBB_TESTS_FAKE_GUEST_H */
