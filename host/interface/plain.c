/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/plain.h"

void ebb_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void ebb_plain_fields(const struct ebb_field *fields, void *message)
{
	for (; fields->name; fields++)
		if (fields->type == EBB_FIELD_STRING)
			ebb_plain((char *)message + fields->offset);
}
