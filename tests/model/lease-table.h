/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names, codes and moves of the lease as the model knows them.
 *
 * Read by lease.pml and by check-table.c, which holds each line against
 * protocol/lease.h and protocol/ring.h. Spin knows decimal numbers only.
 */
#ifndef EBB_TESTS_MODEL_LEASE_TABLE_H
#define EBB_TESTS_MODEL_LEASE_TABLE_H

#define EBB_LEASE_FREE 224
#define EBB_LEASE_OFFERED 225
#define EBB_LEASE_TAKEN 226
#define EBB_LEASE_GRANTED 227
#define EBB_LEASE_DONE 228
#define EBB_LEASE_FAILED 229
#define EBB_LEASE_REVOKED 230

#define EBB_RING_CLOSED 192
#define EBB_RING_OPEN 193

#define EBB_HOST_DETACHED 208
#define EBB_HOST_ATTACHED 209

/* X(actor, from, to): every move there is; all else is forbidden. */
#define MODEL_MOVES(X)             \
	X(GUEST, FREE, OFFERED)    \
	X(GUEST, OFFERED, REVOKED) \
	X(HOST, OFFERED, TAKEN)    \
	X(GUEST, TAKEN, GRANTED)   \
	X(GUEST, TAKEN, REVOKED)   \
	X(HOST, TAKEN, FAILED)     \
	X(HOST, GRANTED, DONE)     \
	X(HOST, GRANTED, FAILED)   \
	X(GUEST, DONE, FREE)       \
	X(GUEST, FAILED, FREE)     \
	X(GUEST, REVOKED, FREE)

#endif /* EBB_TESTS_MODEL_LEASE_TABLE_H */
