/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/interface/nearest.h"
#include "host/interface/plain.h"

static const char *const modes[] = {
	[EBB_MODE_PERFORMANCE] = "performance",
	[EBB_MODE_BALANCED] = "balanced",
	[EBB_MODE_DENSITY] = "density",
};

static const char *const reserveds[] = {
	[EBB_RESERVED_KEEP] = "keep",
	[EBB_RESERVED_SHARE] = "share",
};

static const struct {
	const char *name;
	const char *accepted;
} settings_table[EBB_SETTING_COUNT] = {
	[EBB_SETTING_MODE] = { "mode", "performance, balanced or density" },
	[EBB_SETTING_MIN] = { "min", "a size such as 2G, a part of the "
				     "domain's memory such as 25%, or none" },
	[EBB_SETTING_MAX] = { "max", "a size such as 2G, a part of the "
				     "domain's memory such as 25%, or none" },
	[EBB_SETTING_SHARES] = { "shares", "a number from 1 to 1000000" },
	[EBB_SETTING_RUNGS] = { "rungs", "all, none, or some of " },
	[EBB_SETTING_RESERVED] = { "reserved", "keep or share" },
};

void ebb_settings_default(struct ebb_settings *ret_settings)
{
	*ret_settings = (struct ebb_settings){
		.values = { .mode = EBB_MODE_BALANCED,
			    .shares = EBB_SHARES_DEFAULT,
			    .rungs = EBB_RUNGS_ALL,
			    .reserved = EBB_RESERVED_KEEP },
	};
	for (int i = 0; i < EBB_SETTING_COUNT; i++)
		strcpy(ret_settings->origins[i].text, "default");
}

const char *ebb_setting_name(enum ebb_setting setting)
{
	return settings_table[setting].name;
}

int ebb_setting_find(const char *name)
{
	for (int i = 0; i < EBB_SETTING_COUNT; i++)
		if (strcmp(settings_table[i].name, name) == 0)
			return i;
	return -ENOENT;
}

/* The number of the word, or -EINVAL. */
static int find_word(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0)
			return (int)i;
	return -EINVAL;
}

/* A whole number of at most @digits_max digits, and then @suffix. */
static int parse_number(const char *text, size_t digits_max, const char *suffix,
			uint32_t max, uint32_t *ret_number)
{
	size_t digits = strspn(text, "0123456789");
	uint32_t number = 0;

	if (digits == 0 || strcmp(text + digits, suffix) != 0)
		return -EINVAL;
	if (digits > digits_max)
		return -ERANGE;
	for (size_t i = 0; i < digits; i++)
		number = 10 * number + (uint32_t)(text[i] - '0');
	if (number < 1 || number > max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

static int parse_amount(const char *text, bool is_max,
			struct ebb_amount *ret_amount)
{
	struct ebb_amount amount = { 0 };
	int r = 0;

	if (strchr(text, '%'))
		r = parse_number(text, 3, "%", 100, &amount.percent);
	else if (strcmp(text, "none") != 0)
		r = ebb_size_parse(text, &amount.bytes);
	if (r < 0)
		return r;
	/* "At most nothing" would be taken for "no limit". */
	if (is_max && amount.bytes == 0 && amount.percent == 0 &&
	    strcmp(text, "none") != 0)
		return -ERANGE;
	*ret_amount = amount;
	return 0;
}

/* What may have been meant by a text, or, of a list, by the word of it that is wrong. */
static const char *nearest_to(enum ebb_setting setting, const char *text)
{
	switch (setting) {
	case EBB_SETTING_MODE:
		return ebb_nearest(text, modes, EBB_ARRAY_SIZE(modes));
	case EBB_SETTING_RESERVED:
		return ebb_nearest(text, reserveds, EBB_ARRAY_SIZE(reserveds));
	case EBB_SETTING_RUNGS:
		return ebb_rungs_nearest(text);
	default:
		return NULL;
	}
}

/* Quotes @text, whatever is in it. */
static void tell_refused(enum ebb_setting setting, const char *text,
			 struct ebb_msg_error *ret_error)
{
	char rungs[EBB_RUNGS_TEXT_BYTES] = "";
	char word[EBB_ORIGIN_BYTES], quoted[41];
	const char *near;
	uint32_t unused;

	if (setting == EBB_SETTING_RUNGS) {
		ebb_rungs_list(EBB_RUNGS_NAMED, rungs);
		ebb_rungs_parse(text, &unused, word, sizeof(word));
		text = word;
	}
	near = nearest_to(setting, text);
	/* A word that is right is one too many. */
	if (near && strcmp(near, text) == 0)
		near = NULL;
	snprintf(quoted, sizeof(quoted), "%.40s", text);
	ebb_plain(quoted);
	if ((setting == EBB_SETTING_MIN || setting == EBB_SETTING_MAX) &&
	    !strchr(text, '%'))
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "'%s' %s, a percentage such as 25%% or none", quoted,
			 ebb_size_trouble(text));
	else if (near)
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "'%s' is not accepted: did you mean '%s'?", quoted,
			 near);
	else
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "'%s' is not accepted: give %s%s", quoted,
			 settings_table[setting].accepted, rungs);
}

