/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who puts the knobs back when the agent is killed.
 *
 * Theory of operation
 * ===================
 *
 * What the agent turned must not outlive it, and a SIGKILL leaves it no time. So
 * a process of its own waits for its end: it holds the other end of a pipe, puts
 * back what the state file says (knobs.h), and ends. It has no signal to fear but
 * SIGKILL: the one that systemd sends to what is left of a service is blocked.
 *
 * The next agent does the same at its start, and systemd calls
 * "ebb-agent --restore-knobs" when the service ended. Whoever is at it holds a lock
 * beside the state file; an agent holds it as long as it lives, so that the guard of
 * the last one does not turn back what this one has turned.
 */
#ifndef EBB_GUEST_GUARD_H
#define EBB_GUEST_GUARD_H

struct ebb_guard;

/**
 * ebb_guard_start - from now on the end of this process is waited for
 * @root: as in sysfile.h
 * @state_dir: as in knobs.h; made (0700)
 *
 * To be called before anything is turned. Waits up to 2 s for a guard of an earlier
 * agent that is at work. Returns 0, -EWOULDBLOCK (another agent runs) or -errno.
 */
int ebb_guard_start(const char *root, const char *state_dir,
		    struct ebb_guard **ret_guard);

/* All was put back: nobody is waited for. NULL is fine. */
void ebb_guard_stop(struct ebb_guard *guard);

/* Puts back what an agent left that lives no more. Returns 0 or -errno. */
int ebb_guard_restore(const char *root, const char *state_dir);

#endif /* EBB_GUEST_GUARD_H */
