/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether polkit lets somebody act who may otherwise only look.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Between "may look" and "may all that root may" an administrator wants
 * rules: this person, on that machine. polkit has them, and decides elsewhere, in its own
 * time. The event loop cannot wait for it.
 *
 * The question is CheckAuthorization of the action EBB_AUTHORITY_ACTION, over a
 * connection to the system bus of its own, which lives as long as the question. It is
 * asked without interaction: no password is asked for, so what polkit would allow after
 * one is refused.
 *
 * Who asks is told as the kernel told it when the peer connected: the uid of SO_PEERCRED,
 * never one that is read later. A process id may be another process's by now, so with it
 * goes its start time, and, where the kernel and polkit know it (SO_PEERPIDFD, polkit
 * 124), a pidfd. Where they do not, a process that takes over the id has another uid than
 * the one that is told, or gains nothing by it: polkit compares the two, and our action
 * gives nothing to a session that is merely active.
 *
 * Everything that is not a clear yes is a no: no bus, no polkit, an error, a challenge,
 * or no answer within EBB_AUTHORITY_WAIT_MS.
 */
#ifndef EBB_HOST_AUTHORITY_H
#define EBB_HOST_AUTHORITY_H

#include <stdbool.h>

#define EBB_AUTHORITY_ACTION "org.ebb.manage"

enum {
	EBB_AUTHORITY_WAIT_MS = 5 * 1000
};

struct ebb_authority;

/**
 * ebb_authority_ask - ask about the peer of a connection
 * @fd: of the connection; not used after the call
 * @done: called once, on the loop's thread, after this function has returned
 *
 * For the event loop's thread. Returns the question, or NULL if it cannot be asked: then
 * @done is not called, and the answer is no.
 */
struct ebb_authority *
ebb_authority_ask(int fd, void (*done)(bool may, void *opaque), void *opaque);

/* Before @done was called: it is not called any more. */
void ebb_authority_cancel(struct ebb_authority *authority);

#endif /* EBB_HOST_AUTHORITY_H */
