/* SPDX-License-Identifier: GPL-2.0-only */
/* Load, unload, and /dev/ebb as far as ebb-agent asks. */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "hostile.h"

static char *attack_name = "none";
module_param_named(attack, attack_name, charp, 0444);
MODULE_PARM_DESC(attack, "which lie is told");

static int verdict_get(char *text, const struct kernel_param *param)
{
	return memory_verdict(text, PAGE_SIZE);
}

static const struct kernel_param_ops verdict_ops = { .get = verdict_get };
module_param_cb(verdict, &verdict_ops, NULL, 0444);
MODULE_PARM_DESC(verdict, "what became of the memory of this module");

const struct attack *attack;

static long device_get_info(void __user *arg)
{
	struct ebb_ring *ring = memory_ring();
	struct ebb_info info = {
		.uapi_version = EBB_UAPI_VERSION,
		.ring_gpa = virt_to_phys(ring),
		.ring_bytes = EBB_PAGE_BYTES,
		.lease_order = EBB_LEASE_ORDER_MIN,
		.segment_count = 1,
		.session_state = READ_ONCE(ring->session_state),
	};

	memcpy(info.boot_id, ring->boot_id, EBB_BOOT_ID_BYTES);
	if (attack->tell)
		attack->tell(&info);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long device_get_segments(void __user *arg)
{
	struct ebb_segments *segments = kzalloc(sizeof(*segments), GFP_KERNEL);
	long err = 0;

	if (!segments)
		return -ENOMEM;
	memory_list(segments);
	if (attack->map)
		attack->map(segments);
	if (copy_to_user(arg, segments, sizeof(*segments)))
		err = -EFAULT;
	kfree(segments);
	return err;
}

static long device_challenge(const void __user *arg)
{
	struct ebb_challenge challenge;

	if (copy_from_user(&challenge, arg, sizeof(challenge)))
		return -EFAULT;
	memory_challenge(challenge.nonce);
	if (attack->sealed)
		attack->sealed();
	return 0;
}

static long device_session_start(const void __user *arg)
{
	struct ebb_session request;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	return session_start(&request);
}

static long device_target_get(void __user *arg)
{
	struct ebb_threshold told = { 0 };

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
	case EBB_IOC_TARGET_SET:
		return 0;
	case EBB_IOC_TARGET_GET:
		return device_target_get(user);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ebb",
	.fops = &device_operations,
	.mode = 0600,
};

static int __init hostile_init(void)
{
	int err;

	attack = attack_find(attack_name);
	if (!attack)
		return -EINVAL;
	err = memory_init();
	if (err)
		return err;
	err = session_init();
	if (err)
		goto free_memory;
	err = misc_register(&device);
	if (err)
		goto stop_session;
	return 0;

stop_session:
	session_exit();
free_memory:
	memory_exit();
	return err;
}

static void __exit hostile_exit(void)
{
	misc_deregister(&device);
	session_exit();
	memory_exit();
}

module_init(hostile_init);
module_exit(hostile_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A guest that lies to its host, for the tests of Ebb");
