/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket as a file, and who may knock on it.
 *
 * Two groups may: members of one act, as root does, and members of the other
 * only look. The file lets both in, and the kernel says of each peer which it is.
 */
#ifndef EBB_HOST_LISTEN_H
#define EBB_HOST_LISTEN_H

#include <sys/types.h>

/* What a peer may do, from the least to the most. */
enum ebb_access {
	EBB_ACCESS_NONE,
	EBB_ACCESS_READ,
	EBB_ACCESS_ACT,
};

/**
 * struct ebb_access_groups - whose members may connect beside root
 * @act: gid, or (gid_t)-1: none
 * @read: likewise
 */
struct ebb_access_groups {
	gid_t act;
	gid_t read;
};

#define EBB_ACCESS_ROOT_ONLY \
	((struct ebb_access_groups){ .act = (gid_t)-1, .read = (gid_t)-1 })

/**
 * struct ebb_listen - a listening unix socket
 * @fd: non-blocking, close-on-exec
 * @path: of the file that ebb_listen_close() removes; empty if it is not ours
 * @dev, @ino: of that file, so that a successor's is left alone
 * @read_error: 0, or -errno: the file does not let members of the group in that may
 *	only look
 */
struct ebb_listen {
	int fd;
	char path[108];
	dev_t dev;
	ino_t ino;
	int read_error;
};

/**
 * ebb_listen_open - take the socket that systemd passes, else make one
 * @path: absolute; a socket that nobody answers on is replaced
 * @groups: that may connect beside the owner
 * @ret_listen: close with ebb_listen_close()
 *
 * Returns 0, -EADDRINUSE (a daemon answers), -ENOTSOCK (@path is something
 * else, which stays), -EINVAL (what systemd passed is not one listening unix
 * stream socket), -ENAMETOOLONG or -errno.
 */
int ebb_listen_open(const char *path, const struct ebb_access_groups *groups,
		    struct ebb_listen *ret_listen);
void ebb_listen_close(struct ebb_listen *listener);

/**
 * ebb_listen_peer_access - ask the kernel who connected
 * @fd: of the connection
 * @groups: whose members may ask
 * @ret_uid: written if the peer may do anything; NULL is fine
 *
 * The groups are those that the peer's process had when it connected
 * (SO_PEERGROUPS): no name service is asked, which might block.
 *
 * Returns what the peer may do. Root and the caller's own user act; who is in both
 * groups does, too.
 */
enum ebb_access ebb_listen_peer_access(int fd,
				       const struct ebb_access_groups *groups,
				       uid_t *ret_uid);

#endif /* EBB_HOST_LISTEN_H */
