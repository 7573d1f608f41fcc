/* SPDX-License-Identifier: GPL-2.0-only */
/* Amounts of memory as people write and read them. Pure. */
#ifndef EBB_COMMON_SIZE_H
#define EBB_COMMON_SIZE_H

#include <stddef.h>
#include <stdint.h>

#define EBB_KIB ((uint64_t)1 << 10)
#define EBB_MIB ((uint64_t)1 << 20)
#define EBB_GIB ((uint64_t)1 << 30)

/* Room for any text of ebb_size_format(). */
#define EBB_SIZE_TEXT_BYTES 16

/**
 * ebb_size_parse - "512M", "1.5GiB", "2097152" to bytes
 * @text: a number, at most three decimals, and a unit: B for bytes, or none, but not
 *	for less than 1 MiB, where it was forgotten; K, M, G, T (also KiB, MiB, GiB, TiB)
 *	in powers of 1024, any case
 * @ret_bytes: written only on success
 *
 * KB, MB, GB and TB are refused: they mean two things. Returns 0, -EINVAL (not
 * such a text, negative) or -ERANGE (does not fit into 63 bits).
 */
int ebb_size_parse(const char *text, uint64_t *ret_bytes);

/**
 * ebb_size_trouble - why a text is refused, for "'512MB' ..."
 * @text: that ebb_size_parse() refuses, or that means 0 where that is of no use
 *
 * Ends with what to give instead, without a stop, so that what else may be given can
 * follow.
 */
const char *ebb_size_trouble(const char *text);

/**
 * ebb_size_format - bytes to a short text, as "1.8 GiB" or "0 B"
 * @text: at least EBB_SIZE_TEXT_BYTES
 *
 * Returns @text.
 */
const char *ebb_size_format(uint64_t bytes, char *text, size_t text_bytes);

struct ebb_size_text {
	char text[EBB_SIZE_TEXT_BYTES];
};

static inline const char *ebb_size_text(uint64_t bytes,
					struct ebb_size_text *ret_text)
{
	return ebb_size_format(bytes, ret_text->text, sizeof(ret_text->text));
}

/* The text of a size, in a buffer that lives as long as the block. */
#define EBB_SIZE(bytes) ebb_size_text((bytes), &(struct ebb_size_text){ { 0 } })

/**
 * ebb_size_format_exact - bytes to a text that ebb_size_parse() reads as the same
 * @bytes: below 2^63
 * @text: at least 20 bytes
 *
 * In the largest unit that leaves no rest: "1536M". Returns @text.
 */
const char *ebb_size_format_exact(uint64_t bytes, char *text,
				  size_t text_bytes);

#endif /* EBB_COMMON_SIZE_H */
