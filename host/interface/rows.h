/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of the tables of protocol/message.h; for the files that hold such tables. */
#ifndef EBB_HOST_ROWS_H
#define EBB_HOST_ROWS_H

#include "protocol/message.h"

/*
 * Rows of a table. In a request a member may be absent. In an answer each
 * member is always there, so that a script need not ask whether it is; only
 * texts of no use when empty are left out. A member that comes to an answer which
 * there was already is one of the LATER: an ebbctl is newer than the ebbd that it asks
 * from an upgrade to the restart. So zero means what it means that ebbd did not say it:
 * for a bool that something is known, that it is not.
 */
#define FIELD(type_, name_, struct_, field_)        \
	{                                           \
		.name = (name_), .type = (type_),   \
		.offset = offsetof(struct_, field_) \
	}
#define OPTIONAL(type_, name_, struct_, field_)                     \
	{                                                           \
		.name = (name_), .type = (type_), .optional = true, \
		.offset = offsetof(struct_, field_)                 \
	}
#define STRING(name_, struct_, field_)                     \
	{                                                  \
		.name = (name_), .type = EBB_FIELD_STRING, \
		.offset = offsetof(struct_, field_),       \
		.capacity = sizeof(((struct_ *)0)->field_) \
	}
#define OPTIONAL_STRING(name_, struct_, field_)                              \
	{                                                                    \
		.name = (name_), .type = EBB_FIELD_STRING, .optional = true, \
		.offset = offsetof(struct_, field_),                         \
		.capacity = sizeof(((struct_ *)0)->field_)                   \
	}
#define LATER(type_, name_, struct_, field_)                     \
	{                                                        \
		.name = (name_), .type = (type_), .later = true, \
		.offset = offsetof(struct_, field_)              \
	}
#define LATER_STRING(name_, struct_, field_)                              \
	{                                                                 \
		.name = (name_), .type = EBB_FIELD_STRING, .later = true, \
		.offset = offsetof(struct_, field_),                      \
		.capacity = sizeof(((struct_ *)0)->field_)                \
	}
#define ARRAY(name_, struct_, field_, count_, sub_)                           \
	{                                                                     \
		.name = (name_), .type = EBB_FIELD_STRUCT_ARRAY,              \
		.offset = offsetof(struct_, field_),                          \
		.count_offset = offsetof(struct_, count_),                    \
		.capacity = sizeof(((struct_ *)0)->field_) /                  \
			    sizeof(((struct_ *)0)->field_[0]),                \
		.sub = (sub_), .sub_bytes = sizeof(((struct_ *)0)->field_[0]) \
	}
#define LATER_ARRAY(name_, struct_, field_, count_, sub_)                     \
	{                                                                     \
		.name = (name_), .type = EBB_FIELD_STRUCT_ARRAY,              \
		.later = true, .offset = offsetof(struct_, field_),           \
		.count_offset = offsetof(struct_, count_),                    \
		.capacity = sizeof(((struct_ *)0)->field_) /                  \
			    sizeof(((struct_ *)0)->field_[0]),                \
		.sub = (sub_), .sub_bytes = sizeof(((struct_ *)0)->field_[0]) \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

#endif /* EBB_HOST_ROWS_H */
