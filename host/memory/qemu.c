/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/qemu.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/memory/thp.h"

/* Smaller shared files of QEMU are ROMs and device state, not RAM. */
#define BACKING_BYTES_MIN ((uint64_t)16 << 20)

/* A command line of QEMU by libvirt: some KiB. */
#define CMDLINE_BYTES_MAX (256 * 1024)

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int read_pid(const char *run_dir, const char *name, pid_t *ret_pid)
{
	FILE *file ebb_auto_fclose = NULL;
	char path[512];
	long pid;

	if (snprintf(path, sizeof(path), "%s/%s.pid", run_dir, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	if (fscanf(file, "%ld", &pid) != 1 || pid <= 1 || pid > INT_MAX)
		return -ESRCH;
	*ret_pid = (pid_t)pid;
	return 0;
}

/* Whether the arguments hold "-uuid UUID". */
static int check_cmdline(pid_t pid, const char *uuid)
{
	FILE *file ebb_auto_fclose = NULL;
	char *text ebb_auto_free = NULL;
	char path[64];
	size_t used;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -ESRCH;
	text = malloc(CMDLINE_BYTES_MAX + 1);
	if (!text)
		return -ENOMEM;
	used = fread(text, 1, CMDLINE_BYTES_MAX, file);
	text[used] = '\0';

	for (size_t at = 0; at < used; at += strlen(text + at) + 1) {
		size_t value = at + strlen(text + at) + 1;

		if (strcmp(text + at, "-uuid") == 0 && value < used)
			return strcasecmp(text + value, uuid) == 0 ? 0 : -ESRCH;
	}
	return -ESRCH;
}

/* A field of /proc/PID/status that is given in kB, in bytes. */
static uint64_t status_bytes(pid_t pid, const char *field)
{
	FILE *file ebb_auto_fclose = NULL;
	size_t field_length = strlen(field);
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, field, field_length) == 0 &&
		    line[field_length] == ':')
			return strtoull(line + field_length + 1, NULL, 10) *
			       1024;
	return 0;
}

/*
 * Whether the process has the inode mapped shared and writable; then also
 * whether huge pages fit there.
 */
static bool is_mapped_shared(pid_t pid, const struct stat *st,
			     bool *ret_huge_fits)
{
	FILE *file ebb_auto_fclose = NULL;
	char path[64], line[1024];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		unsigned int major_id, minor_id;
		uint64_t address, offset, ino;
		char modes[5];

		if (sscanf(line,
			   "%" SCNx64 "-%*x %4s %" SCNx64 " %x:%x %" SCNu64,
			   &address, modes, &offset, &major_id, &minor_id,
			   &ino) != 6)
			continue;
		if (ino == st->st_ino && major_id == major(st->st_dev) &&
		    minor_id == minor(st->st_dev) && modes[1] == 'w' &&
		    modes[3] == 's') {
			*ret_huge_fits = ebb_thp_fits(address, offset);
			return true;
		}
	}
	return false;
}

static bool is_known(const struct ebb_qemu *qemu, const struct stat *st)
{
	for (uint32_t i = 0; i < qemu->backing_count; i++)
		if (qemu->backings[i].ino == st->st_ino &&
		    qemu->backings[i].dev == st->st_dev)
			return true;
	return false;
}

/* Kind and page size of a file, or -EINVAL if its file system is neither. */
static int classify(int fd, const char *target, struct ebb_backing *backing)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type == HUGETLBFS_MAGIC) {
		backing->kind = EBB_BACKING_HUGETLBFS;
		backing->page_bytes = (uint64_t)fs.f_bsize;
		return 0;
	}
	if (fs.f_type == TMPFS_MAGIC) {
		backing->kind = strncmp(target, "/memfd:", 7) == 0
					? EBB_BACKING_MEMFD
					: EBB_BACKING_FILE;
		backing->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
		return 0;
	}
	return -EINVAL;
}

static int add_backing(struct ebb_qemu *qemu, const char *path,
		       const char *target, struct ebb_reason_list *reasons)
{
	struct ebb_backing backing = { .fd = -1 };
	int fd ebb_auto_close = -1;
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size < BACKING_BYTES_MIN || is_known(qemu, &st) ||
	    !is_mapped_shared(qemu->pid, &st, &backing.huge_fits))
		return 0;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (classify(fd, target, &backing) < 0) {
		ebb_reason_add(reasons, EBB_REASON_BACKING_ON_DISK, "%s",
			       target);
		return 0;
	}
	if (qemu->backing_count == EBB_BACKING_MAX)
		return -E2BIG;
	backing.huge_enabled = ebb_thp_enabled("", qemu->pid, &st);
	backing.fd = ebb_steal_fd(&fd);
	backing.bytes = (uint64_t)st.st_size;
	backing.dev = st.st_dev;
	backing.ino = st.st_ino;
	qemu->backings[qemu->backing_count++] = backing;
	return 0;
}

