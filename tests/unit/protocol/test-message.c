/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of the guest agent protocol: what is accepted, and how it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "protocol/message.h"

static struct ebb_msg msg;
static struct ebb_msg_error error;

static int parse(const char *line)
{
	memset(&error, 0, sizeof(error));
	return ebb_msg_parse(line, strlen(line), &msg, &error);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"execute\":\"guest-ping\",\"id\":7}"), 0);
	assert_int_equal(msg.kind, EBB_MSG_REQUEST);
	assert_string_equal(msg.name, "guest-ping");
	assert_null(msg.body);
	assert_int_equal(json_object_get_int(msg.id), 7);
	ebb_msg_clear(&msg);

	assert_int_equal(parse("{\"execute\":\"a\",\"arguments\":{\"b\":1}}"),
			 0);
	assert_non_null(msg.body);
	assert_null(msg.id);
	ebb_msg_clear(&msg);

	assert_int_equal(parse(" {\"return\":{\"x\":[1]},\"id\":{\"y\":0}}"),
			 0);
	assert_int_equal(msg.kind, EBB_MSG_REPLY);
	assert_string_equal(msg.name, "");
	assert_non_null(msg.body);
	ebb_msg_clear(&msg);

	assert_int_equal(parse("{\"event\":\"EBB_AGENT_READY\",\"data\":{}}"),
			 0);
	assert_int_equal(msg.kind, EBB_MSG_EVENT);
	assert_string_equal(msg.name, "EBB_AGENT_READY");
	ebb_msg_clear(&msg);
	ebb_msg_clear(&msg);
}

static void test_errors(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"error\":{\"class\":\"GenericError\","
			       "\"desc\":\"no\",\"errno\":16}}"),
			 0);
	assert_int_equal(msg.kind, EBB_MSG_ERROR);
	assert_string_equal(msg.error_class, "GenericError");
	assert_string_equal(msg.error_desc, "no");
	assert_int_equal(msg.error_errno, 16);
	ebb_msg_clear(&msg);

	/* What is not as it should be is left out; it is an error all the same. */
	assert_int_equal(parse("{\"error\":{\"class\":5,\"errno\":-16}}"), 0);
	assert_int_equal(msg.kind, EBB_MSG_ERROR);
	assert_string_equal(msg.error_class, "");
	assert_string_equal(msg.error_desc, "");
	assert_int_equal(msg.error_errno, 0);
	ebb_msg_clear(&msg);
	assert_int_equal(parse("{\"error\":{\"errno\":4096}}"), 0);
	assert_int_equal(msg.error_errno, 0);
	ebb_msg_clear(&msg);
}

static void test_long_texts_are_cut(void **state)
{
	char line[1024], text[600];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	snprintf(line, sizeof(line), "{\"error\":{\"desc\":\"%s\"}}", text);
	assert_int_equal(parse(line), 0);
	assert_int_equal(strlen(msg.error_desc), EBB_STRING_BYTES_MAX - 1);
	ebb_msg_clear(&msg);
	/* A command's name is not cut: it would be another's. */
	snprintf(line, sizeof(line), "{\"execute\":\"%.64s\"}", text);
	assert_int_equal(parse(line), -EBADMSG);
	snprintf(line, sizeof(line), "{\"execute\":\"%.63s\"}", text);
	assert_int_equal(parse(line), 0);
	ebb_msg_clear(&msg);
}

static void test_what_is_no_message(void **state)
{
	static const char *const lines[] = {
		"",
		"x",
		"1",
		"null",
		"[]",
		"\"execute\"",
		"{}",
		"{\"id\":1}",
		"{\"execute\":1}",
		"{\"execute\":null}",
		"{\"execute\":\"a\"",
		"{\"execute\":\"a\"}}",
		"{\"execute\":\"a\"} x",
		"{\"execute\":\"a\"}{\"execute\":\"a\"}",
		"{'execute':'a'}",
		"{\"execute\":\"a\",}",
		"{\"event\":[]}",
		"{\"error\":\"no\"}",
		"{\"error\":null}",
		"{\"execute\":\"\xc3\x28\"}",
		"{\"return\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}",
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(lines); i++) {
		if (parse(lines[i]) != -EBADMSG)
			fail_msg("accepted: %s", lines[i]);
		assert_true(error.text[0]);
	}
	assert_int_equal(ebb_msg_parse("{\"execute\":\"a\0b\"}", 17, &msg,
				       NULL),
			 -EBADMSG);
}

