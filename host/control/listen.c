/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/control/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "common/cleanup.h"
#include "host/control/acl.h"

enum {
	BACKLOG = 16
};

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* Returns 1 with the socket that systemd passed, 0 if none, or -errno. */
static int listen_inherit(struct ebb_listen *ret_listen)
{
	int r = sd_listen_fds(1);

	if (r <= 0)
		return r;
	if (r != 1)
		return -EINVAL;
	r = sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0);
	if (r <= 0)
		return r < 0 ? r : -EINVAL;
	r = set_nonblocking(SD_LISTEN_FDS_START);
	if (r < 0)
		return r;
	*ret_listen = (struct ebb_listen){ .fd = SD_LISTEN_FDS_START };
	return 1;
}

/* Removes the socket of a daemon that is gone, and nothing else. */
static int remove_stale(const struct sockaddr_un *address)
{
	ebb_auto_close int fd = -1;
	struct stat stat;

	if (lstat(address->sun_path, &stat) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(stat.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
		    0 ||
	    errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) < 0 ? -errno : 0;
}

/*
 * Gives the file to the groups. A file has one group, so that a second one needs an
 * access control list, which not each file system has. Returns 0, -errno, or with
 * @ret_read_error set 0: all but the second is let in.
 */
static int let_groups_in(const char *path,
			 const struct ebb_access_groups *groups,
			 int *ret_read_error)
{
	bool one = groups->act == (gid_t)-1 || groups->act == groups->read;
	gid_t owner = groups->act == (gid_t)-1 ? groups->read : groups->act;

	*ret_read_error = 0;
	if (chown(path, (uid_t)-1, owner) < 0 || chmod(path, 0660) < 0)
		return -errno;
	if (!one && groups->read != (gid_t)-1)
		*ret_read_error = ebb_acl_add_group(path, groups->read);
	return 0;
}

int ebb_listen_open(const char *path, const struct ebb_access_groups *groups,
		    struct ebb_listen *ret_listen)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ebb_listen listener = { .fd = -1 };
	ebb_auto_close int fd = -1;
	struct stat stat;
	int r = listen_inherit(ret_listen);

	if (r)
		return r < 0 ? r : 0;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	strcpy(listener.path, path);
	r = remove_stale(&address);
	if (r < 0)
		return r;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* bind() takes the mode from the socket: it is never open to all. */
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = let_groups_in(path, groups, &listener.read_error);
	if (r == 0 && (lstat(path, &stat) < 0 || listen(fd, BACKLOG) < 0))
		r = -errno;
	if (r < 0) {
		unlink(path);
		return r;
	}
	listener.dev = stat.st_dev;
	listener.ino = stat.st_ino;
	listener.fd = ebb_steal_fd(&fd);
	*ret_listen = listener;
	return 0;
}

void ebb_listen_close(struct ebb_listen *listener)
{
	struct stat stat;

	if (*listener->path && lstat(listener->path, &stat) == 0 &&
	    stat.st_dev == listener->dev && stat.st_ino == listener->ino)
		unlink(listener->path);
	close(listener->fd);
	listener->fd = -1;
}

static bool peer_in_group(int fd, gid_t group)
{
	socklen_t bytes = 64 * sizeof(gid_t);

	/* The kernel says how much room it needs: NGROUPS_MAX is 65536. */
	for (int attempt = 0; attempt < 2; attempt++) {
		ebb_auto_free gid_t *groups = malloc(bytes);

		if (!groups)
			return false;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) <
		    0) {
			if (errno != ERANGE)
				return false;
			continue;
		}
		for (size_t i = 0; i < bytes / sizeof(gid_t); i++) {
			if (groups[i] == group)
				return true;
		}
		return false;
	}
	return false;
}

static bool is_member(int fd, const struct ucred *peer, gid_t group)
{
	return group != (gid_t)-1 &&
	       (peer->gid == group || peer_in_group(fd, group));
}

static enum ebb_access access_of(int fd, const struct ucred *peer,
				 const struct ebb_access_groups *groups)
{
	if (peer->uid == 0 || peer->uid == geteuid() ||
	    is_member(fd, peer, groups->act))
		return EBB_ACCESS_ACT;
	return is_member(fd, peer, groups->read) ? EBB_ACCESS_READ
						 : EBB_ACCESS_NONE;
}

enum ebb_access ebb_listen_peer_access(int fd,
				       const struct ebb_access_groups *groups,
				       uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	enum ebb_access access;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
		return EBB_ACCESS_NONE;
	access = access_of(fd, &peer, groups);
	if (ret_uid && access != EBB_ACCESS_NONE)
		*ret_uid = peer.uid;
	return access;
}
