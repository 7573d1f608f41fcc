/* SPDX-License-Identifier: GPL-2.0-only */
#include "dead-fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	NODE_FILE = 2,
	FILE_BYTES = 64 << 20
};

static struct {
	int fd;
	char dir[256];
	pthread_t thread;
	atomic_bool dead;
	atomic_bool stop;
	atomic_uint asked;
} fs;

static void answer(uint64_t unique, int error, const void *data, size_t bytes)
{
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + (error ? 0 : bytes)),
		.error = error,
		.unique = unique,
	};
	struct iovec parts[] = {
		{ &head, sizeof(head) },
		{ (void *)data, error ? 0 : bytes },
	};

	if (writev(fs.fd, parts, 2) < 0)
		fs.stop = true;
}

static struct fuse_attr attr_of(uint64_t node)
{
	struct fuse_attr attr = { .ino = node, .nlink = 1, .blksize = 4096 };

	attr.mode = node == NODE_FILE ? S_IFREG | 0600 : S_IFDIR | 0700;
	attr.size = node == NODE_FILE ? FILE_BYTES : 0;
	return attr;
}

static void serve(const struct fuse_in_header *in, const void *data)
{
	const struct fuse_init_in *init = data;
	struct fuse_init_out init_out = { .major = FUSE_KERNEL_VERSION,
					  .minor = 31,
					  .max_write = 4096 };
	struct fuse_entry_out entry = { .nodeid = NODE_FILE,
					.attr = attr_of(NODE_FILE) };
	struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
	struct fuse_open_out open_out = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_INIT:
		init_out.max_readahead = init->max_readahead;
		answer(in->unique, 0, &init_out, sizeof(init_out));
		break;
	case FUSE_LOOKUP:
		answer(in->unique, strcmp(data, "disk") ? -ENOENT : 0, &entry,
		       sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(in->unique, 0, &open_out, sizeof(open_out));
		break;
	default:
		answer(in->unique, -ENOSYS, NULL, 0);
	}
}

static void *run(void *opaque)
{
	static union {
		struct fuse_in_header head;
		char bytes[FUSE_MIN_READ_BUFFER + 4096];
	} request;
	struct pollfd pollfd = { .fd = fs.fd, .events = POLLIN };

	(void)opaque;
	while (!fs.stop) {
		if (poll(&pollfd, 1, 50) <= 0)
			continue;
		if (read(fs.fd, &request, sizeof(request)) <
		    (ssize_t)sizeof(request.head))
			break;
		if (fs.dead)
			fs.asked++;
		else
			serve(&request.head, &request.head + 1);
	}
	return NULL;
}

bool dead_fs_mount(const char *dir)
{
	char options[128];

	fs.dead = fs.stop = false;
	fs.asked = 0;
	fs.fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fs.fd < 0)
		return false;
	snprintf(fs.dir, sizeof(fs.dir), "%s", dir);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", fs.fd);
	if (mount("dead", dir, "fuse", MS_NOSUID | MS_NODEV, options) < 0 ||
	    pthread_create(&fs.thread, NULL, run, NULL) != 0) {
		umount2(dir, MNT_DETACH);
		close(fs.fd);
		return false;
	}
	return true;
}

void dead_fs_die(void)
{
	fs.dead = true;
}

unsigned int dead_fs_asked(void)
{
	return fs.asked;
}

void dead_fs_unmount(void)
{
	fs.stop = true;
	pthread_join(fs.thread, NULL);
	close(fs.fd);
	umount2(fs.dir, MNT_DETACH);
}
