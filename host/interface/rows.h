/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of the tables of protocol/message.h; for the files that hold such tables. */
#ifndef EBB_HOST_ROWS_H
#define EBB_HOST_ROWS_H

#include "protocol/message.h"

/*
 * Rows of a table. In a request a member may be absent. In an answer each
 * member is always there, so that a script need not ask whether it is; only
 * texts of no use when empty are left out. A member that is added to an answer that
 * existed before is LATER: between an upgrade and the restart of ebbd, a newer ebbctl
 * asks an older ebbd, which does not send it. It is zero then, so zero has to mean "not
 * said": a bool that says that something is known is false.
 */
#define ROW(optional_, later_, type_, name_, struct_, field_)              \
	{                                                                  \
		.name = (name_), .type = (type_), .optional = (optional_), \
		.later = (later_), .offset = offsetof(struct_, field_)     \
	}
#define ROW_STRING(optional_, later_, name_, struct_, field_) \
	{                                                     \
		.name = (name_), .type = EBB_FIELD_STRING,    \
		.optional = (optional_), .later = (later_),   \
		.offset = offsetof(struct_, field_),          \
		.capacity = sizeof(((struct_ *)0)->field_)    \
	}
#define ROW_ARRAY(optional_, later_, name_, struct_, field_, count_, sub_)    \
	{                                                                     \
		.name = (name_), .type = EBB_FIELD_STRUCT_ARRAY,              \
		.optional = (optional_), .later = (later_),                   \
		.offset = offsetof(struct_, field_),                          \
		.count_offset = offsetof(struct_, count_),                    \
		.capacity = sizeof(((struct_ *)0)->field_) /                  \
			    sizeof(((struct_ *)0)->field_[0]),                \
		.sub = (sub_), .sub_bytes = sizeof(((struct_ *)0)->field_[0]) \
	}

#define FIELD(...) ROW(false, false, __VA_ARGS__)
#define OPTIONAL(...) ROW(true, false, __VA_ARGS__)
#define LATER(...) ROW(false, true, __VA_ARGS__)
#define STRING(...) ROW_STRING(false, false, __VA_ARGS__)
#define OPTIONAL_STRING(...) ROW_STRING(true, false, __VA_ARGS__)
#define LATER_STRING(...) ROW_STRING(false, true, __VA_ARGS__)
#define ARRAY(...) ROW_ARRAY(false, false, __VA_ARGS__)
#define OPTIONAL_ARRAY(...) ROW_ARRAY(true, false, __VA_ARGS__)
#define LATER_ARRAY(...) ROW_ARRAY(false, true, __VA_ARGS__)
#define END                  \
	{                    \
		.name = NULL \
	}

#endif /* EBB_HOST_ROWS_H */
