/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	/* See proc(5): after the name, which may hold anything. */
	START_TIME_FIELD = 22,
	NAME_FIELD = 2,
	CMDLINE_BYTES_MAX = 1 << 20,
};

uint64_t ebb_process_start_ticks(pid_t pid)
{
	char path[64], line[1024], *field;
	FILE *file ebb_auto_fclose = NULL;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		return 0;
	field = strrchr(line, ')');
	for (int i = NAME_FIELD; field && i < START_TIME_FIELD; i++)
		field = strchr(field + 1, ' ');
	return field ? strtoull(field, NULL, 10) : 0;
}

uint32_t ebb_process_age_s(pid_t pid)
{
	long ticks = sysconf(_SC_CLK_TCK);
	unsigned long long start_s = ebb_process_start_ticks(pid);
	struct timespec now;

	if (!start_s || ticks <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return UINT32_MAX;
	start_s /= (unsigned long long)ticks;
	return start_s > (unsigned long long)now.tv_sec
		       ? 0
		       : (uint32_t)((unsigned long long)now.tv_sec - start_s);
}

bool ebb_process_was_restored(pid_t pid)
{
	char path[64], *argument ebb_auto_free = NULL;
	FILE *file ebb_auto_fclose = NULL;
	size_t bytes = 0, total = 0;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	while (file && total < CMDLINE_BYTES_MAX &&
	       (got = getdelim(&argument, &bytes, '\0', file)) > 0) {
		if (strcmp(argument, "-incoming") == 0 ||
		    strcmp(argument, "-loadvm") == 0)
			return true;
		total += (size_t)got;
	}
	return false;
}
