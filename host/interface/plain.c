/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/plain.h"

void ebb_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* Of the character that is there; 0: it is none. */
static size_t character_bytes(const unsigned char *text)
{
	size_t bytes = 0;

	if (*text < 0x80)
		return 1;
	if (*text >= 0xc2 && *text <= 0xdf)
		bytes = 2;
	else if (*text >= 0xe0 && *text <= 0xef)
		bytes = 3;
	else if (*text >= 0xf0 && *text <= 0xf4)
		bytes = 4;
	for (size_t i = 1; i < bytes; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return bytes;
}

void ebb_plain_utf8(char *text)
{
	while (*text) {
		size_t bytes = character_bytes((const unsigned char *)text);

		if (bytes == 0)
			*text = '?';
		text += bytes ? bytes : 1;
	}
}

void ebb_plain_fields(const struct ebb_field *fields, void *message)
{
	for (; fields->name; fields++)
		if (fields->type == EBB_FIELD_STRING)
			ebb_plain((char *)message + fields->offset);
}
