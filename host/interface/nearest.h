/* SPDX-License-Identifier: GPL-2.0-only */
/* "Did you mean": the known word that a mistyped one is closest to. Pure. */
#ifndef EBB_HOST_NEAREST_H
#define EBB_HOST_NEAREST_H

#include <stddef.h>

/**
 * ebb_nearest - the known word that needs the fewest edits
 * @word: as typed
 * @known: words; a NULL among them is passed over
 * @known_count: how many
 *
 * Returns the only member of @known that begins with @word, or else the nearest; NULL
 * when none is within a third of its length (at least two edits, as two letters that
 * changed places are), or where all of @word would be edited: a far guess is no help.
 */
const char *ebb_nearest(const char *word, const char *const *known,
			size_t known_count);

#endif /* EBB_HOST_NEAREST_H */
