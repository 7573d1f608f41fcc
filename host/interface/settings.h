/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The settings of the policy for a domain: its mode, how much memory it has at least
 * and at most, its weight, the rungs that may be used for it, and what becomes of memory
 * that its owner reserved. They are the same in ebbd.conf, in a domain's metadata,
 * on the command line and on the control socket, so all four read them here. Pure.
 *
 * A layer is what one place says, as a section of ebbd.conf. It may say nothing of a
 * setting. What holds for a domain is made of layers, each over the one before it,
 * and knows of each setting which layer it comes from.
 */
#ifndef EBB_HOST_SETTINGS_H
#define EBB_HOST_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/interface/rung_id.h"
#include "protocol/message.h"

/* What a domain returns while the host has enough: see host/policy/policy.h. */
enum ebb_mode {
	EBB_MODE_PERFORMANCE,
	EBB_MODE_BALANCED,
	EBB_MODE_DENSITY,
};

/*
 * What becomes of a guest whose owner reserved memory or processors for it (immediate
 * allocation, realtime or pinned vCPUs; see host/libvirt/domxml.h).
 */
enum ebb_reserved {
	EBB_RESERVED_KEEP, /* it is left alone */
	EBB_RESERVED_SHARE, /* it is as any other */
};

/* An amount of memory: bytes, or, if @percent is not 0, that part of a domain's. */
struct ebb_amount {
	uint64_t bytes;
	uint32_t percent;
};

/**
 * struct ebb_policy_settings - what the policy is to know of a domain
 * @min: it is never brought below; 0 bytes: no such limit
 * @max: it has never more for long; 0 bytes: no such limit
 * @shares: its weight among others, 1 to EBB_SHARES_MAX
 * @rungs: the set of those that may be used for it
 * @reserved: of what its owner reserved
 */
struct ebb_policy_settings {
	enum ebb_mode mode;
	struct ebb_amount min;
	struct ebb_amount max;
	uint32_t shares;
	uint32_t rungs;
	enum ebb_reserved reserved;
};

/* Of a change: of the domain that runs, of its definition, or of both. */
enum ebb_scope {
	EBB_SCOPE_BOTH, /* of its definition only if it has one */
	EBB_SCOPE_LIVE,
	EBB_SCOPE_CONFIG,
};

enum ebb_setting {
	EBB_SETTING_MODE,
	EBB_SETTING_MIN,
	EBB_SETTING_MAX,
	EBB_SETTING_SHARES,
	EBB_SETTING_RUNGS,
	EBB_SETTING_RESERVED,
	EBB_SETTING_COUNT
};

enum {
	EBB_SHARES_DEFAULT = 1000,
	EBB_SHARES_MAX = 1000000,
	/* Room for any text of ebb_setting_format(). */
	EBB_SETTING_TEXT_BYTES = EBB_RUNGS_TEXT_BYTES,
	EBB_ORIGIN_BYTES = 80,
};

/**
 * struct ebb_origin - where a setting comes from
 * @text: "default", "ebbd.conf:12", "conf.d/web.conf:3" or "domain"; empty: the layer
 *	does not say it
 * @file: number of the file that was read, to find what is given twice in one
 */
struct ebb_origin {
	char text[EBB_ORIGIN_BYTES];
	uint32_t file;
};

/* A layer; or, of all layers, what holds. */
struct ebb_settings {
	struct ebb_policy_settings values;
	struct ebb_origin origins[EBB_SETTING_COUNT];
};

/*
 * What holds where nothing is said: balanced, no min, no max, 1000 shares, all rungs, and
 * what is reserved is left alone.
 */
void ebb_settings_default(struct ebb_settings *ret_settings);

/* "mode", "min", "max", "shares", "rungs" or "reserved". */
const char *ebb_setting_name(enum ebb_setting setting);

/* The setting of that name, or -ENOENT. */
int ebb_setting_find(const char *name);

/**
 * ebb_setting_parse - read one setting
 * @text: a mode; for min and max a size as ebb_size_parse() takes it, a percentage
 *	from 1% to 100%, or "none"; for shares a whole number; for rungs see
 *	ebb_rungs_parse(); "keep" or "share" for reserved
 * @values: that member is written, and only on success
 * @ret_error: "'TEXT' is not accepted: give ..."; may be NULL
 *
 * Returns 0, -EINVAL (not such a text) or -ERANGE.
 */
int ebb_setting_parse(enum ebb_setting setting, const char *text,
		      struct ebb_policy_settings *values,
		      struct ebb_msg_error *ret_error);

/**
 * ebb_setting_format - one setting as the text that ebb_setting_parse() takes
 * @text: at least EBB_SETTING_TEXT_BYTES
 *
 * Returns @text.
 */
const char *ebb_setting_format(enum ebb_setting setting,
			       const struct ebb_policy_settings *values,
			       char *text);

/* Of a domain that has @memory_bytes. */
uint64_t ebb_amount_bytes(const struct ebb_amount *amount,
			  uint64_t memory_bytes);

/* Whether the layer says something of the setting. */
static inline bool ebb_settings_has(const struct ebb_settings *settings,
				    enum ebb_setting setting)
{
	return settings->origins[setting].text[0] != '\0';
}

/* Puts what @over says in place of what @settings had, with its origin. */
void ebb_settings_overlay(struct ebb_settings *settings,
			  const struct ebb_settings *over);

/**
 * ebb_settings_check - whether min and max can both hold
 * @memory_bytes: of the domain; 0: not known, then only what is alike is compared
 * @ret_error: "min is 4G, but max is 2G: ..."; may be NULL
 *
 * Returns 0 or -ERANGE.
 */
int ebb_settings_check(const struct ebb_policy_settings *values,
		       uint64_t memory_bytes, struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_SETTINGS_H */
