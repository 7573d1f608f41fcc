/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbd.conf by table: a row for each key knows its type, its bounds and the
 * words that say what is accepted.
 *
 * libinih parses. What it cannot tell is added around it by the reader that
 * hands it the lines: the number of the line (distributions build it without),
 * lines that are too long for its buffer, which it would cut silently, and
 * sections that hold no key. The reader also drops leading blanks, which would
 * make libinih take an indented line as more of the value above.
 *
 * The first error wins; the caller's configuration is written only at the end.
 */
#include "host/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <ini.h>

#include "common/cleanup.h"
#include "host/interface/duration.h"
#include "host/interface/nearest.h"

struct key {
	const char *section;
	const char *name;
	int (*set)(const struct key *key, const char *value, void *field);
	size_t offset;
	size_t capacity; /* of a string */
	uint32_t min, max; /* of a duration in ms, of a percentage or count */
	const char *accepted;
};

struct parse {
	struct ebb_config config;
	const char *path;
	FILE *file;
	int line;
	int error; /* of the first error, whose text is in @text */
	bool seen[16]; /* by index of the key */
	struct ebb_msg_error text;
};

static int set_string(const struct key *key, const char *value, void *field)
{
	if (strlen(value) >= key->capacity)
		return -ERANGE;
	strcpy(field, value);
	return 0;
}

static int set_filled(const struct key *key, const char *value, void *field)
{
	return *value ? set_string(key, value, field) : -EINVAL;
}

static int set_path(const struct key *key, const char *value, void *field)
{
	return *value == '/' ? set_string(key, value, field) : -EINVAL;
}

static int set_duration(const struct key *key, const char *value, void *field)
{
	uint32_t ms;
	int r = ebb_duration_parse(value, &ms);

	if (r < 0)
		return r;
	if (ms < key->min || ms > key->max)
		return -ERANGE;
	*(uint32_t *)field = ms;
	return 0;
}

static int set_percent(const struct key *key, const char *value, void *field)
{
	unsigned int percent;
	int end = 0;

	if (sscanf(value, "%4u%%%n", &percent, &end) != 1 || !end ||
	    value[end] || !isdigit((unsigned char)*value))
		return -EINVAL;
	if (percent < key->min || percent > key->max)
		return -ERANGE;
	*(uint32_t *)field = percent;
	return 0;
}

static int set_count(const struct key *key, const char *value, void *field)
{
	unsigned int count;
	int end = 0;

	if (sscanf(value, "%4u%n", &count, &end) != 1 || value[end] ||
	    !isdigit((unsigned char)*value))
		return -EINVAL;
	if (count < key->min || count > key->max)
		return -ERANGE;
	*(uint32_t *)field = count;
	return 0;
}

static int set_log_level(const struct key *key, const char *value, void *field)
{
	(void)key;
	return ebb_log_parse_level(value, field);
}

#define KEY_STRING(section_, name_, set_, field_, accepted_)           \
	{                                                              \
		.section = (section_), .name = (name_), .set = (set_), \
		.offset = offsetof(struct ebb_config, field_),         \
		.capacity = sizeof(((struct ebb_config *)0)->field_),  \
		.accepted = (accepted_)                                \
	}
#define KEY_COUNT(section_, name_, field_, min_, max_, accepted_)             \
	{                                                                     \
		.section = (section_), .name = (name_), .set = set_count,     \
		.offset = offsetof(struct ebb_config, field_), .min = (min_), \
		.max = (max_), .accepted = (accepted_)                        \
	}
#define KEY_DURATION(section_, name_, field_, min_, max_, accepted_)          \
	{                                                                     \
		.section = (section_), .name = (name_), .set = set_duration,  \
		.offset = offsetof(struct ebb_config, field_), .min = (min_), \
		.max = (max_), .accepted = (accepted_)                        \
	}

