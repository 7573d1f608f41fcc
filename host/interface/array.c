/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/array.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ebb_array_error(struct ebb_msg_error *ret_error, int error,
		    const char *format, ...)
{
	va_list args;

	if (!ret_error)
		return error;
	va_start(args, format);
	vsnprintf(ret_error->text, sizeof(ret_error->text), format, args);
	va_end(args);
	return error;
}

int ebb_array_decode(const struct json_object *object, const char *name,
		     size_t max, size_t bytes,
		     int (*decode)(const struct json_object *value,
				   void *ret_item, const void *opaque,
				   struct ebb_msg_error *ret_error),
		     const void *opaque, void **ret_items, uint32_t *ret_count,
		     struct ebb_msg_error *ret_error)
{
	struct json_object *array;
	size_t count;
	char *items;

	if (!json_object_object_get_ex(object, name, &array))
		return ebb_array_error(ret_error, -EINVAL, "'%s' is missing",
				       name);
	if (!json_object_is_type(array, json_type_array))
		return ebb_array_error(ret_error, -EINVAL,
				       "'%s' is not an array", name);
	count = json_object_array_length(array);
	if (count > max)
		return ebb_array_error(ret_error, -ERANGE,
				       "'%s' has too many elements", name);
	/* An empty one is no lack of memory. */
	items = calloc(count ? count : 1, bytes);
	if (!items)
		return ebb_array_error(ret_error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		int r = decode(json_object_array_get_idx(array, i),
			       items + i * bytes, opaque, ret_error);

		if (r < 0) {
			free(items);
			return r;
		}
	}
	*ret_items = items;
	*ret_count = (uint32_t)count;
	return 0;
}

int ebb_array_append(struct json_object *array, struct json_object *value)
{
	if (value && json_object_array_add(array, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int ebb_array_append_text(struct json_object *array,
			  const struct ebb_field *fields, const void *item)
{
	struct json_object *object = ebb_msg_encode(fields, item);
	struct json_object *printed = NULL;
	const char *plain = NULL;
	char *text = NULL;

	if (object)
		plain = json_object_to_json_string_ext(object,
						       JSON_C_TO_STRING_PLAIN);
	if (plain)
		text = strdup(plain);
	json_object_put(object);
	if (text)
		printed = json_object_new_boolean(true);
	if (printed)
		json_object_set_serializer(printed,
					   json_object_userdata_to_json_string,
					   text, json_object_free_userdata);
	else
		free(text);
	return ebb_array_append(array, printed);
}

int ebb_array_add(struct json_object *object, const char *name,
		  struct json_object *value)
{
	if (value && json_object_object_add(object, name, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}
