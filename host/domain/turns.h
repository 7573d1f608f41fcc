/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose turn it is to reclaim.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Reclaims at once are limited, so some wait, for minutes maybe.
 * While one waits, its domain shall go on as usual (its free target is renewed,
 * it is looked at), who asked shall know how many come before him, and whoever
 * cannot begin shall keep nobody else from it.
 *
 * So what waits is not a job of the workers: it waits in line here, with its
 * domain idle. A turn that is free is offered along the line. Who cannot take it
 * now (a worker looks at his domain) keeps his place, and takes a turn when he
 * can; the turn goes to the next one. What ebbd does by itself yields to what a
 * person asks for: it comes later in line, and does not take the last turn that is
 * free, so that a person need not wait until it has ended.
 *
 * All of it is for the event loop's thread.
 */
#ifndef EBB_HOST_TURNS_H
#define EBB_HOST_TURNS_H

#include <stdbool.h>
#include <stdint.h>

struct ebb_turns;

/**
 * struct ebb_turn - one who may wait for his turn
 * @offered: one is free: call ebb_turns_take(), or leave it to others. Set by
 *	the owner, with @opaque
 * @yields: others go before him in line, and the last free turn is theirs, unless
 *	there is one in all. Set by the owner, while he is not in it, or by
 *	ebb_turns_hurry()
 * @waits: is in line
 * @taken: may reclaim; it is not in line
 */
struct ebb_turn {
	void (*offered)(void *opaque);
	void *opaque;
	bool yields;
	bool waits;
	bool taken;
	struct ebb_turn *next;
};

/**
 * struct ebb_turns
 * @limit: so many are taken at once
 * @first: the line
 * @offering: the next in line that is offered a turn, while some are
 */
struct ebb_turns {
	uint32_t limit;
	uint32_t taken;
	struct ebb_turn *first;
	struct ebb_turn *offering;
	bool is_offering;
};

/* What is between one who waits and his turn. */
struct ebb_turn_place {
	uint32_t running; /* have a turn now */
	uint32_t ahead; /* are before him in line */
};

/*
 * Takes a turn, if one is free; else gets in line, unless @turn is in it. @front:
 * before all others, as one who goes on with what he has begun. Returns whether
 * it is taken.
 */
bool ebb_turns_take(struct ebb_turns *turns, struct ebb_turn *turn, bool front);

/*
 * Somebody waits for what he does: he yields no more, and has his place in line by that.
 * @front: as above. A turn that is free is his to take.
 */
void ebb_turns_hurry(struct ebb_turns *turns, struct ebb_turn *turn,
		     bool front);

/* Gives the turn back or leaves the line, if it is in either; offers what is free. */
void ebb_turns_leave(struct ebb_turns *turns, struct ebb_turn *turn);

/* @turn is in line. */
struct ebb_turn_place ebb_turns_place(const struct ebb_turns *turns,
				      const struct ebb_turn *turn);

#endif /* EBB_HOST_TURNS_H */
