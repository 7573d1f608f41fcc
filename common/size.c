/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

static const struct {
	const char *name;
	unsigned int shift;
} units[] = {
	{ "", 0 },     { "B", 0 },  { "K", 10 },   { "KiB", 10 }, { "M", 20 },
	{ "MiB", 20 }, { "G", 30 }, { "GiB", 30 }, { "T", 40 },	  { "TiB", 40 },
};

static int unit_shift(const char *name, unsigned int *ret_shift)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(units); i++) {
		if (strcasecmp(units[i].name, name) == 0) {
			*ret_shift = units[i].shift;
			return 0;
		}
	}
	return -EINVAL;
}

int ebb_size_parse(const char *text, uint64_t *ret_bytes)
{
	uint64_t whole = 0, thousandths = 0, scale = 100;
	unsigned int shift;
	int r;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		if (whole > (uint64_t)INT64_MAX / 10 - 1)
			return -ERANGE;
		whole = whole * 10 + (uint64_t)(*text - '0');
	}
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return -EINVAL;
		for (; isdigit((unsigned char)*text); text++, scale /= 10) {
			if (!scale)
				return -EINVAL;
			thousandths += scale * (uint64_t)(*text - '0');
		}
	}
	while (*text == ' ')
		text++;
	r = unit_shift(text, &shift);
	if (r < 0)
		return r;
	/* "2" is meant to be 2G, or 2M, and never 2 bytes. */
	if (!*text && (whole > 0 || thousandths > 0) && whole < EBB_MIB)
		return -EINVAL;
	if (whole > ((uint64_t)INT64_MAX >> shift) - 1)
		return -ERANGE;
	*ret_bytes = (whole << shift) + ((thousandths << shift) / 1000);
	return 0;
}

/* "512MB" */
static bool has_decimal_unit(const char *text)
{
	size_t length = strlen(text);

	return length >= 2 && toupper((unsigned char)text[length - 1]) == 'B' &&
	       strchr("KMGT", toupper((unsigned char)text[length - 2]));
}

static bool has_no_unit(const char *text)
{
	return *text && strspn(text, "0123456789.") == strlen(text);
}

const char *ebb_size_trouble(const char *text)
{
	uint64_t bytes;
	int r = ebb_size_parse(text, &bytes);

	if (*text == '-' || (r == 0 && bytes == 0))
		return "must be positive. Give a size such as 512M";
	if (r == -ERANGE)
		return "is more than any guest has. Give less, such as 512M";
	if (has_decimal_unit(text))
		return "has a unit that means two things. Write powers of 1024 "
		       "as 512M or 512MiB";
	if (has_no_unit(text))
		return "has no unit. Add K, M, G or T, as in 512M";
	return "is no size. Give a number and K, M, G or T, such as 512M or "
	       "1.5G";
}

const char *ebb_size_format(uint64_t bytes, char *text, size_t text_bytes)
{
	static const char *const names[] = { "B",   "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;

	/* 1023.95 would be printed as 1024.0 of the smaller unit. */
	while (value >= 1023.95 && unit + 1 < EBB_ARRAY_SIZE(names)) {
		value /= 1024;
		unit++;
	}
	snprintf(text, text_bytes, unit ? "%.1f %s" : "%.0f %s", value,
		 names[unit]);
	return text;
}

const char *ebb_size_format_exact(uint64_t bytes, char *text, size_t text_bytes)
{
	static const char letters[] = { 'T', 'G', 'M', 'K' };
	size_t unit = 0;

	while (unit < sizeof(letters) && bytes % (1024 * EBB_GIB >> 10 * unit))
		unit++;
	if (bytes && unit < sizeof(letters))
		snprintf(text, text_bytes, "%" PRIu64 "%c",
			 bytes >> (40 - 10 * unit), letters[unit]);
	else
		snprintf(text, text_bytes, "%" PRIu64 "%s", bytes,
			 bytes > 0 && bytes < EBB_MIB ? "B" : "");
	return text;
}