static void test_size_limit(void **state)
{
	char *line = malloc(EBB_MESSAGE_BYTES_MAX + 1);

	(void)state;
	assert_non_null(line);
	memset(line, ' ', EBB_MESSAGE_BYTES_MAX + 1);
	memcpy(line, "{\"execute\":\"a\"", 14);
	line[EBB_MESSAGE_BYTES_MAX - 1] = '}';
	assert_int_equal(
		ebb_msg_parse(line, EBB_MESSAGE_BYTES_MAX, &msg, &error), 0);
	ebb_msg_clear(&msg);
	assert_int_equal(ebb_msg_parse(line, EBB_MESSAGE_BYTES_MAX + 1, &msg,
				       &error),
			 -EMSGSIZE);
	free(line);
}

static void test_depth_limit(void **state)
{
	char line[256];

	(void)state;
	for (int depth = 1; depth < 40; depth++) {
		int length = snprintf(line, sizeof(line), "{\"return\":");

		for (int i = 1; i < depth; i++)
			line[length++] = '[';
		for (int i = 1; i < depth; i++)
			line[length++] = ']';
		if (depth == 1)
			line[length++] = '1';
		line[length++] = '}';
		line[length] = '\0';
		if (parse(line) == 0)
			ebb_msg_clear(&msg);
		else
			assert_true(depth >= EBB_MESSAGE_DEPTH_MAX);
		if (depth > EBB_MESSAGE_DEPTH_MAX)
			assert_int_equal(parse(line), -EBADMSG);
	}
}

/* A struct with a field of each type. */
struct sample {
	uint32_t small;
	uint64_t large;
	bool truth;
	char text[8];
	uint8_t bytes[3];
	uint32_t number_count;
	uint64_t numbers[3];
	struct inner {
		uint32_t n;
	} inner;
	uint32_t inner_count;
	struct inner inners[2];
	uint32_t option;
};

static const struct ebb_field inner_fields[] = {
	{ .name = "n",
	  .type = EBB_FIELD_U32,
	  .offset = offsetof(struct inner, n) },
	{ .name = NULL },
};

#define ROW(name_, type_, member, ...)                                 \
	{                                                              \
		.name = (name_), .type = EBB_FIELD_##type_,            \
		.offset = offsetof(struct sample, member), __VA_ARGS__ \
	}

static const struct ebb_field sample_fields[] = {
	ROW("small", U32, small, .max = 100),
	ROW("large", U64, large),
	ROW("truth", BOOL, truth),
	ROW("text", STRING, text, .capacity = 8),
	ROW("bytes", HEX, bytes, .capacity = 3),
	ROW("numbers", U64_ARRAY, numbers, .capacity = 3,
	    .count_offset = offsetof(struct sample, number_count)),
	ROW("inner", STRUCT, inner, .sub = inner_fields,
	    .sub_bytes = sizeof(struct inner)),
	ROW("inners", STRUCT_ARRAY, inners, .capacity = 2,
	    .count_offset = offsetof(struct sample, inner_count),
	    .sub = inner_fields, .sub_bytes = sizeof(struct inner)),
	ROW("option", U32, option, .optional = true),
	{ .name = NULL },
};

#define SAMPLE                                                           \
	"{\"small\":100,\"large\":9223372036854775807,\"truth\":true,"   \
	"\"text\":\"1234567\",\"bytes\":\"00ff7a\",\"numbers\":[1,2,3]," \
	"\"inner\":{\"n\":4294967295},\"inners\":[{\"n\":1},{\"n\":2}]}"

static int decode(const char *text, struct sample *ret_sample)
{
	struct json_object *object = json_tokener_parse(text);
	int r = ebb_msg_decode(object, sample_fields, ret_sample,
			       sizeof(*ret_sample), &error);

	json_object_put(object);
	return r;
}

static void test_decode_each_type(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0xff, 0x7a };
	struct sample sample;

	(void)state;
	memset(&sample, 0xaa, sizeof(sample));
	assert_int_equal(decode(SAMPLE, &sample), 0);
	assert_int_equal(sample.small, 100);
	assert_int_equal(sample.large, INT64_MAX);
	assert_true(sample.truth);
	assert_string_equal(sample.text, "1234567");
	assert_memory_equal(sample.bytes, bytes, sizeof(bytes));
	assert_int_equal(sample.number_count, 3);
	assert_int_equal(sample.numbers[2], 3);
	assert_int_equal(sample.inner.n, UINT32_MAX);
	assert_int_equal(sample.inner_count, 2);
	assert_int_equal(sample.inners[1].n, 2);
	assert_int_equal(sample.option, 0);
}

static void test_encode_is_the_inverse(void **state)
{
	struct sample sample;
	struct json_object *object;

	(void)state;
	assert_int_equal(decode(SAMPLE, &sample), 0);
	object = ebb_msg_encode(sample_fields, &sample);
	assert_string_equal(
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
		SAMPLE);
	json_object_put(object);
}

