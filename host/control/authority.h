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
 * or no answer within EBB_AUTHORITY_WAIT_MS. But a no of polkit's is a rule, and the others
 * are a fault that somebody can mend: so the answer tells them apart.
 */
#ifndef EBB_HOST_AUTHORITY_H
#define EBB_HOST_AUTHORITY_H

#include <stdbool.h>

#define EBB_AUTHORITY_ACTION "org.ebb.manage"

enum {
	EBB_AUTHORITY_WAIT_MS = 5 * 1000
};

/**
 * enum ebb_authority_answer
 * @EBB_AUTHORITY_NO: polkit says no, or asks for a password, or the peer has ended
 * @EBB_AUTHORITY_YES: polkit says yes
 *
 * Each of the others is a no as well, and tells why polkit was not heard:
 *
 * @EBB_AUTHORITY_ODD_BUS: the address of the bus is not understood
 * @EBB_AUTHORITY_NO_BUS: nobody answers at the address
 * @EBB_AUTHORITY_NO_POLKIT: nobody on the bus has polkit's name
 * @EBB_AUTHORITY_ERROR: polkit answers with an error
 * @EBB_AUTHORITY_SILENT: no answer came in time, or ever will
 * @EBB_AUTHORITY_FAILED: ebbd has no memory or no files for the question
 */
enum ebb_authority_answer {
	EBB_AUTHORITY_NO,
	EBB_AUTHORITY_YES,
	EBB_AUTHORITY_ODD_BUS,
	EBB_AUTHORITY_NO_BUS,
	EBB_AUTHORITY_NO_POLKIT,
	EBB_AUTHORITY_ERROR,
	EBB_AUTHORITY_SILENT,
	EBB_AUTHORITY_FAILED,
};

typedef void (*ebb_authority_fn)(enum ebb_authority_answer answer,
				 void *opaque);

struct ebb_authority;

/**
 * ebb_authority_ask - ask about the peer of a connection
 * @fd: of the connection; not used after the call
 * @done: called once, on the loop's thread, after this function has returned
 * @ret_answer: where the question cannot be asked
 *
 * For the event loop's thread. Returns the question, or NULL if it cannot be asked: then
 * @done is not called.
 */
struct ebb_authority *ebb_authority_ask(int fd, ebb_authority_fn done,
					void *opaque,
					enum ebb_authority_answer *ret_answer);

/* Why polkit was not heard, and how that is mended; NULL: it was. */
const char *ebb_authority_fault(enum ebb_authority_answer answer);

/* Before @done was called: it is not called any more. */
void ebb_authority_cancel(struct ebb_authority *authority);

#endif /* EBB_HOST_AUTHORITY_H */