static const struct key keys[] = {
	KEY_STRING("daemon", "uri", set_filled, uri,
		   "a libvirt URI such as qemu:///system"),
	KEY_STRING("daemon", "socket", set_path, socket,
		   "an absolute path of at most 107 bytes"),
	KEY_STRING("daemon", "group", set_string, group,
		   "the name of a group, or nothing for root only"),
	{ .section = "daemon",
	  .name = "log-level",
	  .set = set_log_level,
	  .offset = offsetof(struct ebb_config, log_level),
	  .accepted = "error, warning, notice, info or debug" },
	KEY_STRING("daemon", "state-dir", set_path, state_dir,
		   "an absolute path of at most 255 bytes"),
	KEY_STRING("daemon", "qemu-run-dir", set_path, qemu_run_dir,
		   "an absolute path of at most 255 bytes"),
	KEY_COUNT("daemon", "workers", workers, 5, 64, "a number from 5 to 64"),
	KEY_COUNT("reclaim", "reclaims", reclaims, 1, 60,
		  "a number from 1 to 60"),
	KEY_DURATION("reclaim", "timeout", reclaim_timeout_ms, 100,
		     EBB_SESSION_MAX_MS, "a time from 100ms to 10m, as 60s"),
	KEY_DURATION("reclaim", "grant-window", grant_window_ms, 1,
		     EBB_GRANT_WINDOW_MS, "a time from 1ms to 50ms, as 50ms"),
	{ .section = "reclaim",
	  .name = "hugetlb-cover",
	  .set = set_percent,
	  .offset = offsetof(struct ebb_config, hugetlb_cover_percent),
	  .min = 0,
	  .max = 1000,
	  .accepted = "a percentage from 0% to 1000%, as 125%" },
	KEY_DURATION("agent", "timeout", agent_timeout_ms, 100, 60 * 1000,
		     "a time from 100ms to 1m, as 5s"),
};

static_assert(EBB_ARRAY_SIZE(keys) <= EBB_ARRAY_SIZE(((struct parse *)0)->seen),
	      "a key without its place in seen[]");
static_assert(EBB_SESSION_MAX_MS == 10 * 60 * 1000 && EBB_GRANT_WINDOW_MS == 50,
	      "the texts above name these bounds");

void ebb_config_default(struct ebb_config *ret_config)
{
	*ret_config = (struct ebb_config){
		.uri = EBB_DEFAULT_URI,
		.socket = EBB_CONTROL_SOCKET,
		.group = "libvirt",
		.log_level = EBB_LOG_INFO,
		.state_dir = EBB_RUNSTATEDIR "/ebb",
		.qemu_run_dir = EBB_RUNSTATEDIR "/libvirt/qemu",
		.workers = 8,
		.reclaims = 4,
		.reclaim_timeout_ms = 60 * 1000,
		.grant_window_ms = EBB_GRANT_WINDOW_MS,
		.hugetlb_cover_percent = 125,
		.agent_timeout_ms = 5 * 1000,
	};
}

/* Notes the first error, at the line that is being read. Returns 0, always. */
static int __attribute__((__format__(__printf__, 3, 4)))
parse_fail(struct parse *parse, int error, const char *format, ...)
{
	size_t used;
	va_list args;

	if (parse->error)
		return 0;
	parse->error = error;
	/* A long path must not push the reason out of the text. */
	used = (size_t)snprintf(parse->text.text, sizeof(parse->text.text),
				"%.100s:%d: ", parse->path, parse->line);
	va_start(args, format);
	vsnprintf(parse->text.text + used, sizeof(parse->text.text) - used,
		  format, args);
	va_end(args);
	return 0;
}

static bool is_section(const char *name)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].section, name) == 0)
			return true;
	}
	return false;
}

static int unknown_section(struct parse *parse, const char *name)
{
	static const char *const sections[] = { "daemon", "reclaim", "agent" };
	const char *near =
		ebb_nearest(name, sections, EBB_ARRAY_SIZE(sections));

	if (near)
		return parse_fail(parse, -EINVAL,
				  "unknown section [%.40s]: "
				  "did you mean [%s]?",
				  name, near);
	return parse_fail(parse, -EINVAL,
			  "unknown section [%.40s]: use [daemon], [reclaim] "
			  "or [agent]",
			  name);
}

