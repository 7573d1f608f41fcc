/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/log.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	/* Longer lines are cut. */
	LINE_BYTES_MAX = 1024
};

static struct {
	const char *name;
	enum ebb_log_level level;
	bool journal;
	int journal_fd; /* -1: fields are not sent */
	struct sockaddr_un journal_address;
} log_state = { "ebb", EBB_LOG_INFO, false, -1, { 0 } };

static const char *level_name(enum ebb_log_level level)
{
	switch (level) {
	case EBB_LOG_ERR:
		return "error: ";
	case EBB_LOG_WARNING:
		return "warning: ";
	case EBB_LOG_DEBUG:
		return "debug: ";
	case EBB_LOG_NOTICE:
	case EBB_LOG_INFO:
		break;
	}
	return "";
}

/* See systemd.exec(5): a child inherits the variable, and maybe not the stream. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat info;

	return stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 &&
	       fstat(fd, &info) == 0 && info.st_dev == dev &&
	       info.st_ino == ino;
}

int ebb_log_open_journal(const char *path)
{
	struct sockaddr_un *address = &log_state.journal_address;

	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path, path);
	ebb_close_fd(&log_state.journal_fd);
	log_state.journal_fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return log_state.journal_fd < 0 ? -errno : 0;
}

void ebb_log_init(const char *name, enum ebb_log_level level)
{
	log_state.name = name;
	log_state.level = level;
	log_state.journal = is_journal(STDERR_FILENO);
	if (log_state.journal && log_state.journal_fd < 0)
		ebb_log_open_journal("/run/systemd/journal/socket");
}

void ebb_log_set_level(enum ebb_log_level level)
{
	__atomic_store_n(&log_state.level, level, __ATOMIC_RELAXED);
}

int ebb_log_parse_level(const char *text, enum ebb_log_level *ret_level)
{
	static const struct {
		const char *name;
		enum ebb_log_level level;
	} levels[] = {
		{ "error", EBB_LOG_ERR },     { "warning", EBB_LOG_WARNING },
		{ "notice", EBB_LOG_NOTICE }, { "info", EBB_LOG_INFO },
		{ "debug", EBB_LOG_DEBUG },
	};

	for (size_t i = 0; i < EBB_ARRAY_SIZE(levels); i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*ret_level = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

static bool is_logged(enum ebb_log_level level)
{
	return level <= __atomic_load_n(&log_state.level, __ATOMIC_RELAXED);
}

/* Changes no errno. */
static void log_line(enum ebb_log_level level, const char *message)
{
	char line[LINE_BYTES_MAX];
	int saved_errno = errno;
	int used;

	if (log_state.journal)
		used = snprintf(line, sizeof(line), "<%d>%s", level, message);
	else
		used = snprintf(line, sizeof(line), "%s: %s%s", log_state.name,
				level_name(level), message);
	if (used >= (int)sizeof(line) - 1)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	/*
	 * Nobody is left to tell when stderr is gone. A journal that does not read,
	 * as its file system is frozen, is not waited for.
	 */
	if (send(STDERR_FILENO, line, (size_t)used,
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno == ENOTSOCK && write(STDERR_FILENO, line, (size_t)used) < 0)
		errno = saved_errno;
	errno = saved_errno;
}

void ebb_log(enum ebb_log_level level, const char *format, ...)
{
	char message[LINE_BYTES_MAX];
	va_list args;

	if (!is_logged(level))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	log_line(level, message);
}

/* ---- fields ---- */

struct entry {
	size_t used;
	char bytes[4 * LINE_BYTES_MAX];
};

/* A value of several lines has its length before it. What does not fit is left out. */
static void add_field(struct entry *entry, const char *name, const char *value)
{
	size_t name_bytes = strlen(name), value_bytes = strlen(value);
	uint64_t length = htole64(value_bytes);
	bool lines = strchr(value, '\n') != NULL;
	char *end = entry->bytes + entry->used;

	if (name_bytes + value_bytes + sizeof(length) + 2 >
	    sizeof(entry->bytes) - entry->used)
		return;
	end = stpcpy(end, name);
	*end++ = lines ? '\n' : '=';
	if (lines)
		end = mempcpy(end, &length, sizeof(length));
	end = stpcpy(end, value);
	*end++ = '\n';
	entry->used = (size_t)(end - entry->bytes);
}

static bool send_entry(enum ebb_log_level level,
		       const struct ebb_log_field *fields, size_t count,
		       const char *message)
{
	char priority[] = { (char)('0' + level), '\0' };
	struct entry entry = { 0 };

	add_field(&entry, "MESSAGE", message);
	add_field(&entry, "PRIORITY", priority);
	add_field(&entry, "SYSLOG_IDENTIFIER", log_state.name);
	for (size_t i = 0; i < count; i++)
		if (fields[i].value)
			add_field(&entry, fields[i].name, fields[i].value);
	return sendto(log_state.journal_fd, entry.bytes, entry.used,
		      MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&log_state.journal_address,
		      sizeof(log_state.journal_address)) >= 0;
}

void ebb_log_fields(enum ebb_log_level level,
		    const struct ebb_log_field *fields, size_t count,
		    const char *format, ...)
{
	char message[LINE_BYTES_MAX];
	int saved_errno = errno;
	va_list args;

	if (!is_logged(level))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (log_state.journal_fd < 0 ||
	    !send_entry(level, fields, count, message))
		log_line(level, message);
	errno = saved_errno;
}
