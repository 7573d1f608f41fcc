/* SPDX-License-Identifier: GPL-2.0-only */
/* An answer's array of structs that is as long as need be, which a table cannot hold. */
#ifndef EBB_HOST_INTERFACE_ARRAY_H
#define EBB_HOST_INTERFACE_ARRAY_H

#include "protocol/message.h"

/* Says what is wrong, if somebody wants to know. Returns @error. */
int ebb_array_error(struct ebb_msg_error *ret_error, int error,
		    const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/**
 * ebb_array_decode - member @name of @object
 * @max: elements at most
 * @decode: one of them, into room of @bytes that is zeroed
 * @opaque: for @decode
 * @ret_items: free(); not NULL, also of an empty one
 *
 * Returns 0, -EINVAL, -ERANGE or -ENOMEM, and writes nothing then.
 */
int ebb_array_decode(const struct json_object *object, const char *name,
		     size_t max, size_t bytes,
		     int (*decode)(const struct json_object *value,
				   void *ret_item, const void *opaque,
				   struct ebb_msg_error *ret_error),
		     const void *opaque, void **ret_items, uint32_t *ret_count,
		     struct ebb_msg_error *ret_error);

/* Adds @value, which it takes, also where it is NULL. Returns 0 or -ENOMEM. */
int ebb_array_append(struct json_object *array, struct json_object *value);
int ebb_array_add(struct json_object *object, const char *name,
		  struct json_object *value);

/**
 * ebb_array_append_text - append a struct as the text that it becomes in the end
 * @fields, @item: as of ebb_msg_encode()
 *
 * For arrays of a thousand domains: as an object each is ten times its text, which took
 * 24 MiB of ebbd for a list, and all of them were made into text in one turn of the event
 * loop. Such an array can be printed, and not looked into. Returns 0 or -ENOMEM.
 */
int ebb_array_append_text(struct json_object *array,
			  const struct ebb_field *fields, const void *item);

#endif /* EBB_HOST_INTERFACE_ARRAY_H */
