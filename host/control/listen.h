/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket as a file, and who may knock on it. */
#ifndef EBB_HOST_LISTEN_H
#define EBB_HOST_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct ebb_listen - a listening unix socket
 * @fd: non-blocking, close-on-exec
 * @path: of the file that ebb_listen_close() removes; empty if it is not ours
 * @dev, @ino: of that file, so that a successor's is left alone
 */
struct ebb_listen {
	int fd;
	char path[108];
	dev_t dev;
	ino_t ino;
};

/**
 * ebb_listen_open - take the socket that systemd passes, else make one
 * @path: absolute; a socket that nobody answers on is replaced
 * @group: gid that may connect beside the owner, or (gid_t)-1
 * @ret_listen: close with ebb_listen_close()
 *
 * Returns 0, -EADDRINUSE (a daemon answers), -ENOTSOCK (@path is something
 * else, which stays), -EINVAL (what systemd passed is not one listening unix
 * stream socket), -ENAMETOOLONG or -errno.
 */
int ebb_listen_open(const char *path, gid_t group,
		    struct ebb_listen *ret_listen);
void ebb_listen_close(struct ebb_listen *listener);

/**
 * ebb_listen_peer_allowed - ask the kernel who connected
 * @fd: of the connection
 * @group: gid whose members may ask, or (gid_t)-1
 *
 * The groups are those that the peer's process had when it connected
 * (SO_PEERGROUPS): no name service is asked, which might block.
 *
 * Returns true for root, for the caller's own user and for members.
 */
bool ebb_listen_peer_allowed(int fd, gid_t group);

#endif /* EBB_HOST_LISTEN_H */
