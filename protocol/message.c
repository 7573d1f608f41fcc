/* SPDX-License-Identifier: GPL-2.0-only */
#include "protocol/message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(struct ebb_msg_error *ret_error, int r, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

static int fail(struct ebb_msg_error *ret_error, int r, const char *format, ...)
{
	va_list args;

	if (ret_error) {
		va_start(args, format);
		vsnprintf(ret_error->text, sizeof(ret_error->text), format,
			  args);
		va_end(args);
	}
	return r;
}

static int decode_integer(const struct json_object *value,
			  const struct ebb_field *field, uint64_t *ret_number,
			  struct ebb_msg_error *ret_error)
{
	uint64_t max = field->max;
	uint64_t number;

	if (!json_object_is_type(value, json_type_int))
		return fail(ret_error, -EINVAL, "'%s' must be an integer",
			    field->name);
	if (max == 0)
		max = field->type == EBB_FIELD_U32 ? UINT32_MAX : INT64_MAX;
	/* json-c clamps what is below zero to zero, and cannot say so. */
	if (json_object_get_int64(value) < 0)
		return fail(ret_error, -ERANGE, "'%s' must not be negative",
			    field->name);
	number = json_object_get_uint64(value);
	if (number > max)
		return fail(ret_error, -ERANGE, "'%s' must be at most %" PRIu64,
			    field->name, max);
	*ret_number = number;
	return 0;
}

static int decode_string(const struct json_object *value,
			 const struct ebb_field *field, char *ret_text,
			 struct ebb_msg_error *ret_error)
{
	/* json-c's getters cache and so are not const. */
	struct json_object *string = (struct json_object *)(uintptr_t)value;
	const char *text;
	size_t length;

	if (!json_object_is_type(value, json_type_string))
		return fail(ret_error, -EINVAL, "'%s' must be a string",
			    field->name);
	text = json_object_get_string(string);
	length = (size_t)json_object_get_string_len(value);
	if (length >= field->capacity)
		return fail(ret_error, -ERANGE,
			    "'%s' must be shorter than %zu bytes", field->name,
			    field->capacity);
	if (memchr(text, '\0', length))
		return fail(ret_error, -EINVAL, "'%s' holds a NUL",
			    field->name);
	memcpy(ret_text, text, length);
	ret_text[length] = '\0';
	return 0;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

static int decode_hex(const struct json_object *value,
		      const struct ebb_field *field, uint8_t *ret_bytes,
		      struct ebb_msg_error *ret_error)
{
	struct json_object *string = (struct json_object *)(uintptr_t)value;
	const char *text;

