/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile.ko: a guest that lies to its host. For the tests; never installed.
 *
 * Theory of operation
 * ===================
 *
 * It takes the place of ebb.ko, /dev/ebb included, so that the real agent
 * speaks for it, and does what ebb.ko does, but for the one lie that
 * attack=NAME chooses. Without a lie (attack=none) a reclaim works: that shows
 * that the others come as far as to the punch.
 *
 * What it offers is memory of its own. Blocks of 4 MiB, filled with a pattern:
 * the lower half of each is offered, the upper half never. Afterwards each
 * page of an upper half must be as it was, and a lower half as it was or zero
 * (memory_verdict()).
 */
#ifndef EBB_TESTS_HOSTILE_H
#define EBB_TESTS_HOSTILE_H

#include <linux/types.h>

#include "protocol/ring.h"
#include "protocol/uapi.h"

enum {
	HOSTILE_BLOCKS = 8,
	HOSTILE_ORDER = EBB_LEASE_ORDER_MIN,
	HOSTILE_HALF_PAGES = 1 << HOSTILE_ORDER,
};

/**
 * struct attack - a lie; each hook may be NULL, and the truth is told
 * @name: for attack=NAME
 * @lie: range of slot @slot, in place of @range
 * @word: word of slot @slot, in place of @word, an OFFERED one
 * @answer: to a TAKEN word, in place of GRANTED; 0: none
 * @storm: over and over while a session runs, on a thread of its own
 * @attached: each ms while a host is attached and no session runs
 * @sealed: after each challenge
 * @tell: what the agent is told of the ring
 * @map: what the agent is told of memory
 * @begin: at the start of a session
 * @again: what is done is offered again, for ever
 */
struct attack {
	const char *name;
	u64 (*lie)(unsigned int slot, u64 range);
	u64 (*word)(unsigned int slot, u64 word);
	u64 (*answer)(u64 taken);
	void (*storm)(void);
	void (*attached)(void);
	void (*sealed)(void);
	void (*tell)(struct ebb_info *info);
	void (*map)(struct ebb_segments *segments);
	void (*begin)(void);
	bool again;
};

/* The one that runs. */
extern const struct attack *attack;

/* Returns NULL if there is none of that name. */
const struct attack *attack_find(const char *name);

/* memory.c: what is offered, the ring and the canaries. */
int memory_init(void);
void memory_exit(void);
struct ebb_ring *memory_ring(void);
struct page *memory_canary(unsigned int index);
unsigned long memory_end_pfn(void);
void memory_challenge(const u8 nonce[EBB_NONCE_BYTES]);
void memory_list(struct ebb_segments *segments);

/* First page of the lower half of a block. */
unsigned long memory_pfn(unsigned int block);

/* Its lower half was discarded, says the host. */
void memory_note_done(unsigned int block);

/*
 * Text: how many lower halves are whole, how many zero and done, how many zero
 * though nobody said so ("stolen"), and how many halves are neither, or upper
 * ones that are not whole ("wrong").
 */
int memory_verdict(char *text, size_t bytes);

/* session.c: offers and grants, as ebb.ko does, with the hooks of attack. */
int session_init(void);
void session_exit(void);
int session_start(const struct ebb_session *request);

/* The range of a block as it is offered by those who do not lie. */
static inline u64 honest_range(unsigned int block)
{
	return ebb_range(memory_pfn(block), HOSTILE_ORDER);
}

#endif /* EBB_TESTS_HOSTILE_H */
