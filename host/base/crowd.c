/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/base/crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "host/base/loop.h"

struct ebb_crowd {
	int epoll_fd;
	int watch;
};

struct ebb_crowd_member {
	const struct ebb_crowd *crowd;
	int fd;
	void (*fn)(void *opaque);
	void *opaque;
	const char *name; /* of @fn */
};

/* One a turn: it may have another one leave, which must not be called then. */
static void on_ready(int watch, int fd, int events, void *opaque)
{
	const struct ebb_crowd_member *member;
	struct epoll_event event;

	(void)watch;
	(void)events;
	(void)opaque;
	if (epoll_wait(fd, &event, 1, 0) != 1)
		return;
	member = event.data.ptr;
	ebb_loop_doing(member->name);
	member->fn(member->opaque);
}

int ebb_crowd_new(struct ebb_crowd **ret_crowd)
{
	struct ebb_crowd *crowd = malloc(sizeof(*crowd));
	int r;

	if (!crowd)
		return -ENOMEM;
	crowd->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (crowd->epoll_fd < 0) {
		r = -errno;
		free(crowd);
		return r;
	}
	crowd->watch = ebb_loop_watch(crowd->epoll_fd, EBB_LOOP_READABLE,
				      on_ready, crowd);
	if (crowd->watch < 0) {
		close(crowd->epoll_fd);
		free(crowd);
		return -ENOMEM;
	}
	*ret_crowd = crowd;
	return 0;
}

void ebb_crowd_free(struct ebb_crowd *crowd)
{
	if (!crowd)
		return;
	ebb_loop_unwatch(crowd->watch);
	close(crowd->epoll_fd);
	free(crowd);
}

struct ebb_crowd_member *ebb_crowd_join_named(struct ebb_crowd *crowd, int fd,
					      void (*fn)(void *opaque),
					      void *opaque, const char *name)
{
	struct ebb_crowd_member *member = malloc(sizeof(*member));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = member };

	if (!member)
		return NULL;
	*member = (struct ebb_crowd_member){ crowd, fd, fn, opaque, name };
	if (epoll_ctl(crowd->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(member);
		return NULL;
	}
	return member;
}

void ebb_crowd_leave(struct ebb_crowd_member *member)
{
	if (!member)
		return;
	epoll_ctl(member->crowd->epoll_fd, EPOLL_CTL_DEL, member->fd, NULL);
	free(member);
}
