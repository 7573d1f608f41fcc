/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rungs by name: the ways to take a guest's memory. Who asks for one, forbids one
 * or shows one names it; host/rung/ knows what it is.
 */
#ifndef EBB_HOST_RUNG_ID_H
#define EBB_HOST_RUNG_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum ebb_rung_id - from the worst to the best
 *
 * @EBB_RUNG_OBSERVE: facts are shown; nothing can be taken
 * @EBB_RUNG_PAGEOUT: the host puts cold memory of the guest into its swap; the guest
 *	knows nothing of it
 * @EBB_RUNG_BALLOON: nothing of Ebb is in the guest; its balloon is inflated, and ebbd
 *	watches the guest meanwhile and deflates it before the guest runs short
 * @EBB_RUNG_REPORT: QEMU discards what the guest's kernel reports to be free, some
 *	seconds after it was freed, and ebbd has the guest compact and free more. Nobody
 *	orders it to take: what is free is gone already
 * @EBB_RUNG_LEASE: ebbd discards what the guest leases to it, in whole huge pages
 */
enum ebb_rung_id {
	EBB_RUNG_OBSERVE,
	EBB_RUNG_PAGEOUT,
	EBB_RUNG_BALLOON,
	EBB_RUNG_REPORT,
	EBB_RUNG_LEASE,
	EBB_RUNG_COUNT
};

enum {
	/* Room for all names in a text. */
	EBB_RUNGS_TEXT_BYTES = 48
};

/* As people and scripts know it. */
const char *ebb_rung_name(enum ebb_rung_id id);

/* A set of rungs has this bit for one that is in it. */
static inline uint32_t ebb_rung_bit(enum ebb_rung_id id)
{
	return UINT32_C(1) << id;
}

/* All that can be allowed and forbidden by name: on the last one nothing is done. */
#define EBB_RUNGS_NAMED                        \
	((UINT32_C(1) << EBB_RUNG_COUNT) - 1 - \
	 (UINT32_C(1) << EBB_RUNG_OBSERVE))

/* "all": those, too, that later versions know. */
#define EBB_RUNGS_ALL UINT32_MAX

static inline bool ebb_rungs_have(uint32_t rungs, enum ebb_rung_id id)
{
	return rungs & ebb_rung_bit(id);
}

/**
 * ebb_rungs_parse - read a set
 * @text: names with commas, spaces or both between them; or "all", or "none"
 * @ret_rungs: written only on success
 * @ret_word: the first word that is not accepted, cut to @word_bytes; may be ""
 *
 * Returns 0 or -EINVAL.
 */
int ebb_rungs_parse(const char *text, uint32_t *ret_rungs, char *ret_word,
		    size_t word_bytes);

/*
 * The rungs that are named in a text which ebb_rungs_parse() does not take. Who allows
 * some allows no other, also where one of the names is not known.
 */
uint32_t ebb_rungs_named_in(const char *text);

/* The name of a rung, "all" or "none" that is meant by @word, maybe; or NULL. */
const char *ebb_rungs_nearest(const char *word);

/**
 * ebb_rungs_format - a set as ebb_rungs_parse() takes it, the best rung first
 * @text: at least EBB_RUNGS_TEXT_BYTES
 *
 * Returns @text.
 */
const char *ebb_rungs_format(uint32_t rungs, char *text);

/* Likewise the names alone, as "lease, report". Returns @text. */
const char *ebb_rungs_list(uint32_t rungs, char *text);

#endif /* EBB_HOST_RUNG_ID_H */
