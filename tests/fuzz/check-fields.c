/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/fuzz/check-fields.h"

#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

void check_bounds(const struct ebb_field *fields, const char *message)
{
	for (; fields->name; fields++) {
		const char *value = message + fields->offset;
		uint32_t count;

		switch (fields->type) {
		case EBB_FIELD_STRING:
			FUZZ_ASSERT(memchr(value, 0, fields->capacity));
			break;
		case EBB_FIELD_STRUCT:
			check_bounds(fields->sub, value);
			break;
		case EBB_FIELD_STRUCT_ARRAY:
		case EBB_FIELD_U64_ARRAY:
			memcpy(&count, message + fields->count_offset,
			       sizeof(count));
			FUZZ_ASSERT(count <= fields->capacity);
			for (uint32_t i = 0; fields->sub && i < count; i++)
				check_bounds(fields->sub,
					     value + i * fields->sub_bytes);
			break;
		default:
			break;
		}
	}
}

void check_failure(int r, const struct ebb_msg_error *error)
{
	FUZZ_ASSERT(r == -EINVAL || r == -ERANGE);
	FUZZ_ASSERT(error->text[0]);
	FUZZ_ASSERT(memchr(error->text, 0, sizeof(error->text)));
}

void check_body(const struct json_object *body, const struct ebb_field *fields,
		size_t bytes)
{
	char *first = calloc(1, bytes), *second = calloc(1, bytes);
	struct ebb_msg_error error = { "" };
	struct json_object *object;
	int r;

	FUZZ_ASSERT(first && second);
	r = ebb_msg_decode(body, fields, first, bytes, &error);
	if (r < 0) {
		check_failure(r, &error);
	} else {
		check_bounds(fields, first);
		object = ebb_msg_encode(fields, first);
		FUZZ_ASSERT(object);
		FUZZ_ASSERT(ebb_msg_decode(object, fields, second, bytes,
					   &error) == 0);
		FUZZ_ASSERT(memcmp(first, second, bytes) == 0);
		json_object_put(object);
	}
	free(first);
	free(second);
}
