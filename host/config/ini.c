/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/config/ini.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <ini.h>

#include "common/cleanup.h"

void ebb_ini_fail(struct ebb_ini *ini, int error, const char *format, ...)
{
	size_t used;
	va_list args;

	if (ini->error)
		return;
	ini->error = error;
	/* A long path must not push the reason out of the text. */
	used = (size_t)snprintf(ini->text.text, sizeof(ini->text.text),
				"%.100s:%d: ", ini->path, ini->line);
	va_start(args, format);
	vsnprintf(ini->text.text + used, sizeof(ini->text.text) - used, format,
		  args);
	va_end(args);
}

static void unreadable(struct ebb_msg_error *error, const char *path, int r)
{
	snprintf(error->text, sizeof(error->text), "%.100s: cannot be read: %s",
		 path, strerror(-r));
}

/*
 * libinih cuts the name of a section; whose it is is taken from the line. A header
 * that it does not take as one is an error of that line, so what is kept of it here
 * is never used.
 */
static void take_section(struct ebb_ini *ini, const char *line)
{
	size_t length;

	if (*line != '[')
		return;
	length = strcspn(line + 1, "]\n");
	if (line[1 + length] != ']' || length >= sizeof(ini->section))
		return;
	memcpy(ini->section, line + 1, length);
	ini->section[length] = '\0';
	ini->ops->section(ini, ini->section, ini->opaque);
}

/* The fgets() of libinih: one line, without what would mislead it. */
static char *read_line(char *text, int text_bytes, void *stream)
{
	struct ebb_ini *ini = stream;
	ebb_auto_free char *line = NULL;
	size_t capacity = 0, blanks;
	ssize_t length;

	if (ini->error)
		return NULL;
	length = getline(&line, &capacity, ini->file);
	if (length < 0) {
		if (ferror(ini->file)) {
			ini->error = -errno;
			unreadable(&ini->text, ini->path, ini->error);
		}
		return NULL;
	}
	ini->line++;
	if (strlen(line) != (size_t)length) {
		ebb_ini_fail(ini, -EINVAL,
			     "this line holds a zero byte: is it text?");
		return NULL;
	}
	blanks = strspn(line, " \t");
	if (length - (ssize_t)blanks >= text_bytes) {
		ebb_ini_fail(ini, -EINVAL,
			     "this line is too long: at most %d bytes",
			     text_bytes - 2);
		return NULL;
	}
	take_section(ini, line + blanks);
	return strcpy(text, line + blanks);
}

static int on_pair(void *opaque, const char *section, const char *name,
		   const char *value)
{
	struct ebb_ini *ini = opaque;

	(void)section;
	ini->ops->pair(ini, ini->section, name, value, ini->opaque);
	return ini->error == 0;
}

int ebb_ini_read(const char *path, const struct ebb_ini_ops *ops, void *opaque,
		 struct ebb_msg_error *ret_error)
{
	ebb_auto_fclose FILE *file = fopen(path, "re");
	struct ebb_ini ini = {
		.path = path, .file = file, .ops = ops, .opaque = opaque
	};
	int r;

	if (!file) {
		r = -errno;
		unreadable(ret_error, path, r);
		return r;
	}
	r = ini_parse_stream(read_line, &ini, on_pair, &ini);
	/* Its own errors do not stop libinih: an earlier line may be one. */
	if (r > 0 && (!ini.error || r < ini.line)) {
		ini.error = 0;
		ini.line = r;
		ebb_ini_fail(
			&ini, -EINVAL,
			"this line is neither '[section]' nor 'key = value'");
	} else if (r < 0) {
		ebb_ini_fail(&ini, -ENOMEM, "out of memory");
	}
	if (ini.error)
		*ret_error = ini.text;
	return ini.error;
}