/* Devices whose owner has guest memory pinned, as QEMU's open files show it. */
static void note_pinning_file(const char *target,
			      struct ebb_reason_list *reasons)
{
	if (strncmp(target, "/dev/vfio/", 10) == 0 ||
	    strncmp(target, "/dev/iommu", 10) == 0 ||
	    strncmp(target, "anon_inode:[vfio", 16) == 0)
		ebb_reason_add(reasons, EBB_REASON_VFIO, "%s", target);
	else if (strncmp(target, "/dev/vhost-vdpa", 15) == 0)
		ebb_reason_add(reasons, EBB_REASON_VDPA, "%s", target);
}

static int scan_files(struct ebb_qemu *qemu, struct ebb_reason_list *reasons)
{
	DIR *dir ebb_cleanup(close_dir) = NULL;
	char path[64], entry_path[64 + 256], target[512];
	struct dirent *entry;
	ssize_t length;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)qemu->pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(entry_path, sizeof(entry_path), "%s/%s", path,
			 entry->d_name);
		length = readlink(entry_path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		note_pinning_file(target, reasons);
		r = add_backing(qemu, entry_path, target, reasons);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_backings(const void *a, const void *b)
{
	const struct ebb_backing *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	return left->ino < right->ino ? -1 : left->ino > right->ino;
}

int ebb_qemu_open(const char *run_dir, const char *name, const char *uuid,
		  struct ebb_qemu *ret_qemu, struct ebb_reason_list *reasons)
{
	struct ebb_qemu qemu ebb_cleanup(ebb_qemu_close) = { .pidfd = -1 };
	int r;

	r = read_pid(run_dir, name, &qemu.pid);
	if (r < 0)
		return r;
	qemu.pidfd = (int)syscall(SYS_pidfd_open, qemu.pid, 0);
	if (qemu.pidfd < 0)
		return -errno;
	r = check_cmdline(qemu.pid, uuid);
	if (r < 0)
		return r;
	r = scan_files(&qemu, reasons);
	if (r < 0)
		return r;
	if (status_bytes(qemu.pid, "VmLck") || status_bytes(qemu.pid, "VmPin"))
		ebb_reason_add(reasons, EBB_REASON_LOCKED_MEMORY,
			       "VmLck or VmPin of process %d", (int)qemu.pid);
	/* All of the above was read of a process that lived through it. */
	if (!ebb_qemu_alive(&qemu))
		return -ESRCH;

	qsort(qemu.backings, qemu.backing_count, sizeof(qemu.backings[0]),
	      compare_backings);
	*ret_qemu = qemu;
	qemu = (struct ebb_qemu){ .pidfd = -1 };
	return 0;
}

void ebb_qemu_close(struct ebb_qemu *qemu)
{
	for (uint32_t i = 0; i < qemu->backing_count; i++)
		close(qemu->backings[i].fd);
	if (qemu->pid > 0 && qemu->pidfd >= 0)
		close(qemu->pidfd);
	*qemu = (struct ebb_qemu){ .pidfd = -1 };
}

bool ebb_qemu_alive(const struct ebb_qemu *qemu)
{
	struct pollfd pollfd = { .fd = qemu->pidfd, .events = POLLIN };
	int r;

	if (qemu->pid <= 0)
		return false;
	/* A signal that comes just now says nothing of the process. */
	do
		r = poll(&pollfd, 1, 0);
	while (r < 0 && errno == EINTR);
	return r == 0;
}

uint64_t ebb_qemu_rss_bytes(const struct ebb_qemu *qemu)
{
	return qemu->pid > 0 ? status_bytes(qemu->pid, "VmRSS") : 0;
}

uint64_t ebb_backing_resident_bytes(const struct ebb_backing *backing)
{
	struct stat st;

	if (fstat(backing->fd, &st) < 0)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}

const char *ebb_backing_kind_name(enum ebb_backing_kind kind)
{
	switch (kind) {
	case EBB_BACKING_MEMFD:
		return "memfd";
	case EBB_BACKING_FILE:
		return "file";
	case EBB_BACKING_HUGETLBFS:
		return "hugetlbfs";
	}
	return "unknown";
}
