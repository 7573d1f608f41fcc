/* SPDX-License-Identifier: GPL-2.0-only */
/* Where ebb-exporter listens, as it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/exporter/options.h"
#include "host/interface/status.h"

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		int family;
		uint16_t port;
		bool loopback;
	} rows[] = {
		{ EXP_LISTEN_DEFAULT, AF_INET, 19758, true },
		{ "127.1.2.3:0", AF_INET, 0, true },
		{ "0.0.0.0:65535", AF_INET, 65535, false },
		{ "192.168.1.1:80", AF_INET, 80, false },
		{ "[::1]:19758", AF_INET6, 19758, true },
		{ "[::]:1", AF_INET6, 1, false },
		{ "[2001:db8:1234:5678:9abc:def0:1234:5678]:9", AF_INET6, 9,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(rows); i++) {
		struct sockaddr_storage address;
		socklen_t bytes;
		in_port_t port;

		assert_int_equal(
			exp_address_parse(rows[i].text, &address, &bytes), 0);
		assert_int_equal(address.ss_family, rows[i].family);
		if (rows[i].family == AF_INET) {
			port = ((struct sockaddr_in *)&address)->sin_port;
			assert_int_equal(bytes, sizeof(struct sockaddr_in));
		} else {
			port = ((struct sockaddr_in6 *)&address)->sin6_port;
			assert_int_equal(bytes, sizeof(struct sockaddr_in6));
		}
		assert_int_equal(ntohs(port), rows[i].port);
		assert_int_equal(exp_address_is_loopback(&address),
				 rows[i].loopback);
	}
}

/* A name may be one that somebody else has point here. */
static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool number;
	} rows[] = {
		{ NULL, true },
		{ "127.0.0.1:19758", true },
		{ "127.0.0.1", true },
		{ "[::1]:19758", true },
		{ "[::1]", true },
		{ "10.0.0.5:1", true },
		{ "localhost:19758", true },
		{ "LocalHost", true },
		{ "", false },
		{ "evil.example:19758", false },
		{ "localhost.evil.example", false },
		{ "127.0.0.1.evil", false },
		{ "127.0.0.1:80:80", false },
		{ "kvm1", false },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(rows); i++)
		if (exp_host_is_number(rows[i].host) != rows[i].number)
			fail_msg("%s", rows[i].host ? rows[i].host : "none");
}

static void test_what_is_no_address(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		":19758",
		"19758",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:999999",
		"127.0.0.1:-1",
		"127.0.0.1: 1",
		"127.0.0.1:1x",
		"127.0.0:1",
		"localhost:1",
		"::1:1",
		"[::1:1",
		"[]:1",
		"[127.0.0.1]:1",
		"[:::1]:1",
		"[::1]1:1",
		"[2001:db8:1234:5678:9abc:def0:1234:5678:1234:5678:1234]:9",
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++) {
		struct sockaddr_storage address;
		socklen_t bytes;

		if (exp_address_parse(texts[i], &address, &bytes) != -EINVAL)
			fail_msg("'%s' is accepted", texts[i]);
	}
}

static void test_defaults(void **state)
{
	char name[] = "ebb-exporter";
	char *argv[] = { name, NULL };
	struct exp_options options;

	(void)state;
	assert_int_equal(exp_options_parse(1, argv, &options), -1);
	assert_string_equal(options.listen, "127.0.0.1:19758");
	assert_string_equal(options.socket, EBB_CONTROL_SOCKET);
	assert_true(exp_address_is_loopback(&options.address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_what_is_no_address),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