	if (!json_object_is_type(value, json_type_string) ||
	    (size_t)json_object_get_string_len(value) != 2 * field->capacity)
		return fail(ret_error, -EINVAL,
			    "'%s' must be %zu lower case hex digits",
			    field->name, 2 * field->capacity);
	text = json_object_get_string(string);
	for (size_t i = 0; i < field->capacity; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return fail(ret_error, -EINVAL,
				    "'%s' must be %zu lower case hex digits",
				    field->name, 2 * field->capacity);
		ret_bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int decode_object(const struct json_object *object,
			 const struct ebb_field *fields, char *base,
			 struct ebb_msg_error *ret_error);

/* Element @index of an array of integers or structs. */
static int decode_element(const struct json_object *element,
			  const struct ebb_field *field, char *base,
			  size_t index, struct ebb_msg_error *ret_error)
{
	char *target = base + field->offset;
	uint64_t number;
	int r;

	if (field->type == EBB_FIELD_STRUCT_ARRAY)
		return decode_object(element, field->sub,
				     target + index * field->sub_bytes,
				     ret_error);
	r = decode_integer(element, field, &number, ret_error);
	if (r == 0)
		memcpy(target + index * sizeof(number), &number,
		       sizeof(number));
	return r;
}

static int decode_array(const struct json_object *value,
			const struct ebb_field *field, char *base,
			struct ebb_msg_error *ret_error)
{
	size_t length;
	uint32_t count;
	int r;

	if (!json_object_is_type(value, json_type_array))
		return fail(ret_error, -EINVAL, "'%s' must be an array",
			    field->name);
	length = json_object_array_length(value);
	if (length > field->capacity)
		return fail(ret_error, -ERANGE,
			    "'%s' must have at most %zu elements", field->name,
			    field->capacity);
	for (size_t i = 0; i < length; i++) {
		r = decode_element(json_object_array_get_idx(value, i), field,
				   base, i, ret_error);
		if (r < 0)
			return r;
	}
	count = (uint32_t)length;
	memcpy(base + field->count_offset, &count, sizeof(count));
	return 0;
}

static int decode_field(const struct json_object *value,
			const struct ebb_field *field, char *base,
			struct ebb_msg_error *ret_error)
{
	char *target = base + field->offset;
	uint64_t number;
	uint32_t small;
	bool truth;
	int r;

	switch (field->type) {
	case EBB_FIELD_U32:
	case EBB_FIELD_U64:
		r = decode_integer(value, field, &number, ret_error);
		if (r < 0)
			return r;
		small = (uint32_t)number;
		if (field->type == EBB_FIELD_U32)
			memcpy(target, &small, sizeof(small));
		else
			memcpy(target, &number, sizeof(number));
		return 0;
	case EBB_FIELD_BOOL:
		if (!json_object_is_type(value, json_type_boolean))
			return fail(ret_error, -EINVAL,
				    "'%s' must be true or false", field->name);
		truth = json_object_get_boolean(value);
		memcpy(target, &truth, sizeof(truth));
		return 0;
	case EBB_FIELD_STRING:
		return decode_string(value, field, target, ret_error);
	case EBB_FIELD_HEX:
		return decode_hex(value, field, (uint8_t *)target, ret_error);
	case EBB_FIELD_U64_ARRAY:
	case EBB_FIELD_STRUCT_ARRAY:
		return decode_array(value, field, base, ret_error);
	case EBB_FIELD_STRUCT:
		return decode_object(value, field->sub, target, ret_error);
	}
	return -EINVAL;
}

static int decode_object(const struct json_object *object,
			 const struct ebb_field *fields, char *base,
			 struct ebb_msg_error *ret_error)
{
	struct json_object *value;
	int r;

	if (object && !json_object_is_type(object, json_type_object))
		return fail(ret_error, -EINVAL, "an object was expected");
	for (const struct ebb_field *field = fields; field->name; field++) {
		if (!object ||
		    !json_object_object_get_ex(object, field->name, &value)) {
			if (field->optional || field->later)
				continue;
			return fail(ret_error, -EINVAL, "'%s' is missing",
				    field->name);
		}
		r = decode_field(value, field, base, ret_error);
		if (r < 0)
			return r;
	}
	return 0;
}

int ebb_msg_decode_in_place(const struct json_object *object,
			    const struct ebb_field *fields, void *message,
			    size_t message_bytes,
			    struct ebb_msg_error *ret_error)
{
	memset(message, 0, message_bytes);
	return decode_object(object, fields, message, ret_error);
}

int ebb_msg_decode(const struct json_object *object,
		   const struct ebb_field *fields, void *ret_message,
		   size_t message_bytes, struct ebb_msg_error *ret_error)
{
	/* An empty struct is a struct, too. */
	char *message = calloc(1, message_bytes ? message_bytes : 1);
	int r;

	if (!message)
		return fail(ret_error, -ENOMEM, "out of memory");
	r = decode_object(object, fields, message, ret_error);
	if (r == 0)
		memcpy(ret_message, message, message_bytes);
	free(message);
	return r;
}

static struct json_object *encode_hex(const struct ebb_field *field,
				      const uint8_t *bytes)
{
	static const char digits[] = "0123456789abcdef";
	struct json_object *value;
	char *text = malloc(2 * field->capacity + 1);

	if (!text)
		return NULL;
	for (size_t i = 0; i < field->capacity; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	value = json_object_new_string_len(text, (int)(2 * field->capacity));
	free(text);
	return value;
}

static struct json_object *encode_array(const struct ebb_field *field,
					const char *base)
{
	struct json_object *array = json_object_new_array();
	const char *source = base + field->offset;
	struct json_object *element;
	uint64_t number;
	uint32_t count;

	memcpy(&count, base + field->count_offset, sizeof(count));
	for (size_t i = 0; array && i < count && i < field->capacity; i++) {
		if (field->type == EBB_FIELD_STRUCT_ARRAY) {
			element = ebb_msg_encode(field->sub,
						 source + i * field->sub_bytes);
		} else {
			memcpy(&number, source + i * sizeof(number),
			       sizeof(number));
			element = json_object_new_uint64(number);
		}
		if (!element || json_object_array_add(array, element) < 0) {
			json_object_put(element);
			json_object_put(array);
			return NULL;
		}
	}
	return array;
}

/* @ret_empty: the value is zero, empty or false. */
static struct json_object *encode_field(const struct ebb_field *field,
					const char *base, bool *ret_empty)
{
	const char *source = base + field->offset;
	uint64_t number = 0;
	uint32_t small = 0;
	bool truth;

	*ret_empty = false;
	switch (field->type) {
	case EBB_FIELD_U32:
		memcpy(&small, source, sizeof(small));
		*ret_empty = small == 0;
		return json_object_new_uint64(small);
	case EBB_FIELD_U64:
		memcpy(&number, source, sizeof(number));
		*ret_empty = number == 0;
		return json_object_new_uint64(number);
	case EBB_FIELD_BOOL:
		memcpy(&truth, source, sizeof(truth));
		*ret_empty = !truth;
		return json_object_new_boolean(truth);
	case EBB_FIELD_STRING:
		*ret_empty = *source == '\0';
		return json_object_new_string_len(
			source, (int)strnlen(source, field->capacity));
	case EBB_FIELD_HEX:
		return encode_hex(field, (const uint8_t *)source);
	case EBB_FIELD_U64_ARRAY:
	case EBB_FIELD_STRUCT_ARRAY:
		memcpy(&small, base + field->count_offset, sizeof(small));
		*ret_empty = small == 0;
		return encode_array(field, base);
	case EBB_FIELD_STRUCT:
		return ebb_msg_encode(field->sub, source);
	}
	return NULL;
}

struct json_object *ebb_msg_encode(const struct ebb_field *fields,
				   const void *message)
{
	struct json_object *object = json_object_new_object();
	struct json_object *value;
	bool empty;

	for (const struct ebb_field *field = fields; object && field->name;
	     field++) {
		value = encode_field(field, message, &empty);
		if (value && empty && field->optional) {
			json_object_put(value);
			continue;
		}
		if (!value ||
		    json_object_object_add(object, field->name, value) < 0) {
			json_object_put(value);
			json_object_put(object);
			return NULL;
		}
	}
	return object;
}

/* A string member, cut to fit; false if it is absent or another type. */
static bool copy_member(struct json_object *object, const char *name,
			char *ret_text, size_t text_bytes)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return false;
	snprintf(ret_text, text_bytes, "%s", json_object_get_string(value));
	return true;
}

static int read_error(struct ebb_msg *msg)
{
	struct json_object *value;
	int64_t number;

	if (!json_object_is_type(msg->body, json_type_object))
		return -EBADMSG;
	copy_member(msg->body, "class", msg->error_class,
		    sizeof(msg->error_class));
	copy_member(msg->body, "desc", msg->error_desc,
		    sizeof(msg->error_desc));
	if (json_object_object_get_ex(msg->body, "errno", &value) &&
	    json_object_is_type(value, json_type_int)) {
		number = json_object_get_int64(value);
		if (number > 0 && number < 4096)
			msg->error_errno = (int)number;
	}
	return 0;
}

/* A name that does not fit is no name that anybody serves. */
static int read_name(struct ebb_msg *msg, const char *member, const char *body)
{
	struct json_object *value;

	json_object_object_get_ex(msg->root, member, &value);
	if (!json_object_is_type(value, json_type_string) ||
	    (size_t)json_object_get_string_len(value) >= sizeof(msg->name))
		return -EBADMSG;
	copy_member(msg->root, member, msg->name, sizeof(msg->name));
	json_object_object_get_ex(msg->root, body, &msg->body);
	return 0;
}

static int classify(struct ebb_msg *msg)
{
	if (!json_object_is_type(msg->root, json_type_object))
		return -EBADMSG;
	json_object_object_get_ex(msg->root, "id", &msg->id);
	if (json_object_object_get_ex(msg->root, "execute", NULL)) {
		msg->kind = EBB_MSG_REQUEST;
		return read_name(msg, "execute", "arguments");
	}
	if (json_object_object_get_ex(msg->root, "return", &msg->body)) {
		msg->kind = EBB_MSG_REPLY;
		return 0;
	}
	if (json_object_object_get_ex(msg->root, "error", &msg->body)) {
		msg->kind = EBB_MSG_ERROR;
		return read_error(msg);
	}
	if (json_object_object_get_ex(msg->root, "event", NULL)) {
		msg->kind = EBB_MSG_EVENT;
		return read_name(msg, "event", "data");
	}
	return -EBADMSG;
}

int ebb_msg_parse(const char *line, size_t line_bytes, struct ebb_msg *ret_msg,
		  struct ebb_msg_error *ret_error)
{
	struct ebb_msg msg = { 0 };
	struct json_tokener *tokener;
	enum json_tokener_error error;
	size_t end;
	int r;

	if (line_bytes > EBB_MESSAGE_BYTES_MAX)
		return fail(ret_error, -EMSGSIZE,
			    "a message must be at most %d bytes",
			    EBB_MESSAGE_BYTES_MAX);
	tokener = json_tokener_new_ex(EBB_MESSAGE_DEPTH_MAX);
	if (!tokener)
		return fail(ret_error, -ENOMEM, "out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
						JSON_TOKENER_VALIDATE_UTF8);
	msg.root = json_tokener_parse_ex(tokener, line, (int)line_bytes);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);

	if (error != json_tokener_success || end != line_bytes) {
		json_object_put(msg.root);
		return fail(ret_error, -EBADMSG, "not a JSON message: %s",
			    error == json_tokener_success
				    ? "bytes after its end"
				    : json_tokener_error_desc(error));
	}
	r = classify(&msg);
	if (r < 0) {
		json_object_put(msg.root);
		return fail(ret_error, r,
			    "neither request, reply, error nor event");
	}
	*ret_msg = msg;
	return 0;
}

void ebb_msg_clear(struct ebb_msg *msg)
{
	json_object_put(msg->root);
	*msg = (struct ebb_msg){ 0 };
}

/*
 * {"@kind": @value, "@extra_name": @extra, "id": @id} as a line. Owns @value
 * and @extra; NULL for @value means that it could not be made.
 */
static char *make_line(const char *kind, struct json_object *value,
		       const char *extra_name, struct json_object *extra,
		       struct json_object *id)
{
	struct json_object *root = json_object_new_object();
	const char *text = NULL;
	char *line = NULL;
	size_t length;

