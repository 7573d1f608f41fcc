/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session-state: prints the number of /dev/ebb's enum ebb_session_state, which
 * tells why the last session ended also when its host was not there to see it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "protocol/uapi.h"

int main(void)
{
	int device = open("/dev/ebb", O_RDWR | O_CLOEXEC);
	struct ebb_info info;

	if (device < 0 || ioctl(device, EBB_IOC_GET_INFO, &info) < 0)
		err(1, "/dev/ebb");
	printf("%u\n", info.session_state);
	return 0;
}
