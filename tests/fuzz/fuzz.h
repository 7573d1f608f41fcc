/* SPDX-License-Identifier: GPL-2.0-only */
/* The entry point that libFuzzer calls; replay.c calls it, too. */
#ifndef EBB_TESTS_FUZZ_H
#define EBB_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0; aborts when what must hold does not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define FUZZ_ASSERT(condition)                                             \
	do {                                                               \
		if (!(condition)) {                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#condition);                               \
			abort();                                           \
		}                                                          \
	} while (0)

#endif /* EBB_TESTS_FUZZ_H */