int ebb_setting_parse(enum ebb_setting setting, const char *text,
		      struct ebb_policy_settings *values,
		      struct ebb_msg_error *ret_error)
{
	char word[EBB_RUNGS_TEXT_BYTES];
	int r = -EINVAL;

	switch (setting) {
	case EBB_SETTING_MODE:
		r = find_word(text, modes, EBB_ARRAY_SIZE(modes));
		if (r >= 0)
			values->mode = (enum ebb_mode)r;
		break;
	case EBB_SETTING_MIN:
		r = parse_amount(text, false, &values->min);
		break;
	case EBB_SETTING_MAX:
		r = parse_amount(text, true, &values->max);
		break;
	case EBB_SETTING_SHARES:
		r = parse_number(text, 7, "", EBB_SHARES_MAX, &values->shares);
		break;
	case EBB_SETTING_RUNGS:
		r = ebb_rungs_parse(text, &values->rungs, word, sizeof(word));
		break;
	case EBB_SETTING_RESERVED:
		r = find_word(text, reserveds, EBB_ARRAY_SIZE(reserveds));
		if (r >= 0)
			values->reserved = (enum ebb_reserved)r;
		break;
	case EBB_SETTING_COUNT:
		break;
	}
	if (r < 0 && ret_error)
		tell_refused(setting, text, ret_error);
	return r < 0 ? r : 0;
}

static const char *format_amount(const struct ebb_amount *amount, char *text)
{
	if (amount->percent)
		snprintf(text, EBB_SETTING_TEXT_BYTES, "%" PRIu32 "%%",
			 amount->percent);
	else if (amount->bytes)
		ebb_size_format_exact(amount->bytes, text,
				      EBB_SETTING_TEXT_BYTES);
	else
		strcpy(text, "none");
	return text;
}

const char *ebb_setting_format(enum ebb_setting setting,
			       const struct ebb_policy_settings *values,
			       char *text)
{
	*text = '\0';
	switch (setting) {
	case EBB_SETTING_MODE:
		strcpy(text, modes[values->mode]);
		break;
	case EBB_SETTING_MIN:
		return format_amount(&values->min, text);
	case EBB_SETTING_MAX:
		return format_amount(&values->max, text);
	case EBB_SETTING_SHARES:
		snprintf(text, EBB_SETTING_TEXT_BYTES, "%" PRIu32,
			 values->shares);
		break;
	case EBB_SETTING_RUNGS:
		return ebb_rungs_format(values->rungs, text);
	case EBB_SETTING_RESERVED:
		strcpy(text, reserveds[values->reserved]);
		break;
	case EBB_SETTING_COUNT:
		break;
	}
	return text;
}

uint64_t ebb_amount_bytes(const struct ebb_amount *amount,
			  uint64_t memory_bytes)
{
	if (amount->percent == 0)
		return amount->bytes;
	return memory_bytes / 100 * amount->percent +
	       memory_bytes % 100 * amount->percent / 100;
}

static void copy_value(enum ebb_setting setting, struct ebb_policy_settings *to,
		       const struct ebb_policy_settings *from)
{
	switch (setting) {
	case EBB_SETTING_MODE:
		to->mode = from->mode;
		break;
	case EBB_SETTING_MIN:
		to->min = from->min;
		break;
	case EBB_SETTING_MAX:
		to->max = from->max;
		break;
	case EBB_SETTING_SHARES:
		to->shares = from->shares;
		break;
	case EBB_SETTING_RUNGS:
		to->rungs = from->rungs;
		break;
	case EBB_SETTING_RESERVED:
		to->reserved = from->reserved;
		break;
	case EBB_SETTING_COUNT:
		break;
	}
}

void ebb_settings_overlay(struct ebb_settings *settings,
			  const struct ebb_settings *over)
{
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		if (!ebb_settings_has(over, (enum ebb_setting)i))
			continue;
		copy_value((enum ebb_setting)i, &settings->values,
			   &over->values);
		settings->origins[i] = over->origins[i];
	}
}

int ebb_settings_check(const struct ebb_policy_settings *values,
		       uint64_t memory_bytes, struct ebb_msg_error *ret_error)
{
	const struct ebb_amount *min = &values->min, *max = &values->max;
	char min_text[EBB_SETTING_TEXT_BYTES], max_text[EBB_SETTING_TEXT_BYTES];
	bool alike = (min->percent != 0) == (max->percent != 0);

	if (max->bytes == 0 && max->percent == 0)
		return 0;
	/* Parts of any memory compare as parts of a hundred bytes do. */
	if (alike && memory_bytes == 0)
		memory_bytes = 100;
	if (memory_bytes == 0 || ebb_amount_bytes(min, memory_bytes) <=
					 ebb_amount_bytes(max, memory_bytes))
		return 0;
	if (ret_error)
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "min is %s, but max is %s: lower min, or raise max",
			 format_amount(min, min_text),
			 format_amount(max, max_text));
	return -ERANGE;
}
