/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors of which there are thousands, and which are silent nearly always.
 *
 * Theory of operation
 * ===================
 *
 * The event loop is libvirt's, which polls all that it watches in each of its turns: a
 * thousand processes whose end is awaited were half of what ebbd did at rest, and as
 * much of each turn while a thousand domains were looked at. So these are in an epoll
 * of their own, which is one descriptor of the loop's. A turn of the loop then costs
 * the same however many there are.
 *
 * All of it is for the event loop's thread.
 */
#ifndef EBB_HOST_CROWD_H
#define EBB_HOST_CROWD_H

struct ebb_crowd;
struct ebb_crowd_member;

/* Returns 0 or -errno. */
int ebb_crowd_new(struct ebb_crowd **ret_crowd);

/* Its members have left. NULL is fine. */
void ebb_crowd_free(struct ebb_crowd *crowd);

/**
 * ebb_crowd_join - watch a descriptor until it is readable or hung up
 * @fd: is not closed before ebb_crowd_leave()
 * @fn: called while that is so, one member a turn of the loop; may have any member leave
 *
 * Returns the member, or NULL without memory or room.
 */
#define ebb_crowd_join(crowd, fd, fn, opaque) \
	ebb_crowd_join_named(crowd, fd, fn, opaque, #fn)
struct ebb_crowd_member *ebb_crowd_join_named(struct ebb_crowd *crowd, int fd,
					      void (*fn)(void *opaque),
					      void *opaque, const char *name);

/* NULL is fine. */
void ebb_crowd_leave(struct ebb_crowd_member *member);

#endif /* EBB_HOST_CROWD_H */
