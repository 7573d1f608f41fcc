/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cleanup.h"

static int request(unsigned long number, void *argument)
{
	int fd ebb_auto_close = open(EBB_DEVICE_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return ioctl(fd, number, argument) < 0 ? -errno : 0;
}

int ebb_device_info(struct ebb_info *ret_info)
{
	return request(EBB_IOC_GET_INFO, ret_info);
}

int ebb_device_segments(struct ebb_segments *ret_segments)
{
	return request(EBB_IOC_GET_SEGMENTS, ret_segments);
}

int ebb_device_challenge(const struct ebb_challenge *challenge)
{
	struct ebb_challenge copy = *challenge;

	return request(EBB_IOC_CHALLENGE, &copy);
}

int ebb_device_session_start(const struct ebb_session *session)
{
	struct ebb_session copy = *session;

	return request(EBB_IOC_SESSION_START, &copy);
}

int ebb_device_session_stop(void)
{
	return request(EBB_IOC_SESSION_STOP, NULL);
}

int ebb_device_target_set(const struct ebb_target *target)
{
	struct ebb_target copy = *target;

	return request(EBB_IOC_TARGET_SET, &copy);
}

int ebb_device_target_get(struct ebb_threshold *ret_threshold)
{
	return request(EBB_IOC_TARGET_GET, ret_threshold);
}

bool ebb_device_is_absent(int r)
{
	return r == -ENOENT || r == -ENXIO || r == -ENODEV;
}
