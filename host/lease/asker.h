/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions whose answer may never come.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A call of libvirt has no time limit of its own: it takes as long
 * as libvirtd, the monitor of that QEMU, or a guest agent takes, and nothing
 * interrupts it. A reclaim that made such a call itself could neither end when
 * its time is over nor when who asked for it has gone.
 *
 * So a thread of its own makes the call, one at a time, and the reclaim waits
 * for the answer as long as it likes. When the reclaim ends with a call still
 * under way, it leaves the thread to itself: the thread throws the answer away
 * when it comes, drops what the question referred to, and ends.
 *
 * The invariants. A question belongs to the thread from ebb_asker_ask() until
 * it is answered, and to the asker again once ebb_asker_take() returned it. So
 * it holds all that the call needs, by references of its own. Threads that were
 * left are counted: with ASKERS_LEFT_MAX of them no new asker is made, so a
 * libvirtd that hangs does not fill the daemon with threads.
 *
 * The alternatives. Killing the thread (pthread_cancel) leaves libvirt's locks
 * held. Asynchronous calls do not exist in libvirt's interface.
 */
#ifndef EBB_HOST_ASKER_H
#define EBB_HOST_ASKER_H

#include <stdbool.h>
#include <stdint.h>

struct ebb_asker;

/**
 * struct ebb_question - the head of what is asked, in malloc()ed memory
 * @work: asks, on the asker's thread; writes the answer behind this head
 * @release: drops what the question refers to, and frees it
 */
struct ebb_question {
	void (*work)(struct ebb_question *question);
	void (*release)(struct ebb_question *question);
};

/**
 * ebb_asker_new - with a thread, which sleeps until it is asked
 *
 * Returns 0, -ENOMEM, -EAGAIN (no thread to be had) or -EBUSY (too many were
 * left with calls that do not end).
 */
int ebb_asker_new(struct ebb_asker **ret_asker);

/*
 * For the one thread that owns the asker, as are all that follow. Takes
 * @question; the one before was taken back.
 */
void ebb_asker_ask(struct ebb_asker *asker, struct ebb_question *question);

/* Whether a question is out: asked, and not taken back. */
bool ebb_asker_is_asked(const struct ebb_asker *asker);

/**
 * ebb_asker_take - the question, answered
 * @until_ns: CLOCK_MONOTONIC; waits so long for the answer, 0: does not wait
 *
 * Returns the question, now the caller's, or NULL: there is no answer yet.
 */
struct ebb_question *ebb_asker_take(struct ebb_asker *asker, uint64_t until_ns);

/* Never waits for an answer. NULL is fine. */
void ebb_asker_free(struct ebb_asker *asker);

#endif /* EBB_HOST_ASKER_H */
