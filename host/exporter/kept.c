/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/kept.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

void exp_kept_clear(struct exp_kept *kept)
{
	exp_text_clear(&kept->metrics);
	exp_text_clear(&kept->live);
}

static void add_bytes(struct exp_text *to, const char *from, const char *end)
{
	exp_text_add(to, "%.*s", (int)(end - from), from);
}

/* As of struct exp_row with EXP_MS. Returns what comes behind it. */
static const char *add_age(struct exp_text *to, const char *number,
			   uint32_t age_ms)
{
	char *end;
	uint64_t ms = 1000 * strtoull(number, &end, 10);

	if (*end == '.')
		ms += strtoull(end + 1, &end, 10);
	ms += age_ms;
	exp_text_add(to, "%" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000);
	return end;
}

static bool is_age(const char *line)
{
	static const char *const names[] = {
		"ebb_budgets_age_seconds",
		"ebb_domain_decision_age_seconds",
	};

	for (size_t i = 0; i < EBB_ARRAY_SIZE(names); i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* A sample is a line, and ends with its value; no label has a newline. */
static void add_metrics(struct exp_text *to, const struct exp_text *from,
			uint32_t age_ms)
{
	const char *begin = exp_text_get(from), *end;

	to->failed |= from->failed;
	for (const char *line = begin; (end = strchr(line, '\n'));
	     line = end + 1) {
		const char *number = end;

		if (!is_age(line))
			continue;
		while (number > line && number[-1] != ' ')
			number--;
		add_bytes(to, begin, number);
		begin = add_age(to, number, age_ms);
	}
	exp_text_put(to, begin);
}

/* In a string, the quote would be escaped. */
static void add_live(struct exp_text *to, const struct exp_text *from,
		     uint32_t age_ms)
{
	static const char member[] = "_age_seconds\":";
	const char *begin = exp_text_get(from), *found;

	to->failed |= from->failed;
	while ((found = strstr(begin, member))) {
		const char *number = found + strlen(member);

		add_bytes(to, begin, number);
		begin = add_age(to, number, age_ms);
	}
	exp_text_put(to, begin);
}

void exp_kept_add(const struct exp_kept *kept, uint32_t age_ms,
		  struct exp_text *metrics, struct exp_text *live)
{
	add_metrics(metrics, &kept->metrics, age_ms);
	if (!live)
		return;
	exp_text_add(live, ",");
	add_live(live, &kept->live, age_ms);
}
