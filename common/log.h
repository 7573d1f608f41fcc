/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemons' log: one line to stderr, which systemd files in the journal.
 *
 * Libraries never log; a daemon logs once, where it handles the matter, with
 * the remedy in the line.
 */
#ifndef EBB_COMMON_LOG_H
#define EBB_COMMON_LOG_H

#include <stddef.h>

/* The order is that of syslog(3): smaller is graver. */
enum ebb_log_level {
	EBB_LOG_ERR = 3,
	EBB_LOG_WARNING = 4,
	EBB_LOG_NOTICE = 5,
	EBB_LOG_INFO = 6,
	EBB_LOG_DEBUG = 7,
};

/**
 * ebb_log_init - set name and verbosity, before any thread is started
 * @name: program, shown where stderr is not the journal
 * @level: the minimum severity that is printed
 *
 * With $JOURNAL_STREAM set, lines carry sd-daemon(3) prefixes instead.
 */
void ebb_log_init(const char *name, enum ebb_log_level level);

/* Another verbosity, at any time. For one thread. */
void ebb_log_set_level(enum ebb_log_level level);

/**
 * ebb_log_parse_level - "error", "warning", "notice", "info", "debug"
 * @ret_level: written only on success
 *
 * Returns 0, or -EINVAL for any other text.
 */
int ebb_log_parse_level(const char *text, enum ebb_log_level *ret_level);

/* Of the journal, beside the message. Without a @value it is left out. */
struct ebb_log_field {
	const char *name;
	const char *value;
};

/**
 * ebb_log_open_journal - have ebb_log_fields() send to the journal itself
 * @path: of its socket
 *
 * ebb_log_init() does it where stderr is the journal. For one thread, before others
 * start. Returns 0 or -errno; then fields are not sent.
 */
int ebb_log_open_journal(const char *path);

/**
 * ebb_log_fields - ebb_log(), with fields that the journal keeps
 *
 * Where stderr is not the journal, or that takes no more now, it is the line alone.
 *
 * The journal's own protocol is spoken here (systemd.io/JOURNAL_NATIVE_PROTOCOL), as
 * sd_journal_send() waits for a journal that does not read, and with it all of a daemon.
 */
void ebb_log_fields(enum ebb_log_level level,
		    const struct ebb_log_field *fields, size_t count,
		    const char *format, ...)
	__attribute__((__format__(__printf__, 4, 5)));

/* Thread-safe: one write(2) a line; longer ones are cut at 1 KiB. */
void ebb_log(enum ebb_log_level level, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

#endif /* EBB_COMMON_LOG_H */
