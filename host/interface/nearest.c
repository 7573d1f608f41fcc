/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/nearest.h"

#include <stdint.h>
#include <string.h>

enum {
	WORD_BYTES_MAX = 64
};

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's distance, one row at a time. Both fit WORD_BYTES_MAX. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[WORD_BYTES_MAX + 1];
	size_t columns = strlen(b);

	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			size_t swap = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1, swap);
		}
	}
	return row[columns];
}

/* The only one that begins with @word, which is not all of it; or NULL. */
static const char *completed(const char *word, const char *const *known,
			     size_t known_count)
{
	const char *found = NULL;

	for (size_t i = 0; i < known_count; i++) {
		if (!*word || !known[i] ||
		    strncmp(known[i], word, strlen(word)) != 0)
			continue;
		if (found)
			return NULL;
		found = known[i];
	}
	return found;
}

const char *ebb_nearest(const char *word, const char *const *known,
			size_t known_count)
{
	const char *best = completed(word, known, known_count);
	size_t best_distance = SIZE_MAX;

	if (best || strlen(word) > WORD_BYTES_MAX)
		return best;
	for (size_t i = 0; i < known_count; i++) {
		size_t length = known[i] ? strlen(known[i]) : 0;
		size_t limit = length / 3 > 2 ? length / 3 : 2;
		size_t distance;

		if (!length || length > WORD_BYTES_MAX)
			continue;
		distance = edit_distance(word, known[i]);
		/* Where each letter is another one, nothing is alike. */
		if (distance <= limit && distance < strlen(word) &&
		    distance < best_distance) {
			best = known[i];
			best_distance = distance;
		}
	}
	return best;
}
