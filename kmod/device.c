/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/ebb: the only file of the module that knows ioctl numbers. Each handler
 * copies in, calls, copies out. What needs the ring holds it meanwhile, as a
 * resume from suspend replaces it.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "canary.h"
#include "device.h"
#include "facts.h"
#include "protocol/uapi.h"
#include "ring.h"
#include "session.h"

static long device_get_info(void __user *arg)
{
	struct ebb_info info = {
		.uapi_version = EBB_UAPI_VERSION,
		.flags = session_info_flags(),
		.ring_bytes = EBB_PAGE_BYTES,
		.segment_count = canary_segment_count(),
	};
	int err = session_hold_ring();

	if (err)
		return err;
	facts_refresh();
	memcpy(info.boot_id, ring_page()->boot_id, EBB_BOOT_ID_BYTES);
	info.ring_gpa = ring_gpa();
	info.lease_order = ring_page()->lease_order;
	info.session_state = ebb_load_acquire(&ring_page()->session_state);
	session_release_ring();
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long device_get_segments(void __user *arg)
{
	struct ebb_segments *segments;
	long err;

	segments = kzalloc(sizeof(*segments), GFP_KERNEL);
	if (!segments)
		return -ENOMEM;
	err = session_hold_ring();
	if (err)
		goto out;
	canary_list(segments);
	session_release_ring();
	if (copy_to_user(arg, segments, sizeof(*segments)))
		err = -EFAULT;
out:
	kfree(segments);
	return err;
}

static long device_challenge(const void __user *arg)
{
	struct ebb_challenge challenge;
	int err;

	if (copy_from_user(&challenge, arg, sizeof(challenge)))
		return -EFAULT;
	err = session_hold_ring();
	if (err)
		return err;
	canary_challenge(ring_page()->boot_id, challenge.nonce);
	ring_publish_challenge(challenge.nonce);
	session_release_ring();
	return 0;
}

static long device_session_start(const void __user *arg)
{
	struct ebb_session request;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	return session_start(&request);
}

static long device_ioctl(struct file *file, unsigned int command,
			 unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (command) {
	case EBB_IOC_GET_INFO:
		return device_get_info(user);
	case EBB_IOC_GET_SEGMENTS:
		return device_get_segments(user);
	case EBB_IOC_CHALLENGE:
		return device_challenge(user);
	case EBB_IOC_SESSION_START:
		return device_session_start(user);
	case EBB_IOC_SESSION_STOP:
		return session_stop();
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ebb",
	.fops = &device_operations,
	.mode = 0600,
};

int device_init(void)
{
	return misc_register(&device);
}

void device_exit(void)
{
	misc_deregister(&device);
}
