/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/refusal.h"

#include <stdarg.h>
#include <stdio.h>

struct ebb_refusal ebb_refusal(enum ebb_refusal_kind kind, const char *format,
			       ...)
{
	struct ebb_refusal refusal = { .kind = kind };
	va_list args;

	va_start(args, format);
	vsnprintf(refusal.text, sizeof(refusal.text), format, args);
	va_end(args);
	return refusal;
}
