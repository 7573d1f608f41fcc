/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lease and its ring (protocol/lease.h, protocol/ring.h) as a model.
 *
 * Theory of operation
 * ===================
 *
 * Everything that two sides share is one global: the words of a ring page, and
 * each step below reads or swaps at most one of them, so that Spin interleaves
 * them in every order. Kernels, controllers and whoever gets the page next are
 * processes; a delay is a process that does not move, a kill -9 a step that is
 * possible between any two others.
 *
 * Randomness. What is drawn at random in the code (tag, ticket, nonce) is a
 * fresh number here, counted from 1. Foreign data has 0 in its place: it may
 * look like any word that can be guessed, never like a fresh one.
 *
 * Time. A controller's window is a bit. It may be found closed at any check,
 * and it is closed for sure once a reset that began after it has booted the
 * next kernel: the one assumption about speed (a reset takes longer than the
 * window). A window that opened while the machine was resetting may survive.
 *
 * Ends. No process polls: it waits until what it would see has changed. So
 * each run is finite (checked: no cycle at all), and "comes back in the end"
 * is an assertion about the last state of each run (process monitor).
 *
 * What is asserted, by name:
 *   not_live	a punched range holds no live data of any kernel
 *   own_word	a host's write hits a word of the very ring that it attached
 *   lawful	each move of a slot is one of ebb_lease_may()
 *   let_go	no ring page is freed while a host that is in may write to it
 *   home	in the end every range is back with the guest
 *   closed	in the end no leaving module waits for a live host
 *
 * A rule that is left out by -D is a variant which must fail, a WITNESS a state
 * that must be reached, so that no run holds by doing nothing: see run.
 */
#include "lease-table.h"

#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef HOSTS
#define HOSTS 2 /* controllers of one host, one flock */
#endif
#ifndef HELPERS
#define HELPERS 0 /* 1: the first controller has a second worker */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef RESETS
#define RESETS 1
#endif
#ifndef RINGS
#define RINGS 2 /* loads of the module, over all kernels */
#endif
#ifndef CLOSES
#define CLOSES 1 /* unloads */
#endif
#ifndef OFFERS
#define OFFERS 2
#endif
#ifndef QUITS
#define QUITS 1 /* orderly detaches of a host that could go on */
#endif
#define PAGES 2
#define WORKERS (HOSTS + HELPERS)

/* A word: state, epoch (ticket if OFFERED), nonce, and the mark of a ring. */
#define WORD(state, epoch, nonce, mark) \
	((state) | (epoch) << 8 | (nonce) << 12 | (mark) << 16)
#define STATE(w) ((w) & 255)
#define EPOCH(w) (((w) >> 8) & 15)
#define MARK(w) (((w) >> 16) & 15)
#define WITH_STATE(w, state) (((w) - STATE(w)) + (state))

#ifdef NO_TAG
#define TAG(ring) 0
#else
#define TAG(ring) (ring)
#endif
#ifdef NO_TICKET
#define OFFER_WORD WORD(EBB_LEASE_OFFERED, 0, 0, TAG(grings))
#else
#define OFFER_WORD WORD(EBB_LEASE_OFFERED, ticket, 0, TAG(grings))
#endif
#ifdef NO_NONCE
#define FRESH 0
#else
#define FRESH nonce
#endif
/* Whether a word that was read can be of the ring that the host attached. */
#define OURS(w) (MARK(w) == TAG(ring))
#ifdef TAKE_UNMARKED
#define OUR_OFFER(w) true
#else
#define OUR_OFFER(w) OURS(w)
#endif
#ifdef RESOLVE_UNMARKED
#define OUR_LEASE(w) true
#else
#define OUR_LEASE(w) OURS(w)
#endif

#define GUEST 0
#define HOST 1

/* The ring pages, as anybody sees them. */
int host_word[PAGES];
byte ring_state[PAGES];
int word[PAGES * SLOTS];
byte range[PAGES * SLOTS]; /* 1 or 2, 0: never written */
#define SLOT(page, s) word[(page) * SLOTS + (s)]
#define RANGE(page, s) range[(page) * SLOTS + (s)]

/* Ghosts: what each page really is. */
byte ring_of[PAGES]; /* last ring that was set up here, 0: none */
bool foreign_host, foreign_slot; /* page 0: host word, slot 0 */

