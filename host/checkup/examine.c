/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/checkup/examine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/checkup/checks.h"

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

void ebb_checkup_examine(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *ret_doctor)
{
	memset(ret_doctor, 0, sizeof(*ret_doctor));
	strcpy(ret_doctor->name, "host");
	strcpy(ret_doctor->rung, "-");
	ebb_check_ebbd(picture, ret_doctor);
	ebb_check_kernel(picture, ret_doctor);
	ebb_check_memory(picture, ret_doctor);
}
