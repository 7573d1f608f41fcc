/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/checkup/checks.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/cleanup.h"

void ebb_check_add(struct ebb_doctor *doctor, const char *name,
		   const char *status, const char *remedy, const char *format,
		   ...)
{
	struct ebb_check *check;
	va_list args;

	if (doctor->check_count == EBB_ARRAY_SIZE(doctor->checks))
		return;
	check = &doctor->checks[doctor->check_count++];
	*check = (struct ebb_check){ 0 };
	snprintf(check->name, sizeof(check->name), "%s", name);
	snprintf(check->status, sizeof(check->status), "%s", status);
	snprintf(check->remedy, sizeof(check->remedy), "%s",
		 remedy ? remedy : "");
	va_start(args, format);
	vsnprintf(check->text, sizeof(check->text), format, args);
	va_end(args);
}