/* The guest. */
mtype = { NONE, OPEN, CLOSING };
bool running = true; /* false: between crash and boot */
mtype phase = NONE;
byte gpage; /* of the ring */
byte grings; /* rings so far: the tag of the last */
byte freed; /* ghost: last ring whose page was freed */
byte ring_page[RINGS + 1]; /* what the agent announces */
byte held[SLOTS]; /* range that is isolated for this slot, 0: none */
byte ticket, offers, resets, closes;
bool saw_detached;
#define ALIVE (running && phase != NONE)
#if SLOTS == 1
#define IS_HELD(r) (held[0] == (r))
#define NONE_HELD (held[0] == 0)
#define ALL_FREE (STATE(SLOT(gpage, 0)) == EBB_LEASE_FREE)
#else
#define IS_HELD(r) (held[0] == (r) || held[1] == (r))
#define NONE_HELD (held[0] == 0 && held[1] == 0)
#define ALL_FREE (STATE(SLOT(gpage, 0)) == EBB_LEASE_FREE && \
		  STATE(SLOT(gpage, 1)) == EBB_LEASE_FREE)
#endif

/* The host. */
mtype = { SHUT, FRESHLY, IN_RESET }; /* a window: closed, or when it opened */
mtype window[WORKERS] = SHUT;
bool hot[WORKERS]; /* between the last clock check and the end of the punch */
byte in[WORKERS]; /* ring that this host has attached and may write to */
bool doomed[HOSTS], busy_host[HOSTS];
byte lock, nonce, kills, quits, reverts;

/* One worker more in the same process: what it shares with the first. */
bool team, helping;
byte team_page, team_ring, team_epoch;

#if defined(RESIDUAL)
#define STALE_HOT false
#elif WORKERS == 1
#define STALE_HOT (hot[0] && window[0] == FRESHLY)
#else
#define STALE_HOT ((hot[0] && window[0] == FRESHLY) || \
		   (hot[1] && window[1] == FRESHLY))
#endif
#if WORKERS == 1
#define MAPPED (in[0] == grings)
#else
#define MAPPED (in[0] == grings || in[1] == grings)
#endif

/* The guest's rules, and what is left of them in a variant. */
#if defined(REVOKE_GRANTED)
#define MAY_REVOKE(state) ((state) == EBB_LEASE_OFFERED || \
			   (state) == EBB_LEASE_TAKEN || \
			   (state) == EBB_LEASE_GRANTED)
#elif defined(KEEP_TAKEN)
#define MAY_REVOKE(state) ((state) == EBB_LEASE_OFFERED)
#else
#define MAY_REVOKE(state) ((state) == EBB_LEASE_OFFERED || \
			   (state) == EBB_LEASE_TAKEN)
#endif
#ifdef USE_AT_TAKEN
#define STILL_HELD(s) true
#else
#define STILL_HELD(s) (held[s] != 0)
#endif
#ifdef GRANT_ANY_EPOCH
#define EPOCH_IS_HOSTS(w) true
#else
#define EPOCH_IS_HOSTS(w) (STATE(host_word[gpage]) == EBB_HOST_ATTACHED && \
			   EPOCH(host_word[gpage]) == EPOCH(w))
#endif
#ifdef FREE_AT_ONCE
#define HOST_IS_OUT true
#else
#define HOST_IS_OUT (saw_detached || \
		     STATE(host_word[gpage]) == EBB_HOST_DETACHED)
#endif
#ifdef RESOLVE_GRANTED_ONLY
#define LEFT_BEHIND(state) ((state) == EBB_LEASE_GRANTED)
#else
#define LEFT_BEHIND(state) ((state) == EBB_LEASE_TAKEN || \
			    (state) == EBB_LEASE_GRANTED)
#endif
#ifdef OTHER_EPOCHS_ONLY
#define OLDER(w) (EPOCH(w) != epoch)
#else
#define OLDER(w) true
#endif
#ifdef NO_FLOCK
#define LOCK_IS_FREE true
#else
#define LOCK_IS_FREE (lock == 0)
#endif
#ifdef NO_RECHECK
#define IS_STILL_MINE true
#else
#define IS_STILL_MINE (host_word[page] == h)
#endif
#ifdef NO_WINDOW
#define IN_TIME true
#else
#define IN_TIME (window[me] != SHUT)
#endif

hidden byte not_live, own_word, lawful, let_go, home, closed;

