/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The disk of a test guest: each word of it is the same, so that a page of the
 * page cache that was lost under its owner is seen.
 */
#ifndef EBB_TESTS_GUEST_DISK_H
#define EBB_TESTS_GUEST_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DISK_PATH "/dev/vda"
/* Of scripts/rig.sh. */
#define DISK_WORD "ebb\n"

/* Bytes of the first word that is wrong, or @bytes. */
static inline size_t disk_check(const void *data, size_t bytes)
{
	const unsigned char *at = data;
	uint64_t expected, word;

	memcpy(&expected, DISK_WORD DISK_WORD, sizeof(expected));
	for (size_t i = 0; i < bytes; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		if (word != expected)
			return i;
	}
	return bytes;
}

#endif /* EBB_TESTS_GUEST_DISK_H */
