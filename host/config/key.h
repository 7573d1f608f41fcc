/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of ebbd.conf: a row for each knows its type, its bounds and the words that
 * say what is accepted.
 */
#ifndef EBB_HOST_CONFIG_KEY_H
#define EBB_HOST_CONFIG_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "host/config.h"

enum {
	EBB_CONFIG_KEYS_MAX = 20
};

/**
 * struct ebb_config_key
 * @set: puts a value into a field; 0, -EINVAL or -ERANGE: it is not accepted
 * @offset: of the field, in struct ebb_config
 * @capacity: of a string
 * @min, @max: of a duration in ms, of a percentage or count
 * @accepted: in words
 */
struct ebb_config_key {
	const char *section;
	const char *name;
	int (*set)(const struct ebb_config_key *key, const char *value,
		   void *field);
	size_t offset;
	size_t capacity;
	uint32_t min, max;
	const char *accepted;
};

extern const struct ebb_config_key ebb_config_keys[];
extern const size_t ebb_config_key_count;

#endif /* EBB_HOST_CONFIG_KEY_H */
