/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/config/key.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/interface/duration.h"

static int set_string(const struct ebb_config_key *key, const char *value,
		      void *field)
{
	if (strlen(value) >= key->capacity)
		return -ERANGE;
	strcpy(field, value);
	return 0;
}

static int set_filled(const struct ebb_config_key *key, const char *value,
		      void *field)
{
	return *value ? set_string(key, value, field) : -EINVAL;
}

static int set_path(const struct ebb_config_key *key, const char *value,
		    void *field)
{
	return *value == '/' ? set_string(key, value, field) : -EINVAL;
}

static int set_duration(const struct ebb_config_key *key, const char *value,
			void *field)
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

static int set_percent(const struct ebb_config_key *key, const char *value,
		       void *field)
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

static int set_count(const struct ebb_config_key *key, const char *value,
		     void *field)
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

static int set_size(const struct ebb_config_key *key, const char *value,
		    void *field)
{
	(void)key;
	return ebb_size_parse(value, field);
}

static int set_yes_no(const struct ebb_config_key *key, const char *value,
		      void *field)
{
	bool yes = strcmp(value, "yes") == 0;

	(void)key;
	if (!yes && strcmp(value, "no") != 0)
		return -EINVAL;
	*(bool *)field = yes;
	return 0;
}

static int set_log_level(const struct ebb_config_key *key, const char *value,
			 void *field)
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

#define KEY_YES_NO(section_, name_, field_)                                \
	{                                                                  \
		.section = (section_), .name = (name_), .set = set_yes_no, \
		.offset = offsetof(struct ebb_config, field_),             \
		.accepted = "yes or no"                                    \
	}

const struct ebb_config_key ebb_config_keys[] = {
	KEY_STRING("daemon", "uri", set_filled, uri,
		   "a libvirt URI such as qemu:///system"),
	KEY_STRING("daemon", "socket", set_path, socket,
		   "an absolute path of at most 107 bytes"),
	KEY_STRING("daemon", "group", set_string, group,
		   "the name of a group, or nothing for root only"),
	KEY_STRING("daemon", "read-group", set_string, read_group,
		   "the name of a group, or nothing for none"),
	{ .section = "daemon",
	  .name = "log-level",
	  .set = set_log_level,
	  .offset = offsetof(struct ebb_config, log_level),
	  .accepted = "error, warning, notice, info or debug" },
	KEY_STRING("daemon", "state-dir", set_path, state_dir,
		   "an absolute path of at most 255 bytes"),
	KEY_STRING("daemon", "history-dir", set_path, history_dir,
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
	KEY_YES_NO("policy", "enabled", policy.enabled),
	KEY_YES_NO("policy", "dry-run", policy.dry_run),
	{ .section = "policy",
	  .name = "host-free",
	  .set = set_size,
	  .offset = offsetof(struct ebb_config, policy.host_free_bytes),
	  .accepted = "a size such as 4G, or 0" },
	KEY_COUNT("policy", "cover-guests", policy.cover_guests, 1,
		  EBB_COVER_GUESTS_MAX, "a number from 1 to 8"),
};

const size_t ebb_config_key_count = EBB_ARRAY_SIZE(ebb_config_keys);

static_assert(EBB_ARRAY_SIZE(ebb_config_keys) <= EBB_CONFIG_KEYS_MAX,
	      "a key without its place in seen[]");
static_assert(EBB_SESSION_MAX_MS == 10 * 60 * 1000 &&
		      EBB_GRANT_WINDOW_MS == 50 && EBB_COVER_GUESTS_MAX == 8,
	      "the texts above name these bounds");