	if (!root || !value) {
		json_object_put(value);
		json_object_put(extra);
		json_object_put(root);
		return NULL;
	}
	json_object_object_add(root, kind, value);
	if (extra)
		json_object_object_add(root, extra_name, extra);
	if (id)
		json_object_object_add(root, "id", json_object_get(id));
	text = json_object_to_json_string_length(root, JSON_C_TO_STRING_PLAIN,
						 &length);
	if (text)
		line = malloc(length + 2);
	if (line) {
		memcpy(line, text, length);
		line[length] = '\n';
		line[length + 1] = '\0';
	}
	json_object_put(root);
	return line;
}

char *ebb_msg_request(const char *command, struct json_object *arguments,
		      struct json_object *id)
{
	return make_line("execute", json_object_new_string(command),
			 "arguments", arguments, id);
}

char *ebb_msg_reply(struct json_object *value, struct json_object *id)
{
	return make_line("return", value ? value : json_object_new_object(),
			 NULL, NULL, id);
}

char *ebb_msg_error(const char *error_class, const char *desc, int error_errno,
		    struct json_object *id)
{
	struct json_object *body = json_object_new_object();

	if (body) {
		json_object_object_add(body, "class",
				       json_object_new_string(error_class));
		json_object_object_add(body, "desc",
				       json_object_new_string(desc));
		if (error_errno > 0)
			json_object_object_add(
				body, "errno",
				json_object_new_int(error_errno));
	}
	return make_line("error", body, NULL, NULL, id);
}

char *ebb_msg_event(const char *name, struct json_object *data)
{
	return make_line("event", json_object_new_string(name), "data",
			 data ? data : json_object_new_object(), NULL);
}
