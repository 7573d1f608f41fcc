/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/ebb: the only file of the module that knows ioctl numbers. Each handler
 * copies in, calls, copies out; and /sys/class/misc/ebb/threshold. What needs the ring holds it meanwhile, as a
 * resume from suspend replaces it.
 */
#include <linux/compat.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>

#include "canary.h"
#include "device.h"
#include "facts.h"
#include "protocol/uapi.h"
#include "ring.h"
#include "session.h"
#include "threshold.h"

static long device_get_info(void __user *arg)
{
	struct ebb_info info = {
		.uapi_version = EBB_UAPI_VERSION,
		.flags = ebb_session_info_flags(),
		.ring_bytes = EBB_PAGE_BYTES,
		.segment_count = ebb_canary_segment_count(),
	};
	int err = ebb_session_lock_ring();

	if (err)
		return err;
	ebb_facts_refresh();
	memcpy(info.boot_id, ebb_ring_page()->boot_id, EBB_BOOT_ID_BYTES);
	info.ring_gpa = ebb_ring_gpa();
	info.lease_order = ebb_ring_page()->lease_order;
	info.session_state = ebb_load_acquire(&ebb_ring_page()->session_state);
	ebb_session_unlock_ring();
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long device_get_segments(void __user *arg)
{
	struct ebb_segments *segments;
	long err;

	segments = kzalloc(sizeof(*segments), GFP_KERNEL);
	if (!segments)
		return -ENOMEM;
	err = ebb_session_lock_ring();
	if (err)
		goto out;
	ebb_canary_list(segments);
	ebb_session_unlock_ring();
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
	err = ebb_session_lock_ring();
	if (err)
		return err;
	ebb_canary_challenge(ebb_ring_page()->boot_id, challenge.nonce);
	ebb_ring_publish_challenge(challenge.nonce);
	ebb_session_unlock_ring();
	return 0;
}

static long device_session_start(const void __user *arg)
{
	struct ebb_session request;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	return ebb_session_start(&request);
}

static long device_target_set(const void __user *arg)
{
	struct ebb_target target;

	if (copy_from_user(&target, arg, sizeof(target)))
		return -EFAULT;
	return ebb_threshold_set(&target);
}

static long device_target_get(void __user *arg)
{
	struct ebb_threshold told;

	ebb_threshold_get(&told);
	return copy_to_user(arg, &told, sizeof(told)) ? -EFAULT : 0;
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
		return ebb_session_stop();
	case EBB_IOC_TARGET_SET:
		return device_target_set(user);
	case EBB_IOC_TARGET_GET:
		return device_target_get(user);
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

static ssize_t threshold_show(struct device *dev, struct device_attribute *attr,
			      char *text)
{
	return sysfs_emit(text, "%s\n",
			  ebb_threshold_state_name(ebb_threshold_state()));
}

static DEVICE_ATTR_RO(threshold);

static struct attribute *device_attrs[] = {
	&dev_attr_threshold.attr,
	NULL,
};
ATTRIBUTE_GROUPS(device);

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ebb",
	.fops = &device_operations,
	.mode = 0600,
	.groups = device_groups,
};

int ebb_device_init(void)
{
	return misc_register(&device);
}

void ebb_device_threshold_changed(void)
{
	sysfs_notify(&device.this_device->kobj, NULL, "threshold");
}

void ebb_device_exit(void)
{
	misc_deregister(&device);
}
