/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/checkup/examine.h"

#include <string.h>

#include "host/checkup/checks.h"

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
