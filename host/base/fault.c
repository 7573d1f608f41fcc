/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/base/fault.h"

#ifdef EBB_FAULT_POINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ebb_fault_point(const char *point)
{
	static atomic_long reached;
	const char *fault = getenv("EBB_FAULT");
	size_t point_length = strlen(point);
	const char *action, *count;

	if (!fault || strncmp(fault, point, point_length) != 0 ||
	    fault[point_length] != ':')
		return;
	action = fault + point_length + 1;
	count = strchr(action, ':');
	if (atomic_fetch_add(&reached, 1) + 1 !=
	    (count ? strtol(count + 1, NULL, 10) : 1))
		return;
	if (strncmp(action, "kill", 4) == 0)
		raise(SIGKILL);
	else if (strncmp(action, "stop", 4) == 0)
		kill(getpid(), SIGSTOP);
	else if (strncmp(action, "exit", 4) == 0)
		_exit(1);
}

#endif