#define ALLOWED(actor, a, b) \
	|| (who == actor && STATE(old) == EBB_LEASE_##a && \
	    STATE(new) == EBB_LEASE_##b)

/* Checks a move of a slot against the table. In a d_step. */
inline check_move(who, old, new)
{
#ifndef ANY_MOVE
	lawful = (false MODEL_MOVES(ALLOWED));
	assert(lawful)
#else
	skip
#endif
}

/* The guest moves a slot of its ring. In a d_step. */
inline guest_move(s, new_word)
{
	check_move(GUEST, SLOT(gpage, s), new_word);
	SLOT(gpage, s) = new_word
}

/* The range goes home; whatever the guest does to it from here is live. */
inline guest_return(s)
{
	held[s] = 0
}

/*
 * One slot of the guest. Each option is one step of a living kernel; a read
 * and the swap that follows it are one step, as a swap from a stale reading
 * fails and changes nothing.
 */
proctype guest_slot(byte s)
{
	byte r;

end:	do
	/* Isolate a range and write it down. */
	:: atomic {
		ALIVE && phase == OPEN && held[s] == 0 && offers < OFFERS &&
		SLOT(gpage, s) == EBB_LEASE_FREE ->
		if
		:: !IS_HELD(1) -> r = 1
		:: !IS_HELD(2) -> r = 2
		fi;
		offers++;
		held[s] = r;
		RANGE(gpage, s) = r;
		r = 0
	}
	/* FREE -> OFFERED */
	:: d_step {
		ALIVE && phase == OPEN && held[s] != 0 &&
		SLOT(gpage, s) == EBB_LEASE_FREE ->
		ticket++;
		guest_move(s, OFFER_WORD)
	}
	/* Leaving before the offer was out. */
	:: d_step {
		ALIVE && phase == CLOSING && held[s] != 0 &&
		SLOT(gpage, s) == EBB_LEASE_FREE ->
		guest_return(s)
	}
	/* OFFERED, TAKEN -> REVOKED: deadline, or it wants the range. */
	:: d_step {
		ALIVE && held[s] != 0 && MAY_REVOKE(STATE(SLOT(gpage, s))) ->
		guest_move(s, WITH_STATE(SLOT(gpage, s), EBB_LEASE_REVOKED))
	}
#ifdef USE_AT_TAKEN
	:: d_step {
		ALIVE && held[s] != 0 &&
		STATE(SLOT(gpage, s)) == EBB_LEASE_TAKEN ->
		guest_return(s)
	}
#endif
	/* TAKEN -> GRANTED */
#ifndef PUNCH_AT_TAKEN
	:: d_step {
		ALIVE && STATE(SLOT(gpage, s)) == EBB_LEASE_TAKEN &&
		STILL_HELD(s) && EPOCH_IS_HOSTS(SLOT(gpage, s)) ->
		guest_move(s, WITH_STATE(SLOT(gpage, s), EBB_LEASE_GRANTED))
	}
#endif
	/* DONE, FAILED, REVOKED -> FREE, and use it. */
	:: d_step {
		ALIVE && (STATE(SLOT(gpage, s)) == EBB_LEASE_DONE ||
			  STATE(SLOT(gpage, s)) == EBB_LEASE_FAILED ||
			  STATE(SLOT(gpage, s)) == EBB_LEASE_REVOKED) ->
		guest_move(s, EBB_LEASE_FREE);
		guest_return(s)
	}
	od
}

/* Sets up a ring in a page with whatever content. In a d_step. */
inline ring_init(page)
{
	grings++;
	gpage = page;
	phase = OPEN;
	saw_detached = false;
	ring_page[grings] = page;
	ring_of[page] = grings;
	host_word[page] = WORD(EBB_HOST_DETACHED, 0, 0, TAG(grings));
	ring_state[page] = EBB_RING_OPEN;
	foreign_host = (page == 0 -> false : foreign_host);
	foreign_slot = (page == 0 -> false : foreign_slot);
	SLOT(page, 0) = EBB_LEASE_FREE;
	RANGE(page, 0) = 0;
#if SLOTS > 1
	SLOT(page, 1) = EBB_LEASE_FREE;
	RANGE(page, 1) = 0
#endif
}

/* The module's life in one kernel, and the end of that kernel. */
active proctype guest_ring()
{
end:	do
	:: d_step { running && phase == NONE && grings < RINGS ->
		   ring_init(0) }
	:: d_step { running && phase == NONE && grings < RINGS &&
		   grings > 0 -> ring_init(1) }
#ifdef NO_BARRIER
	/* The load of the host word overtakes the store of CLOSED. */
	:: d_step { ALIVE && phase == OPEN && closes < CLOSES &&
		   STATE(host_word[gpage]) == EBB_HOST_DETACHED ->
		   saw_detached = true }
#endif
	/* Leave: close, drain, free the page only when nobody is in. */
	:: d_step { ALIVE && phase == OPEN && closes < CLOSES ->
		   closes++; phase = CLOSING;
		   ring_state[gpage] = EBB_RING_CLOSED }
	:: d_step { ALIVE && phase == CLOSING && NONE_HELD && ALL_FREE &&
		   HOST_IS_OUT ->
		   let_go = !MAPPED;
		   assert(let_go);
		   freed = grings;
#if WITNESS == 3
		   assert(EPOCH(host_word[gpage]) == 0);
#endif
		   phase = NONE; gpage = 0;
		   saw_detached = false }
	/* Reset, crash, kexec: nothing is cleared, the kernel just ends. */
	:: d_step { running && grings > 0 && resets < RESETS ->
		   resets++; running = false }
	/* The next kernel runs and all memory is its own, in use. */
	:: d_step {
		!running && !STALE_HOT ->
		running = true;
		phase = NONE; gpage = 0;
		saw_detached = false;
		held[0] = 0;
#if SLOTS > 1
		held[1] = 0;
#endif
		window[0] = (window[0] == FRESHLY -> SHUT : window[0]);
#if WORKERS > 1
		window[1] = (window[1] == FRESHLY -> SHUT : window[1])
#endif
	}
	od
}

#define ABANDONED(page) \
	(running && ring_of[page] != 0 && (phase == NONE || gpage != page))

/*
 * Whoever has the first ring's page next: writes what looks like words of the
 * protocol, as far as these can be guessed, one word at any time. (The page of
 * the second ring would only be more of the same.)
 */
active proctype others()
{
end:	do
	:: d_step { ABANDONED(0) && !foreign_host ->
		   foreign_host = true;
		   host_word[0] = WORD(EBB_HOST_DETACHED, 0, 0, 0) }
	:: d_step { ABANDONED(0) && !foreign_slot ->
		   foreign_slot = true; RANGE(0, 0) = 1;
		   SLOT(0, 0) = WORD(EBB_LEASE_OFFERED, 0, 0, 0) }
	:: d_step { ABANDONED(0) && !foreign_slot ->
		   foreign_slot = true;
		   SLOT(0, 0) = WORD(EBB_LEASE_GRANTED, 1, 0, 0) }
	od
}

/* The host's swaps. In a d_step after the word was found equal. */
inline host_owns(is_foreign)
{
	own_word = (!(is_foreign && page == 0) && ring_of[page] == ring);
	assert(own_word)
}

inline slot_cas(old, new, ret_ok)
{
	d_step {
		if
		:: SLOT(page, s) == (old) ->
			host_owns((foreign_slot && s == 0));
			check_move(HOST, SLOT(page, s), new);
			SLOT(page, s) = new;
			ret_ok = true
		:: else -> ret_ok = false
		fi
	}
}

inline host_cas(old, new, ret_ok)
{
	d_step {
		if
		:: host_word[page] == (old) ->
			host_owns(foreign_host);
			host_word[page] = new;
			ret_ok = true
		:: else -> ret_ok = false
		fi
	}
}

inline open_window()
{
	window[me] = (running -> FRESHLY : IN_RESET)
}

/* From here on this host believes that it may write. In a d_step. */
inline enter()
{
	in[me] = ring;
	let_go = (freed != ring);
	assert(let_go)
}

#define OFFERED_AT(n) \
	(STATE(SLOT(page, n)) == EBB_LEASE_OFFERED && OUR_OFFER(SLOT(page, n)))

/* Takes one offer from OFFERED to its end. Blocks until there is one. */
inline serve()
{
	/* The clock, then the copy: the word, then the range. */
	d_step {
		if
		:: OFFERED_AT(0) -> s = 0
#if SLOTS > 1
		:: OFFERED_AT(1) -> s = 1
#endif
		fi;
		w = SLOT(page, s);
#if !defined(CLOCK_AT_TAKE) && !defined(CLOCK_AFTER_TAKE)
		open_window()
#endif
	}
	r = RANGE(page, s);
#ifdef CLOCK_AT_TAKE
	open_window();
#endif
	d_step {
		if
		:: SLOT(page, s) == w ->
			host_owns((foreign_slot && s == 0));
			nonce++;
			w = WORD(EBB_LEASE_TAKEN, epoch, FRESH, TAG(ring));
			check_move(HOST, SLOT(page, s), w);
			SLOT(page, s) = w;
			ok = true
		:: else -> ok = false
		fi
	}
	if
	:: !ok
	:: else ->
#ifdef CLOCK_AFTER_TAKE
		open_window();
#endif
#ifndef PUNCH_AT_TAKEN
		/* Wait for the grant, or give up. */
		if
		:: SLOT(page, s) == WITH_STATE(w, EBB_LEASE_GRANTED)
		:: SLOT(page, s) != WITH_STATE(w, EBB_LEASE_GRANTED) &&
		   SLOT(page, s) != w -> ok = false
		:: slot_cas(w, WITH_STATE(w, EBB_LEASE_FAILED), ok);
		   ok = !ok && SLOT(page, s) ==
			       WITH_STATE(w, EBB_LEASE_GRANTED)
		fi;
		w = WITH_STATE(w, EBB_LEASE_GRANTED);
#endif
		if
		:: !ok
		:: else -> punch()
		fi
	fi;
	d_step {
		window[me] = SHUT; ok = false; w = 0; r = 0; s = 0
	}
}

/* The last look at the clock, the system call, the answer. */
inline punch()
{
	if
#ifdef DETACH_AT_ONCE
	:: ring_state[page] != EBB_RING_OPEN
#endif
	/* Too late; at any time, as the window is short. */
	:: slot_cas(w, WITH_STATE(w, EBB_LEASE_FAILED), ok)
#if WITNESS == 4
	   assert(ok || ring_of[page] == ring)
#endif
	:: d_step { IN_TIME -> hot[me] = (window[me] != SHUT) }
	   d_step {
		not_live = IS_HELD(r);
		assert(not_live);
		hot[me] = false
	   }
#ifdef STORE_DONE
	   d_step {
		host_owns((foreign_slot && s == 0));
		check_move(HOST, SLOT(page, s), EBB_LEASE_DONE);
		SLOT(page, s) = WITH_STATE(w, EBB_LEASE_DONE)
	   }
#else
	   slot_cas(w, WITH_STATE(w, EBB_LEASE_DONE), ok)
#endif
#if WITNESS == 1
	   assert(!(ok && ring == 2 && resets == 1))
#endif
	fi
}

/*
 * Fails what is TAKEN or GRANTED when a host comes: nothing of its own is in
 * flight yet, and the lock says that nothing of anybody else's is.
 */
inline resolve_older()
{
	s = 0;
	do
	:: s < SLOTS ->
		w = SLOT(page, s);
		if
		:: OUR_LEASE(w) && OLDER(w) && LEFT_BEHIND(STATE(w)) ->
			slot_cas(w, WITH_STATE(w, EBB_LEASE_FAILED), ok);
#if WITNESS == 2
			assert(!(ok && STATE(w) == EBB_LEASE_GRANTED));
#endif
#ifdef RESOLVE_ONCE
			s++
#endif
		:: else -> s++
		fi
	:: else -> break
	od;
	skip;
	d_step { s = 0; w = 0; ok = false }
}

#define REACHABLE(n) \
	(grings >= (n) && \
	 MARK(host_word[ring_page[n]]) == TAG(n) && \
	 (ring_state[ring_page[n]] == EBB_RING_OPEN || \
	  STATE(host_word[ring_page[n]]) != EBB_HOST_DETACHED))

/* A controller, over all its lives: a killed one is started again. */
proctype host(byte me)
{
	byte page, ring, epoch, first = 1, s, r, mygen;
	int h, w;
	bool ok, displaced;

start:	skip;
	d_step {
		page = 0; ring = 0; epoch = 0; s = 0; r = 0; h = 0; w = 0;
		ok = false; displaced = false; mygen = 0
	}
	{
		skip;
end_lock:	d_step { LOCK_IS_FREE -> lock = me + 1; busy_host[me] = true }
		/* A ring that the agent told of, maybe long ago. */
end_wait:	atomic {
			if
			:: first <= 1 && REACHABLE(1) -> ring = 1
#if RINGS > 1
			:: first <= 2 && REACHABLE(2) -> ring = 2
#endif
			fi;
			page = ring_page[ring]
		}
attach:		skip;
		d_step { mygen = reverts; h = host_word[page] }
		if
		:: MARK(h) == TAG(ring)
		:: MARK(h) != TAG(ring) -> goto gone
		fi;
		d_step {
			displaced = (STATE(h) != EBB_HOST_DETACHED);
			epoch = EPOCH(h) + 1
		}
		d_step {
			if
			:: host_word[page] == h ->
				host_owns(foreign_host);
				h = WORD(EBB_HOST_ATTACHED, epoch, 0,
					 TAG(ring));
				host_word[page] = h;
				ok = true;
				if
				:: displaced -> in[me] = ring
				:: else
				fi
			:: else -> ok = false
			fi
		}
		if
		:: !ok -> goto leave
		:: ok
		fi;
		/* Dekker: after the swap, is the ring still open? */
#ifndef NO_REREAD
		ok = (ring_state[page] == EBB_RING_OPEN);
		if
		:: !ok && !displaced -> goto undo
		:: ok || displaced
		fi;
		/* And was it this ring that was open? */
		d_step {
			ok = ok && IS_STILL_MINE;
			if
			:: ok -> enter()
			:: else
			fi
		}
		if
		:: !ok && !displaced -> goto undo
		:: ok || displaced
		fi;
#else
		d_step { enter() }
#endif
#ifdef CLOSED_UNRESOLVED
		if
		:: !ok -> goto undo
		:: ok
		fi;
#endif
#ifndef NO_RESOLVE
		resolve_older();
#endif
#if HELPERS
		d_step {
			team = true; team_page = page; team_ring = ring;
			team_epoch = epoch
		}
#endif
end_idle:	do
		:: serve()
		:: ring_state[page] != EBB_RING_OPEN -> goto undo
		:: d_step { grings > ring -> first = ring + 1 }
		   goto undo
		:: d_step { quits < QUITS -> quits++ }
		   goto undo
#ifndef NO_REATTACH
		:: reverts != mygen -> goto attach
#endif
		od;
undo:		skip;
#if HELPERS
		team = false;
		!helping;
#endif
		d_step {
			if
			:: host_word[page] == h ->
				host_owns(foreign_host);
				host_word[page] = WORD(EBB_HOST_DETACHED,
						       epoch, 0, TAG(ring))
			:: else
			fi;
			in[me] = 0
		}
		goto leave;
gone:		first = ring + 1
	} unless {
		doomed[me]
	}
leave:	skip;
	d_step {
		doomed[me] = false;
		busy_host[me] = false;
		hot[me] = false;
		window[me] = SHUT;
		in[me] = 0;
		lock = (lock == me + 1 -> 0 : lock)
	}
	goto start
}

#if HELPERS
/* A second worker of controller 0: same process, epoch and mapping. */
proctype helper(byte me)
{
	byte page, ring, epoch, s, r;
	int w;
	bool ok;

end:	do
	:: d_step { team -> helping = true; page = team_page;
		   ring = team_ring; epoch = team_epoch }
end_serve:	if
		:: serve()
		:: !team
		fi;
		helping = false
	od
}
#endif

active proctype killer()
{
end:	do
	:: d_step { kills < KILLS && busy_host[0] && !doomed[0] ->
		   kills++; doomed[0] = true }
#if HOSTS > 1
	:: d_step { kills < KILLS && busy_host[1] && !doomed[1] ->
		   kills++; doomed[1] = true }
#endif
	od
}

#ifdef REVERT
/* A snapshot of the guest, and the way back to it. The host has no snapshot. */
active proctype snapshot()
{
	int old_host, old_word;
	byte old_state, old_range, old_held, old_ticket;
	mtype old_phase;

end:	d_step {
		ALIVE ->
		old_host = host_word[0]; old_word = word[0];
		old_state = ring_state[0];
		old_range = range[0]; old_held = held[0];
		old_ticket = ticket; old_phase = phase
	}
	d_step {
		!STALE_HOT ->
		host_word[0] = old_host; word[0] = old_word;
		ring_state[0] = old_state;
		range[0] = old_range; held[0] = old_held;
		ticket = old_ticket; phase = old_phase;
		window[0] = SHUT;
		reverts++
	}
}
#endif

active proctype monitor()
{
	timeout ->
	d_step {
		home = NONE_HELD;
		assert(home);
		closed = (phase != CLOSING);
		assert(closed)
	}
}

init
{
	atomic {
		run guest_slot(0);
#if SLOTS > 1
		run guest_slot(1);
#endif
		run host(0);
#if HOSTS > 1
		run host(1);
#endif
#if HELPERS
		run helper(HOSTS);
#endif
	}
}
