/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A setting that libvirt keeps, with libvirt's own code and its test driver: as
 * it is written, so it is read from the XML.
 */
#include <errno.h>
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

static char error[EBB_VIRT_ERROR_BYTES];

/* @value: empty for none. */
static int change(enum ebb_scope scope, const char *name, const char *value,
		  struct ebb_metadata *ret_live)
{
	struct ebb_metadata_change changes[] = { { .name = name } };

	strcpy(changes[0].value, value);
	return ebb_domain_change_metadata(&domain, scope, changes, 1, ret_live,
					  error);
}

static void keep(const struct ebb_target_setting *setting)
{
	char text[EBB_TARGET_TEXT_BYTES];
	struct ebb_metadata live;

	if (change(EBB_SCOPE_BOTH, EBB_METADATA_TARGET,
		   setting ? ebb_target_format(setting, text) : "", &live) < 0)
		fail_msg("%s", error);
	if (setting)
		assert_true(ebb_target_is_same(&live.target, setting));
}

static struct ebb_domxml read_back(void)
{
	char *xml ebb_auto_free = NULL;
	struct ebb_reason_list reasons = { 0 };
	struct ebb_domxml domxml;

	assert_int_equal(ebb_domain_xml(&domain, &xml), 0);
	assert_int_equal(ebb_domxml_parse(xml, &domxml, &reasons), 0);
	assert_string_equal(domxml.metadata.odd_target.text, "");
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
	assert_int_equal(read_back().metadata.target.kind, EBB_TARGET_NONE);
	/* What is not there is taken away, too. */
	keep(NULL);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(settings); i++) {
		struct ebb_domxml domxml;

		keep(&settings[i]);
		domxml = read_back();
		assert_true(ebb_target_is_same(&domxml.metadata.target,
					       &settings[i]));
	}
	keep(NULL);
	assert_int_equal(read_back().metadata.target.kind, EBB_TARGET_NONE);
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
	assert_int_equal(read_back().metadata.target.kind, EBB_TARGET_AUTO);
	keep(NULL);
	assert_int_equal(ebb_domain_xml(&domain, &xml), 0);
	assert_non_null(strstr(xml, "urn:x"));
	assert_null(strstr(xml, EBB_METADATA_URI));
}

/* A change of one attribute is none of the others; and each side has its own. */
static void test_one_by_one(void **state)
{
	struct ebb_metadata live = { 0 }, next;
	char text[EBB_SETTING_TEXT_BYTES];
	bool next_known;

	(void)state;
	assert_int_equal(
		virDomainSetMetadata(domain.handle, VIR_DOMAIN_METADATA_ELEMENT,
				     "<policy free-target='40%' "
				     "x='&lt;&quot;&apos;'/>",
				     EBB_METADATA_PREFIX, EBB_METADATA_URI,
				     VIR_DOMAIN_AFFECT_LIVE),
		0);
	assert_int_equal(change(EBB_SCOPE_LIVE, "min", "2G", &live), 0);
	assert_int_equal(live.target.percent, 40);
	assert_non_null(strstr(live.odd_settings.text, "x: unknown"));
	assert_int_equal(change(EBB_SCOPE_LIVE, "x", "", &live), 0);
	assert_string_equal(live.odd_settings.text, "");
	assert_string_equal(ebb_setting_format(EBB_SETTING_MIN,
					       &live.settings.values, text),
			    "2G");
	assert_int_equal(ebb_domain_read_metadata(&domain, &live, &next_known,
						  &next),
			 0);
	assert_true(next_known);
	assert_false(ebb_settings_has(&next.settings, EBB_SETTING_MIN));
	assert_string_equal(live.settings.origins[EBB_SETTING_MIN].text,
			    "domain");

	assert_int_equal(change(EBB_SCOPE_CONFIG, "min", "3G", NULL), 0);
	assert_int_equal(change(EBB_SCOPE_BOTH, "shares", "7", &live), 0);
	assert_int_equal(live.settings.values.min.bytes, 2 * EBB_GIB);
	assert_int_equal(ebb_domain_read_metadata(&domain, &live, &next_known,
						  &next),
			 0);
	assert_true(next_known);
	assert_int_equal(next.settings.values.min.bytes, 3 * EBB_GIB);
	assert_int_equal(next.settings.values.shares, 7);
	assert_int_equal(next.target.kind, EBB_TARGET_NONE);

	assert_int_equal(change(EBB_SCOPE_BOTH, "shares", "", &live), 0);
	assert_int_equal(change(EBB_SCOPE_BOTH, "min", "", &live), 0);
	keep(NULL);
	assert_int_equal(ebb_domain_read_metadata(&domain, &live, &next_known,
						  &next),
			 0);
	assert_false(ebb_settings_has(&live.settings, EBB_SETTING_MIN));
}

