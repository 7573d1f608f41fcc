/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/delay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"

enum {
	/* More are not looked at: a process can start as many as it likes. */
	THREADS_MAX = 1024,
};

/* Of one thread: 0 of one that has just ended. */
static int read_thread(int tasks_fd, const char *name, uint64_t *ret_ns)
{
	char path[300], text[128];
	unsigned long long delay_ns;
	int fd ebb_auto_close = -1;
	ssize_t length;

	*ret_ns = 0;
	snprintf(path, sizeof(path), "%s/schedstat", name);
	fd = openat(tasks_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return errno == ESRCH ? 0 : -errno;
	text[length] = '\0';
	if (sscanf(text, "%*u %llu", &delay_ns) != 1)
		return -ENOTSUP;
	*ret_ns = delay_ns;
	return 0;
}

int ebb_run_delay_read(pid_t pid, uint64_t *ret_ns)
{
	uint64_t sum_ns = 0, thread_ns;
	DIR *tasks ebb_auto_closedir = NULL;
	struct dirent *entry;
	uint32_t threads = 0;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks)
		return -errno;
	while (threads < THREADS_MAX && (entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		r = read_thread(dirfd(tasks), entry->d_name, &thread_ns);
		if (r < 0)
			return r;
		sum_ns += thread_ns;
		threads++;
	}
	*ret_ns = sum_ns;
	return 0;
}
