/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a request of a domain is not carried out, for whoever asked. */
#ifndef EBB_HOST_REFUSAL_H
#define EBB_HOST_REFUSAL_H

#include "protocol/message.h"

/* A call waits for the domain it is of, and libvirtd's list for all of them. */
#define EBB_SILENT_TEXT                                         \
	"libvirtd does not answer, or is busy with a call for " \
	"another domain"

enum ebb_refusal_kind {
	EBB_REFUSAL_NONE, /* it was carried out */
	EBB_REFUSAL_ARGUMENT, /* this domain can never do it */
	EBB_REFUSAL_BUSY, /* a reclaim of this domain is under way */
	EBB_REFUSAL_CANCELLED, /* by who asked, before it began */
	EBB_REFUSAL_NOT_RUNNING, /* the domain does not run any more */
	EBB_REFUSAL_LIBVIRT_GONE, /* nobody says what happens to the domain */
	EBB_REFUSAL_RUNG_CLOSED, /* the domain has not what it takes */
	EBB_REFUSAL_FAILED, /* ebbd cannot; it may later */
	EBB_REFUSAL_COUNT
};

/**
 * struct ebb_refusal
 * @text: sentences for a person: the cause, then the remedy
 */
struct ebb_refusal {
	enum ebb_refusal_kind kind;
	char text[EBB_STRING_BYTES_MAX];
};

struct ebb_refusal ebb_refusal(enum ebb_refusal_kind kind, const char *format,
			       ...)
	__attribute__((__format__(__printf__, 2, 3)));

#endif /* EBB_HOST_REFUSAL_H */
