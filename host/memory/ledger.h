/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was lent of one file on hugetlbfs: which pages, and what became of them.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A punch gives a huge page to the pool, and its reservation with
 * it (hugepool.h): the guest is owed the page, and if the pool runs short its
 * hole must be reserved again. But a hole is not a debt. Memory that the guest
 * has never touched is a hole that QEMU has reserved; and virtio-mem's memory
 * that is not plugged is a hole that nobody has reserved or is owed, however
 * large it is (libvirt gives it reserve=off): to reserve a whole file takes
 * 60 GiB from the pool for a guest that has none of them.
 *
 * The answer. A bit for each page of the file: it was punched by us and not
 * reserved since. Exactly these are owed, and exactly these are reserved again.
 * 64 GiB are 4 KiB of bits.
 *
 * A punch may meet a hole, whose reservation it leaves alone. So there is a sum
 * beside the bits, of what each punch freed by the file's own books; the bits say
 * where, the sum how much, and the less of both is owed.
 *
 * What nobody tells is that the guest took a page back. The books do: a page
 * that is lent is a hole, so what is lent beyond the holes was taken back.
 *
 * The unknown. What an ebbd before this one took is not known. Then all that is
 * proven to be the guest's memory is taken for lent, once; the holes bound it.
 * Where memory was never touched that is too much, which is safe: its holes are
 * covered twice.
 *
 * Unplugged memory. What is no segment of the guest's is forgotten. But its
 * kernel keeps a block of 128 MiB of which a part is unplugged, and names all of
 * it. libvirt says how much is plugged, though not where; what is unplugged is
 * not there, so of what is plugged all that the file does not hold, and no more,
 * can be owed. If that is nothing, no page is. Else what is reserved again may
 * be unplugged where it is in the same block as memory that was lent.
 *
 * Who writes: whoever punches and whoever reserves, under the mutex, which nobody
 * holds during a system call: the event loop asks for the debt. A page that is
 * punched while it is reserved must not be lost, so the bit goes before the
 * reservation is made and comes after the punch. Until the reservation is made
 * the page is still owed.
 */
#ifndef EBB_HOST_LEDGER_H
#define EBB_HOST_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

struct ebb_ledger;

/**
 * struct ebb_debt - of one file, or the sum of several, in bytes
 * @owed_bytes: the guest may take them back at any time, and nothing is reserved
 *	for them
 * @lent_bytes: all that was ever lent, by this ebbd
 * @reserved_bytes: what of it was reserved again: the host has nothing of it
 * @returned_bytes: what the guest has taken back
 *
 * Of what is lent by this ebbd alone, lent = owed + reserved + returned; @owed
 * has also what may have been lent before.
 */
struct ebb_debt {
	uint64_t owed_bytes;
	uint64_t lent_bytes;
	uint64_t reserved_bytes;
	uint64_t returned_bytes;
};

/**
 * ebb_ledger_new - nothing is lent
 * @bytes: size of the file
 * @page_bytes: of its pages
 *
 * Returns the ledger, or NULL: out of memory.
 */
struct ebb_ledger *ebb_ledger_new(uint64_t bytes, uint64_t page_bytes);

/* NULL is fine. */
void ebb_ledger_free(struct ebb_ledger *ledger);

/**
 * ebb_ledger_lend - a range was punched
 * @freed_bytes: what the file held less after it: holes are no loan
 */
void ebb_ledger_lend(struct ebb_ledger *ledger, uint64_t offset, uint64_t bytes,
		     uint64_t freed_bytes);

/* A range may have been lent by an ebbd before this one. */
void ebb_ledger_suspect(struct ebb_ledger *ledger, uint64_t offset,
			uint64_t bytes);

/* A range is not the guest's any more, as unplugged memory: nothing is owed. */
void ebb_ledger_forget(struct ebb_ledger *ledger, uint64_t offset,
		       uint64_t bytes);

/**
 * struct ebb_ledger_limit - what can be owed at the most
 * @most_pages: of the file
 * @lent_pages: what had been lent by then, as it is not true of what is lent later
 */
struct ebb_ledger_limit {
	uint64_t most_pages;
	uint64_t lent_pages;
};

/**
 * ebb_ledger_find_limit - see what can be owed
 * @fd: of the file
 * @plugged_bytes: of the file; none of the rest is there
 * @ret_limit: written only if true is returned
 *
 * Returns whether the ledger has more than that.
 */
bool ebb_ledger_find_limit(struct ebb_ledger *ledger, int fd,
			   uint64_t plugged_bytes,
			   struct ebb_ledger_limit *ret_limit);

/* Cuts what is owed to a limit, unless more was lent since. */
void ebb_ledger_cut(struct ebb_ledger *ledger,
		    const struct ebb_ledger_limit *limit);

/**
 * ebb_ledger_reserve - give what is owed its reservations back
 * @fd: of the file
 *
 * Takes a system call for each run of pages that lie together, which may wait
 * for the pool: not on the event loop's thread. Returns 0, or
 * -ENOMEM (the pool has not enough; what was reserved before that stays so) or
 * -errno.
 */
int ebb_ledger_reserve(struct ebb_ledger *ledger, int fd);

/**
 * ebb_ledger_debt - how things stand
 * @held_bytes: what the file holds now
 * @debt: added to
 *
 * From any thread, and soon, also while ebb_ledger_reserve() waits.
 */
void ebb_ledger_debt(struct ebb_ledger *ledger, uint64_t held_bytes,
		     struct ebb_debt *debt);

#endif /* EBB_HOST_LEDGER_H */
