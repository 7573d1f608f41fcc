/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/budget/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/budget/budget.h"

static int read_path(char *text, size_t text_bytes, const char *path)
{
	int fd ebb_auto_close = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t length = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, text + length, text_bytes - length);
		if (got < 0)
			return -errno;
		length += (size_t)got;
	} while (got > 0 && length < text_bytes);
	if (length == text_bytes || memchr(text, '\0', length))
		return -EFBIG;
	text[length] = '\0';
	return (int)length;
}

__attribute__((__format__(__printf__, 2, 0))) static int
make_path(char path[EBB_TEXT_PATH_BYTES], const char *format, va_list args)
{
	int length = vsnprintf(path, EBB_TEXT_PATH_BYTES, format, args);

	return length < 0 || length >= EBB_TEXT_PATH_BYTES ? -ENAMETOOLONG : 0;
}

int ebb_text_read(char *text, size_t text_bytes, const char *format, ...)
{
	char path[EBB_TEXT_PATH_BYTES];
	va_list args;
	int r;

	va_start(args, format);
	r = make_path(path, format, args);
	va_end(args);
	return r < 0 ? r : read_path(text, text_bytes, path);
}

/* Digits at the start of @text. Returns where they end, or NULL. */
static const char *parse_digits(const char *text, uint64_t *ret_value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*ret_value = strtoull(text, &end, 10);
	return errno ? NULL : end;
}

static bool is_end(const char *text)
{
	return *text == '\0' || *text == '\n';
}

int ebb_text_number(const char *text, uint64_t *ret_value)
{
	const char *end = text + strlen("max");
	uint64_t value = EBB_TEXT_NO_LIMIT;

	if (strncmp(text, "max", strlen("max")) != 0)
		end = parse_digits(text, &value);
	if (!end || !is_end(end))
		return -EBADMSG;
	*ret_value = value;
	return 0;
}

int ebb_text_read_number(uint64_t *ret_value, const char *format, ...)
{
	char path[EBB_TEXT_PATH_BYTES], text[64];
	va_list args;
	int r;

	va_start(args, format);
	r = make_path(path, format, args);
	va_end(args);
	if (r == 0)
		r = read_path(text, sizeof(text), path);
	if (r == -EFBIG)
		return -EBADMSG;
	return r < 0 ? r : ebb_text_number(text, ret_value);
}

/* Where a line has the word: at its start, or after "Node N " */
static const char *find_word(const char *text, const char *key)
{
	size_t bytes = strlen(key);
	const char *at = text;

	while ((at = strstr(at, key))) {
		const char *end = at + bytes;

		if ((at == text || at[-1] == '\n' || at[-1] == ' ') &&
		    *end == ' ')
			return end;
		at = end;
	}
	return NULL;
}

int ebb_text_field(const char *text, const char *key, uint64_t *ret_value)
{
	const char *at = find_word(text, key);
	uint64_t value;

	if (!at)
		return -ENOENT;
	at = parse_digits(at + strspn(at, " "), &value);
	if (at && strncmp(at, " kB", 3) == 0) {
		at = value <= UINT64_MAX / 1024 ? at + 3 : NULL;
		value *= 1024;
	}
	if (!at || !is_end(at))
		return -EBADMSG;
	*ret_value = value;
	return 0;
}

int ebb_text_nodes(const char *text, uint64_t *ret_nodes)
{
	uint64_t nodes = 0, first, last;

	while (!is_end(text)) {
		text = parse_digits(text, &first);
		last = first;
		if (text && *text == '-')
			text = parse_digits(text + 1, &last);
		if (!text || first > last || !(is_end(text) || *text == ','))
			return -EBADMSG;
		if (last >= EBB_BUDGET_NODES_MAX)
			return -ERANGE;
		for (uint64_t node = first; node <= last; node++)
			nodes |= UINT64_C(1) << node;
		if (*text == ',' && is_end(++text))
			return -EBADMSG;
	}
	*ret_nodes = nodes;
	return 0;
}
