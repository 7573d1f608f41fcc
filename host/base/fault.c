/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/base/fault.h"

#ifdef EBB_FAULT_POINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

enum {
	HOLD_POLL_US = 1000
};

static pthread_once_t trace_once = PTHREAD_ONCE_INIT;
static int trace_fd = -1;
static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int hold_reached; /* under hold_lock */

/* Whether the file asks for a hold here and now; then it says so. */
static bool is_held(const char *path, const char *point)
{
	char wanted[32] = "";
	unsigned int count = 0;
	FILE *file = fopen(path, "r+e");
	bool held = false;

	if (!file || fscanf(file, "%31s %u", wanted, &count) != 2)
		hold_reached = 0;
	else if (strcmp(wanted, point) == 0)
		held = ++hold_reached >= count;
	if (held) {
		hold_reached = 0;
		/* Over what it says, which is shorter: no call to cut it off. */
		rewind(file);
		held = fprintf(file, "held %s\n", point) > 0;
	}
	if (file)
		fclose(file);
	return held;
}

static void hold(const char *path, const char *point)
{
	bool held;

	pthread_mutex_lock(&hold_lock);
	held = is_held(path, point);
	pthread_mutex_unlock(&hold_lock);
	while (held && access(path, F_OK) == 0)
		ebb_sleep_us(HOLD_POLL_US);
}

/* What $EBB_FAULT says to do at that point, "ACTION[:COUNT]"; NULL: nothing. */
static const char *action_at(const char *fault, const char *point)
{
	size_t length = strlen(point);

	return strncmp(fault, point, length) == 0 && fault[length] == ':'
		       ? fault + length + 1
		       : NULL;
}

static long count_of(const char *action)
{
	const char *count = strchr(action, ':');

	return count ? strtol(count + 1, NULL, 10) : 1;
}

bool ebb_fault_fails(const char *point)
{
	static atomic_long reached;
	const char *fault = getenv("EBB_FAULT");
	const char *action = fault ? action_at(fault, point) : NULL;

	return action && strncmp(action, "fail", 4) == 0 &&
	       atomic_fetch_add(&reached, 1) + 1 >= count_of(action);
}

static void kill_or_stop(const char *fault, const char *point)
{
	static atomic_long reached;
	const char *action = action_at(fault, point);

	if (!action || atomic_fetch_add(&reached, 1) + 1 != count_of(action))
		return;
	if (strncmp(action, "kill", 4) == 0)
		raise(SIGKILL);
	else if (strncmp(action, "stop", 4) == 0)
		kill(getpid(), SIGSTOP);
	else if (strncmp(action, "exit", 4) == 0)
		_exit(1);
}

uint32_t ebb_fault_speed(void)
{
	const char *speed = getenv("EBB_FAULT_SPEED");
	long value = speed ? strtol(speed, NULL, 10) : 1;

	return value >= 1 && value <= 100 ? (uint32_t)value : 1;
}

static void open_trace(void)
{
	const char *path = getenv("EBB_FAULT_TRACE");

	if (path)
		trace_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				0600);
}

static void trace(const char *point)
{
	char line[64];
	int length;

	pthread_once(&trace_once, open_trace);
	if (trace_fd < 0)
		return;
	length = snprintf(line, sizeof(line), "%llu %s\n",
			  (unsigned long long)(ebb_now_ns() / 1000), point);
	/* What cannot be written is missed by the test. */
	if (write(trace_fd, line, (size_t)length) < 0)
		return;
}

void ebb_fault_point(const char *point)
{
	const char *fault = getenv("EBB_FAULT");
	const char *path = getenv("EBB_FAULT_HOLD");

	trace(point);
	if (fault)
		kill_or_stop(fault, point);
	if (path)
		hold(path, point);
}

#endif
