/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/facts.h"
#include "guest/sysfile.h"
#include "guest/vmstat.h"
#include "protocol/uapi.h"

/* Microseconds: 150 ms of stalls in a second. */
#define PSI_TRIGGER "some 150000 1000000"

struct ebb_pressure {
	sd_event *event;
	const char *root;
	struct ebb_limited *limited;
	const struct ebb_pressure_ops *ops;
	void *opaque;
	char proc_dir[EBB_SYSFILE_PATH_BYTES];
	sd_event_source *psi; /* NULL: not watched */
	sd_event_source *threshold;
	bool seen; /* @before is of this target */
	struct ebb_vmstat before;
};

static enum ebb_backoff_reason judge(struct ebb_pressure *pressure)
{
	enum ebb_backoff_reason reason = EBB_BACKOFF_NONE;
	struct ebb_msg_facts facts;
	struct ebb_vmstat now, next;

	if (ebb_facts_read(pressure->proc_dir, &facts) < 0 ||
	    ebb_limited_read(pressure->limited, &now, &next) < 0)
		return EBB_BACKOFF_NONE;
	if (pressure->seen)
		reason = ebb_vmstat_judge(&pressure->before, &now,
					  facts.total_bytes);
	pressure->seen = true;
	pressure->before = next;
	return reason;
}

static int on_psi(sd_event_source *source, int fd, uint32_t revents,
		  void *opaque)
{
	struct ebb_pressure *pressure = opaque;
	enum ebb_backoff_reason reason;

	(void)source;
	(void)fd;
	if (revents & EPOLLERR) {
		pressure->psi = sd_event_source_disable_unref(pressure->psi);
		return 0;
	}
	reason = judge(pressure);
	if (reason != EBB_BACKOFF_NONE)
		pressure->ops->pressed(reason, pressure->opaque);
	return 0;
}

/* A file of sysfs reports until it is read again, from its begin. */
static int on_threshold(sd_event_source *source, int fd, uint32_t revents,
			void *opaque)
{
	struct ebb_pressure *pressure = opaque;
	char state[32];

	(void)source;
	(void)revents;
	if (pread(fd, state, sizeof(state), 0) <= 0)
		pressure->threshold =
			sd_event_source_disable_unref(pressure->threshold);
	pressure->ops->threshold_changed(pressure->opaque);
	return 0;
}

/* Owns @fd, also on failure. */
static void watch_fd(struct ebb_pressure *pressure, int fd,
		     sd_event_io_handler_t handler,
		     sd_event_source **ret_source)
{
	if (sd_event_add_io(pressure->event, ret_source, fd, EPOLLPRI, handler,
			    pressure) < 0) {
		*ret_source = NULL;
		close(fd);
		return;
	}
	sd_event_source_set_io_fd_own(*ret_source, 1);
}

static void watch_psi(struct ebb_pressure *pressure)
{
	char path[EBB_SYSFILE_PATH_BYTES + 32];
	int fd ebb_auto_close = -1;

	snprintf(path, sizeof(path), "%s/pressure/memory", pressure->proc_dir);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	/* The kernel overwrites the last byte: it must be the NUL. */
	if (fd >= 0 && write(fd, PSI_TRIGGER, sizeof(PSI_TRIGGER)) >= 0)
		watch_fd(pressure, ebb_steal_fd(&fd), on_psi, &pressure->psi);
}

static void watch_threshold(struct ebb_pressure *pressure)
{
	char path[EBB_SYSFILE_PATH_BYTES + sizeof(EBB_THRESHOLD_PATH)];
	char state[32];
	int fd ebb_auto_close = -1;

	snprintf(path, sizeof(path), "%s%s", pressure->root,
		 EBB_THRESHOLD_PATH);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, state, sizeof(state)) > 0)
		watch_fd(pressure, ebb_steal_fd(&fd), on_threshold,
			 &pressure->threshold);
}

int ebb_pressure_new(sd_event *event, const char *root,
		     struct ebb_limited *limited,
		     const struct ebb_pressure_ops *ops, void *opaque,
		     struct ebb_pressure **ret_pressure)
{
	struct ebb_pressure *pressure = calloc(1, sizeof(*pressure));

	if (!pressure)
		return -ENOMEM;
	pressure->event = sd_event_ref(event);
	pressure->root = root;
	pressure->limited = limited;
	pressure->ops = ops;
	pressure->opaque = opaque;
	snprintf(pressure->proc_dir, sizeof(pressure->proc_dir), "%s/proc",
		 root);
	*ret_pressure = pressure;
	return 0;
}

void ebb_pressure_free(struct ebb_pressure *pressure)
{
	if (!pressure)
		return;
	ebb_pressure_unwatch(pressure);
	sd_event_unref(pressure->event);
	free(pressure);
}

void ebb_pressure_watch(struct ebb_pressure *pressure)
{
	if (!pressure->seen)
		judge(pressure);
	if (!pressure->psi)
		watch_psi(pressure);
	if (!pressure->threshold)
		watch_threshold(pressure);
}

void ebb_pressure_unwatch(struct ebb_pressure *pressure)
{
	pressure->psi = sd_event_source_disable_unref(pressure->psi);
	pressure->threshold =
		sd_event_source_disable_unref(pressure->threshold);
	pressure->seen = false;
}

enum ebb_backoff_reason ebb_pressure_renew(struct ebb_pressure *pressure)
{
	struct ebb_vmstat before = pressure->before;
	enum ebb_backoff_reason reason;
	bool seen = pressure->seen;

	reason = judge(pressure);
	if (!seen)
		return EBB_BACKOFF_NONE;
	if (!pressure->threshold)
		return reason;
	return ebb_vmstat_stalled(&before, &pressure->before);
}
