/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The four memory-ordering words of the ring, for the kernel and for userland.
 *
 * ebb_load_acquire   pairs with ebb_store_release and ebb_cas
 * ebb_store_release  what was written before is seen by who loads-acquires it
 * ebb_cas            full barrier, returns whether the word was @old
 * ebb_load_relaxed   no order, but one load: for values that are only shown
 *
 * Both sides run on one machine with shared memory: the guest's virt_ barriers
 * and the host's C11 atomics speak of the same caches.
 *
 * The kernel's cmpxchg() and smp_ barriers are not for this: they order CPUs of
 * one kernel. A kernel that runs on one CPU patches the LOCK prefixes of its
 * cmpxchg() away, and one that was built for one CPU has none. The other side
 * is on another CPU all the same. scripts/check-ring-locks holds the built module
 * against this.
 */
#ifndef EBB_PROTOCOL_ATOMIC_H
#define EBB_PROTOCOL_ATOMIC_H

#include <linux/types.h>

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <asm/barrier.h>
#include <asm/sync_bitops.h>

#define ebb_load_relaxed(ptr) READ_ONCE(*(ptr))
#define ebb_load_acquire(ptr) virt_load_acquire(ptr)
#define ebb_store_release(ptr, value) virt_store_release(ptr, value)
#define ebb_store_relaxed(ptr, value) WRITE_ONCE(*(ptr), value)
#define ebb_full_barrier() virt_mb()
#define ebb_read_barrier() virt_rmb()
#define ebb_write_barrier() virt_wmb()

static inline bool ebb_cas(__u64 *ptr, __u64 old, __u64 new)
{
	return sync_cmpxchg(ptr, old, new) == old;
}

#else

#include <stdbool.h>

#define ebb_load_relaxed(ptr) __atomic_load_n(ptr, __ATOMIC_RELAXED)
#define ebb_load_acquire(ptr) __atomic_load_n(ptr, __ATOMIC_ACQUIRE)
#define ebb_store_release(ptr, value) \
	__atomic_store_n(ptr, value, __ATOMIC_RELEASE)
#define ebb_store_relaxed(ptr, value) \
	__atomic_store_n(ptr, value, __ATOMIC_RELAXED)
#define ebb_full_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define ebb_read_barrier() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define ebb_write_barrier() __atomic_thread_fence(__ATOMIC_RELEASE)

static inline bool ebb_cas(__u64 *ptr, __u64 old, __u64 new)
{
	return __atomic_compare_exchange_n(ptr, &old, new, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#endif

#endif /* EBB_PROTOCOL_ATOMIC_H */
