/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/turns.h"

#include <stddef.h>

static void get_in_line(struct ebb_turns *turns, struct ebb_turn *turn,
			bool front)
{
	struct ebb_turn **link = &turns->first;

	while (!front && *link && (turn->yields || !(*link)->yields))
		link = &(*link)->next;
	turn->next = *link;
	*link = turn;
	turn->waits = true;
}

static void leave_line(struct ebb_turns *turns, struct ebb_turn *turn)
{
	struct ebb_turn **link = &turns->first;

	if (!turn->waits)
		return;
	while (*link != turn)
		link = &(*link)->next;
	*link = turn->next;
	if (turns->offering == turn)
		turns->offering = turn->next;
	turn->waits = false;
	turn->next = NULL;
}

/* The last one is left to who does not yield; where there is one in all, to nobody. */
static bool is_free_for(const struct ebb_turns *turns,
			const struct ebb_turn *turn)
{
	uint32_t kept = turn->yields && turns->limit > 1;

	return turns->taken + kept < turns->limit;
}

bool ebb_turns_take(struct ebb_turns *turns, struct ebb_turn *turn, bool front)
{
	if (turn->taken)
		return true;
	/* Where one is free for it, all before it in line were offered it. */
	if (!is_free_for(turns, turn)) {
		if (!turn->waits)
			get_in_line(turns, turn, front);
		return false;
	}
	leave_line(turns, turn);
	turn->taken = true;
	turns->taken++;
	return true;
}

void ebb_turns_hurry(struct ebb_turns *turns, struct ebb_turn *turn, bool front)
{
	if (!turn->yields)
		return;
	turn->yields = false;
	if (!turn->waits)
		return;
	leave_line(turns, turn);
	get_in_line(turns, turn, front);
}

/* Who is offered a turn may take it, leave the line, or end another's turn. */
static void offer(struct ebb_turns *turns)
{
	struct ebb_turn *turn;

	if (turns->is_offering)
		return;
	turns->is_offering = true;
	turns->offering = turns->first;
	while (turns->taken < turns->limit && (turn = turns->offering)) {
		turns->offering = turn->next;
		turn->offered(turn->opaque);
	}
	turns->offering = NULL;
	turns->is_offering = false;
}

void ebb_turns_leave(struct ebb_turns *turns, struct ebb_turn *turn)
{
	leave_line(turns, turn);
	if (!turn->taken)
		return;
	turn->taken = false;
	turns->taken--;
	offer(turns);
}

struct ebb_turn_place ebb_turns_place(const struct ebb_turns *turns,
				      const struct ebb_turn *turn)
{
	struct ebb_turn_place place = { .running = turns->taken };

	for (const struct ebb_turn *other = turns->first; other != turn;
	     other = other->next)
		place.ahead++;
	return place;
}
