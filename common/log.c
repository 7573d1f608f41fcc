/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"

static struct {
	const char *name;
	enum ebb_log_level level;
	bool journal;
} log_state = { "ebb", EBB_LOG_INFO, false };

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

void ebb_log_init(const char *name, enum ebb_log_level level)
{
	log_state.name = name;
	log_state.level = level;
	log_state.journal = getenv("JOURNAL_STREAM") != NULL;
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

void ebb_log(enum ebb_log_level level, const char *format, ...)
{
	char line[1024];
	int saved_errno = errno;
	int used;
	va_list args;

	if (level > __atomic_load_n(&log_state.level, __ATOMIC_RELAXED))
		return;

	if (log_state.journal)
		used = snprintf(line, sizeof(line), "<%d>", level);
	else
		used = snprintf(line, sizeof(line), "%s: %s", log_state.name,
				level_name(level));

	va_start(args, format);
	used += vsnprintf(line + used, sizeof(line) - (size_t)used, format,
			  args);
	va_end(args);

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
