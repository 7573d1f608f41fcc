/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/when.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"

static struct tm local(uint64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm = { 0 };

	localtime_r(&s, &tm);
	return tm;
}

/* All of @text, into @tm, of which the rest stays. */
static bool fits(const char *text, const char *format, struct tm *tm)
{
	const char *end = strptime(text, format, tm);

	return end && *end == '\0';
}

/* Returns 0 or -EINVAL. */
static int take(struct tm *tm, uint64_t *ret_ms)
{
	time_t s;

	tm->tm_isdst = -1;
	s = mktime(tm);
	if (s < 0)
		return -EINVAL;
	*ret_ms = (uint64_t)s * 1000;
	return 0;
}

int ctl_when_parse(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
	static const char *const dates[] = {
		"%Y-%m-%d",	     "%Y-%m-%d %H:%M",	  "%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
	};
	static const char *const times[] = { "%H:%M", "%H:%M:%S" };

	for (size_t i = 0; i < EBB_ARRAY_SIZE(dates); i++) {
		struct tm tm = { 0 };

		if (fits(text, dates[i], &tm))
			return take(&tm, ret_ms);
	}
	for (size_t i = 0; i < EBB_ARRAY_SIZE(times); i++) {
		struct tm tm = local(now_ms);
		int r;

		tm.tm_sec = 0;
		if (!fits(text, times[i], &tm))
			continue;
		r = take(&tm, ret_ms);
		/* Yesterday's: the day may have had 23 hours, or 25. */
		if (r == 0 && *ret_ms > now_ms) {
			tm.tm_mday--;
			r = take(&tm, ret_ms);
		}
		return r;
	}
	return -EINVAL;
}

const char *ctl_when_format(uint64_t ms, uint64_t now_ms,
			    char text[CTL_WHEN_BYTES])
{
	struct tm tm = local(ms), now = local(now_ms);
	bool today = tm.tm_year == now.tm_year && tm.tm_yday == now.tm_yday;

	strftime(text, CTL_WHEN_BYTES, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S",
		 &tm);
	return text;
}

const char *ctl_when_exact(uint64_t ms, char text[CTL_WHEN_BYTES])
{
	struct tm tm = local(ms);

	strftime(text, CTL_WHEN_BYTES, "%Y-%m-%dT%H:%M:%S%z", &tm);
	return text;
}

uint64_t ctl_when_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int ctl_when_since(const struct ctl_args *args, const char *command,
		   uint64_t now_ms, uint64_t *ret_since_ms)
{
	*ret_since_ms = 0;
	if (args->since && args->last_ms > 0)
		return ctl_usage(args,
				 "give either --since or --last. See ebbctl "
				 "help %s.",
				 command);
	if (args->last_ms > 0)
		*ret_since_ms = now_ms - args->last_ms;
	if (!args->since ||
	    ctl_when_parse(args->since, now_ms, ret_since_ms) == 0)
		return CTL_DONE;
	return ctl_usage(
		args,
		"--since is '%.40s', which is not accepted. Give a "
		"time such as 14:30, 2026-11-29 or '2026-11-29 14:30'.",
		args->since);
}
