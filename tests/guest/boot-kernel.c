/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot-kernel KERNEL INITRD COMMAND-LINE: loads another kernel, and boot-kernel
 * boots it from this one (kexec), as those do who update a kernel in place. Like
 * reboot -f it ends no process, but the kernel tells all its parts.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void load(char **argv)
{
	int kernel = open(argv[1], O_RDONLY | O_CLOEXEC);
	int initrd = open(argv[2], O_RDONLY | O_CLOEXEC);

	if (kernel < 0 || initrd < 0)
		err(1, "%s", argv[kernel < 0 ? 1 : 2]);
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1,
		    argv[3], 0UL) < 0)
		err(1, "kexec_file_load");
}

int main(int argc, char **argv)
{
	if (argc == 4) {
		load(argv);
		return 0;
	}
	if (argc != 1)
		errx(1, "usage: boot-kernel [KERNEL INITRD COMMAND-LINE]");
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	err(1, "reboot");
}
