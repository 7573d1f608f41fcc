/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A setting that libvirt keeps, with libvirt's own code and its test driver: as
 * it is written, so it is read from the XML.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/libvirt/domxml.h"
#include "host/libvirt/virt.h"
#include "host/libvirt/connection.h"

static virConnectPtr connection;
static struct ebb_domain domain = { .references = 1 };

static int set_up(void **state)
{
	(void)state;
	connection = virConnectOpen("test:///default");
	if (!connection)
		return -1;
	domain.handle = virDomainLookupByName(connection, "test");
	return domain.handle ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	virDomainFree(domain.handle);
	return virConnectClose(connection);
}

static void keep(const struct ebb_target_setting *setting)
{
	char element[EBB_METADATA_BYTES], error[256];

	assert_int_equal(ebb_domain_set_metadata(
				 &domain, EBB_METADATA_PREFIX, EBB_METADATA_URI,
				 setting ? ebb_domxml_metadata(setting, element)
					 : NULL,
				 error),
			 0);
}

static struct ebb_domxml read_back(void)
{
	char *xml ebb_auto_free = NULL;
	struct ebb_reason_list reasons = { 0 };
	struct ebb_domxml domxml;

	assert_int_equal(ebb_domain_xml(&domain, &xml), 0);
	assert_int_equal(ebb_domxml_parse(xml, &domxml, &reasons), 0);
	assert_string_equal(domxml.odd_target.text, "");
	return domxml;
}

static void test_kept_and_read(void **state)
{
	static const struct ebb_target_setting settings[] = {
		{ .kind = EBB_TARGET_PERCENT, .percent = 40 },
		{ .kind = EBB_TARGET_BYTES, .bytes = 600 * EBB_MIB },
		{ .kind = EBB_TARGET_AUTO },
	};

	(void)state;
	assert_int_equal(read_back().target.kind, EBB_TARGET_NONE);
	/* What is not there is taken away, too. */
	keep(NULL);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(settings); i++) {
		struct ebb_domxml domxml;

		keep(&settings[i]);
		domxml = read_back();
		assert_true(ebb_target_is_same(&domxml.target, &settings[i]));
	}
	keep(NULL);
	assert_int_equal(read_back().target.kind, EBB_TARGET_NONE);
}

/* Others keep theirs beside it. */
static void test_others_stay(void **state)
{
	static const struct ebb_target_setting setting = {
		.kind = EBB_TARGET_AUTO
	};
	char *xml ebb_auto_free = NULL;

	(void)state;
	assert_int_equal(virDomainSetMetadata(domain.handle,
					      VIR_DOMAIN_METADATA_ELEMENT,
					      "<policy free-target='1%'/>", "x",
					      "urn:x", VIR_DOMAIN_AFFECT_LIVE),
			 0);
	keep(&setting);
	assert_int_equal(read_back().target.kind, EBB_TARGET_AUTO);
	keep(NULL);
	assert_int_equal(ebb_domain_xml(&domain, &xml), 0);
	assert_non_null(strstr(xml, "urn:x"));
	assert_null(strstr(xml, EBB_METADATA_URI));
}

static void test_libvirt_says_why_not(void **state)
{
	char error[256] = "";

	(void)state;
	assert_true(ebb_domain_set_metadata(&domain, EBB_METADATA_PREFIX,
					    EBB_METADATA_URI, "<broken",
					    error) < 0);
	assert_true(error[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_and_read),
		cmocka_unit_test(test_others_stay),
		cmocka_unit_test(test_libvirt_says_why_not),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