/* As libvirt does where it cannot write the file of the definition. */
static bool definition_fails;

int __real_virDomainSetMetadata(virDomainPtr handle, int type,
				const char *metadata, const char *key,
				const char *uri, unsigned int flags);
int __wrap_virDomainSetMetadata(virDomainPtr handle, int type,
				const char *metadata, const char *key,
				const char *uri, unsigned int flags);

int __wrap_virDomainSetMetadata(virDomainPtr handle, int type,
				const char *metadata, const char *key,
				const char *uri, unsigned int flags)
{
	if (definition_fails && (flags & VIR_DOMAIN_AFFECT_CONFIG))
		return -1;
	return __real_virDomainSetMetadata(handle, type, metadata, key, uri,
					   flags);
}

static void test_half_of_it(void **state)
{
	struct ebb_metadata live = { 0 };

	(void)state;
	definition_fails = true;
	assert_int_equal(change(EBB_SCOPE_BOTH, "shares", "7", &live),
			 -EALREADY);
	assert_true(error[0]);
	assert_int_equal(live.settings.values.shares, 7);
	assert_int_equal(change(EBB_SCOPE_CONFIG, "shares", "7", &live), -EIO);
	definition_fails = false;
	assert_int_equal(change(EBB_SCOPE_BOTH, "shares", "", &live), 0);
}

static void test_libvirt_says_why_not(void **state)
{
	struct ebb_metadata live, next;
	bool next_known;

	(void)state;
	error[0] = '\0';
	assert_int_equal(virDomainDestroy(domain.handle), 0);
	assert_int_equal(change(EBB_SCOPE_LIVE, "min", "1G", &live), -EIO);
	assert_true(error[0]);
	assert_int_equal(ebb_domain_read_metadata(&domain, &live, &next_known,
						  &next),
			 -ENOTCONN);
	assert_int_equal(virDomainCreate(domain.handle), 0);
}

/* libvirt gives the live XML of a transient domain for its definition. */
static void test_definition(void **state)
{
	char *xml ebb_auto_free = NULL;
	struct ebb_metadata live, next;
	bool next_known;
	struct ebb_domain transient = {
		.handle = virDomainCreateXML(
			connection,
			"<domain type='test'><name>transient</name>"
			"<memory unit='GiB'>1</memory><os><type>hvm</type></os>"
			"</domain>",
			0),
	};

	(void)state;
	assert_int_equal(ebb_domain_definition(&domain, &xml), 0);
	assert_non_null(strstr(xml, "<currentMemory"));
	/* That of one that runs has its number. */
	assert_null(strstr(xml, " id='"));
	assert_non_null(transient.handle);
	assert_int_equal(ebb_domain_definition(&transient, &xml), -ENODATA);
	assert_int_equal(ebb_domain_read_metadata(&transient, &live,
						  &next_known, &next),
			 0);
	assert_false(next_known);
	virDomainDestroy(transient.handle);
	virDomainFree(transient.handle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_and_read),
		cmocka_unit_test(test_others_stay),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_half_of_it),
		cmocka_unit_test(test_libvirt_says_why_not),
		cmocka_unit_test(test_definition),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
