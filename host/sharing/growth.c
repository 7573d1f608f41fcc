/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/sharing/growth.h"

void ebb_growth_note(struct ebb_growth *growth, uint64_t word_ns,
		     uint64_t used_bytes)
{
	if (growth->word_ns != word_ns || used_bytes < growth->least_bytes)
		growth->least_bytes = used_bytes;
	growth->word_ns = word_ns;
	growth->bytes = used_bytes - growth->least_bytes;
}
