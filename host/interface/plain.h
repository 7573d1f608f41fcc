/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text of a guest, made fit for logs, terminals and JSON.
 *
 * What a guest says ends in the log, where a newline would forge a line, and in
 * answers to ebbctl, cut to fit: a cut within a character of several bytes is
 * no UTF-8 any more, and the whole answer, of all domains, would be refused.
 */
#ifndef EBB_HOST_PLAIN_H
#define EBB_HOST_PLAIN_H

#include "protocol/message.h"

/* Puts a '?' in place of each byte that is not printable ASCII. */
void ebb_plain(char *text);

/* Puts a '?' in place of each byte that is of no character in UTF-8, as after a cut. */
void ebb_plain_utf8(char *text);

/**
 * ebb_plain_fields - the same for each string of a message
 * @fields: table, ended by a NULL name; strings of sub-structs are left alone,
 *	as no message of a guest has any
 * @message: the struct, as ebb_msg_decode() left it
 */
void ebb_plain_fields(const struct ebb_field *fields, void *message);

#endif /* EBB_HOST_PLAIN_H */