static int unknown_key(struct parse *parse, const char *section,
		       const char *name)
{
	const char *names[EBB_ARRAY_SIZE(keys)] = { NULL };
	const char *near;

	for (size_t i = 0; i < EBB_ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].section, section) == 0)
			names[i] = keys[i].name;
	}
	near = ebb_nearest(name, names, EBB_ARRAY_SIZE(names));
	if (near)
		return parse_fail(parse, -EINVAL,
				  "%s.%.40s: unknown key: did you mean '%s'?",
				  section, name, near);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].name, name) == 0)
			return parse_fail(parse, -EINVAL,
					  "%s.%.40s: unknown key: it belongs "
					  "into [%s]",
					  section, name, keys[i].section);
	}
	return parse_fail(parse, -EINVAL,
			  "%s.%.40s: unknown key: see ebbd.conf(5)", section,
			  name);
}

static int on_pair(void *opaque, const char *section, const char *name,
		   const char *value)
{
	struct parse *parse = opaque;

	if (!*section)
		return parse_fail(parse, -EINVAL,
				  "'%.40s' stands before any section: put "
				  "[daemon], [reclaim] or [agent] above it",
				  name);
	if (!is_section(section))
		return unknown_section(parse, section);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(keys); i++) {
		const struct key *key = &keys[i];

		if (strcmp(key->section, section) != 0 ||
		    strcmp(key->name, name) != 0)
			continue;
		if (parse->seen[i])
			return parse_fail(parse, -EINVAL,
					  "%s.%s: set twice: remove one",
					  section, name);
		parse->seen[i] = true;
		if (key->set(key, value, (char *)&parse->config + key->offset) <
		    0)
			return parse_fail(parse, -EINVAL,
					  "%s.%s: '%.40s' is not accepted: "
					  "give %s",
					  section, name, value, key->accepted);
		return 1;
	}
	return unknown_key(parse, section, name);
}

/* A header needs no key below it to be wrong. */
static void check_section(struct parse *parse, const char *line)
{
	char name[64];
	int end = 0;

	if (sscanf(line, "[%63[^]\n]]%n", name, &end) == 1 && end &&
	    !is_section(name))
		unknown_section(parse, name);
}

static void unreadable(struct ebb_msg_error *error, const char *path, int r)
{
	snprintf(error->text, sizeof(error->text), "%.100s: cannot be read: %s",
		 path, strerror(-r));
}

/* The fgets() of libinih: one line, without what would mislead it. */
static char *read_line(char *text, int text_bytes, void *stream)
{
	struct parse *parse = stream;
	ebb_auto_free char *line = NULL;
	size_t capacity = 0, blanks;
	ssize_t length;

	if (parse->error)
		return NULL;
	length = getline(&line, &capacity, parse->file);
	if (length < 0) {
		if (ferror(parse->file)) {
			parse->error = -errno;
			unreadable(&parse->text, parse->path, parse->error);
		}
		return NULL;
	}
	parse->line++;
	if (strlen(line) != (size_t)length) {
		parse_fail(parse, -EINVAL,
			   "this line holds a zero byte: is it text?");
		return NULL;
	}
	blanks = strspn(line, " \t");
	if (length - (ssize_t)blanks >= text_bytes) {
		parse_fail(parse, -EINVAL,
			   "this line is too long: at most %d bytes",
			   text_bytes - 2);
		return NULL;
	}
	check_section(parse, line + blanks);
	return strcpy(text, line + blanks);
}

int ebb_config_load(const char *path, struct ebb_config *ret_config,
		    struct ebb_msg_error *ret_error)
{
	ebb_auto_fclose FILE *file = fopen(path, "re");
	struct parse parse = { .path = path, .file = file };
	int r;

	if (!file) {
		r = -errno;
		unreadable(ret_error, path, r);
		return r;
	}
	ebb_config_default(&parse.config);
	r = ini_parse_stream(read_line, &parse, on_pair, &parse);
	/* Its own errors do not stop libinih: an earlier line may be one. */
	if (r > 0 && (!parse.error || r < parse.line)) {
		parse.error = 0;
		parse.line = r;
		parse_fail(
			&parse, -EINVAL,
			"this line is neither '[section]' nor 'key = value'");
	} else if (r < 0) {
		parse_fail(&parse, -ENOMEM, "out of memory");
	}
	if (parse.error) {
		*ret_error = parse.text;
		return parse.error;
	}
	*ret_config = parse.config;
	return 0;
}