/* SAMPLE with one member replaced, or left out if @value is NULL. */
static int decode_with(const char *name, const char *value)
{
	struct json_object *object = json_tokener_parse(SAMPLE);
	struct sample sample, before;
	int r;

	assert_non_null(object);
	json_object_object_del(object, name);
	if (value)
		json_object_object_add(object, name, json_tokener_parse(value));
	memset(&sample, 0xaa, sizeof(sample));
	before = sample;
	error.text[0] = '\0';
	r = ebb_msg_decode(object, sample_fields, &sample, sizeof(sample),
			   &error);
	json_object_put(object);
	if (r < 0)
		assert_memory_equal(&sample, &before, sizeof(sample));
	return r;
}

static void test_bad_fields_are_named(void **state)
{
	static const struct {
		const char *name, *value;
		int r;
	} bad[] = {
		{ "small", NULL, -EINVAL },
		{ "small", "null", -EINVAL },
		{ "small", "\"1\"", -EINVAL },
		{ "small", "1.5", -EINVAL },
		{ "small", "true", -EINVAL },
		{ "small", "-1", -ERANGE },
		{ "small", "101", -ERANGE },
		{ "large", "9223372036854775808", -ERANGE },
		{ "large", "99999999999999999999", -ERANGE },
		{ "large", "-9223372036854775808", -ERANGE },
		{ "truth", "1", -EINVAL },
		{ "text", "1", -EINVAL },
		{ "text", "\"12345678\"", -ERANGE },
		{ "text", "\"a\\u0000b\"", -EINVAL },
		{ "bytes", "1", -EINVAL },
		{ "bytes", "\"00ff7\"", -EINVAL },
		{ "bytes", "\"00ff7a0\"", -EINVAL },
		{ "bytes", "\"00FF7A\"", -EINVAL },
		{ "bytes", "\"00ff7g\"", -EINVAL },
		{ "numbers", "{}", -EINVAL },
		{ "numbers", "[1,2,3,4]", -ERANGE },
		{ "numbers", "[1,-2]", -ERANGE },
		{ "numbers", "[null]", -EINVAL },
		{ "inners", "[{\"n\":1},{\"n\":1},{\"n\":1}]", -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(bad); i++) {
		int r = decode_with(bad[i].name, bad[i].value);

		if (r != bad[i].r || !strstr(error.text, bad[i].name))
			fail_msg("%s: %s gives %d '%s'", bad[i].name,
				 bad[i].value ? bad[i].value : "nothing", r,
				 error.text);
	}
	assert_int_equal(decode_with("inner", "[]"), -EINVAL);
	assert_int_equal(decode_with("inner", "{}"), -EINVAL);
	assert_int_equal(decode_with("inner", "{\"n\":4294967296}"), -ERANGE);
	assert_int_equal(decode_with("inners", "[1]"), -EINVAL);
	assert_int_equal(decode_with("inners", "[null]"), -EINVAL);
	assert_int_equal(decode_with("option", "7"), 0);
	assert_int_equal(decode_with("unknown", "7"), 0);
}

static void test_no_arguments(void **state)
{
	static const struct ebb_field none[] = { { .name = NULL } };
	struct sample sample;

	(void)state;
	assert_int_equal(ebb_msg_decode(NULL, none, &sample, 0, &error), 0);
	assert_int_equal(ebb_msg_decode(NULL, sample_fields, &sample,
					sizeof(sample), NULL),
			 -EINVAL);
}

static void test_info(void **state)
{
	struct ebb_msg_info info = { 0 }, back;
	struct json_object *object;

	(void)state;
	strcpy(info.agent_version, "0.1.0");
	strcpy(info.kernel, "6.1.0-56-amd64");
	info.module_loaded = true;
	info.uapi_version = 1;
	memset(info.boot_id, 0x5a, sizeof(info.boot_id));
	info.ring_gpa = 0x1000;
	info.ring_bytes = 4096;
	info.lease_order = 9;
	info.segment_count = EBB_SEGMENT_MAX;
	for (uint32_t i = 0; i < EBB_SEGMENT_MAX; i++) {
		info.segments[i].gpa = (uint64_t)i << 30;
		info.segments[i].bytes = 1 << 30;
		info.segments[i].canary_count = i % 3;
		for (uint32_t c = 0; c < i % 3; c++)
			info.segments[i].canary_gpas[c] = i + c;
	}
	object = ebb_msg_encode(ebb_msg_info_fields, &info);
	assert_int_equal(ebb_msg_decode(object, ebb_msg_info_fields, &back,
					sizeof(back), &error),
			 0);
	assert_memory_equal(&info, &back, sizeof(info));
	/* The largest answer fits into a message. */
	assert_true(strlen(json_object_to_json_string(object)) <
		    EBB_MESSAGE_BYTES_MAX / 2);
	json_object_put(object);
}

static void test_target(void **state)
{
	struct ebb_msg_target target = { .node_count = EBB_NODE_MAX,
					 .timeout_ms = EBB_TARGET_LEASE_MS,
					 .retry = true },
			      back;
	struct json_object *object;

	(void)state;
	for (uint32_t i = 0; i < EBB_NODE_MAX; i++)
		target.node_bytes[i] = (uint64_t)i << 30;
	object = ebb_msg_encode(ebb_msg_target_fields, &target);
	assert_int_equal(ebb_msg_decode(object, ebb_msg_target_fields, &back,
					sizeof(back), &error),
			 0);
	assert_memory_equal(&target, &back, sizeof(target));
	json_object_put(object);

	/* What is not said is not asked for. */
	object = json_tokener_parse("{\"timeout-ms\":1}");
	assert_int_equal(ebb_msg_decode(object, ebb_msg_target_fields, &back,
					sizeof(back), &error),
			 0);
	memset(&target, 0, sizeof(target));
	target.timeout_ms = 1;
	assert_memory_equal(&target, &back, sizeof(target));
	json_object_put(object);

	object = json_tokener_parse("{\"timeout-ms\":30001}");
	assert_int_equal(ebb_msg_decode(object, ebb_msg_target_fields, &back,
					sizeof(back), &error),
			 -ERANGE);
	json_object_put(object);
	assert_int_equal(ebb_msg_decode(NULL, ebb_msg_target_fields, &back,
					sizeof(back), &error),
			 -EINVAL);
}

static void test_target_state(void **state)
{
	struct ebb_msg_target_state is = { .asked_bytes = 1 << 30,
					   .effective_bytes = 1 << 29,
					   .mechanism = "module",
					   .state = "driving",
					   .reason = "pressure" },
				    back;
	struct json_object *object =
		ebb_msg_encode(ebb_msg_target_state_fields, &is);

	(void)state;
	assert_int_equal(ebb_msg_decode(object, ebb_msg_target_state_fields,
					&back, sizeof(back), &error),
			 0);
	assert_memory_equal(&is, &back, sizeof(is));
	json_object_object_del(object, "reason");
	assert_int_equal(ebb_msg_decode(object, ebb_msg_target_state_fields,
					&back, sizeof(back), &error),
			 0);
	assert_string_equal(back.reason, "");
	json_object_put(object);
	/* The longest names fit. */
	for (uint32_t i = 0; i <= EBB_THRESHOLD_STATE_COUNT; i++)
		assert_true(strlen(ebb_threshold_state_name(i)) <
			    sizeof(is.state));
	for (uint32_t i = 0; i <= EBB_DROP_REASON_COUNT; i++)
		assert_true(strlen(ebb_drop_reason_name(i)) <
			    sizeof(is.reason));
	assert_string_equal(ebb_threshold_state_name(EBB_THRESHOLD_STATE_COUNT),
			    "unknown");
}

static void check_line(char *line, const char *expected)
{
	assert_string_equal(line, expected);
	free(line);
}

static void test_makers(void **state)
{
	struct json_object *id = json_object_new_string("x\"y");

	(void)state;
	check_line(ebb_msg_request("guest-ping", NULL, NULL),
		   "{\"execute\":\"guest-ping\"}\n");
	check_line(ebb_msg_request("a", json_object_new_object(), id),
		   "{\"execute\":\"a\",\"arguments\":{},\"id\":\"x\\\"y\"}\n");
	check_line(ebb_msg_reply(NULL, id),
		   "{\"return\":{},\"id\":\"x\\\"y\"}\n");
	check_line(ebb_msg_reply(json_object_new_int(5), NULL),
		   "{\"return\":5}\n");
	check_line(ebb_msg_error("GenericError", "no\nline", 16, NULL),
		   "{\"error\":{\"class\":\"GenericError\","
		   "\"desc\":\"no\\nline\",\"errno\":16}}\n");
	check_line(
		ebb_msg_error("GenericError", "no", 0, NULL),
		"{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}\n");
	check_line(ebb_msg_event("READY", NULL),
		   "{\"event\":\"READY\",\"data\":{}}\n");
	json_object_put(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_what_is_no_message),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_depth_limit),
		cmocka_unit_test(test_decode_each_type),
		cmocka_unit_test(test_encode_is_the_inverse),
		cmocka_unit_test(test_bad_fields_are_named),
		cmocka_unit_test(test_no_arguments),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_target_state),
		cmocka_unit_test(test_makers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
