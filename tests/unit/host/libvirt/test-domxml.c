/* SPDX-License-Identifier: GPL-2.0-only */
/* Domain XML, as libvirt prints it and as it must not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/libvirt/domxml.h"

#define MEMORY "<memory unit='KiB'>2097152</memory>"
#define SHARED                                  \
	"<memoryBacking><source type='memfd'/>" \
	"<access mode='shared'/></memoryBacking>"
#define CHANNEL(name)                                               \
	"<channel type='unix'><source mode='bind' path='/run/x'/>"  \
	"<target type='virtio' name='" name "' state='connected'/>" \
	"</channel>"

static struct ebb_domxml parsed;
static struct ebb_reason_list reasons;

static int parse(const char *xml)
{
	memset(&parsed, 0xaa, sizeof(parsed));
	memset(&reasons, 0, sizeof(reasons));
	return ebb_domxml_parse(xml, &parsed, &reasons);
}

static void test_plain_domain(void **state)
{
	(void)state;
	assert_int_equal(
		parse("<?xml version='1.0' encoding='UTF-8'?>\n"
		      "<domain type='kvm' id='1'><name>a</name>" MEMORY
		      "<currentMemory unit='KiB'>1048576</currentMemory>"
		      "<devices><disk type='file' device='disk'/>"
		      "<interface type='network'/>"
		      "<memballoon model='virtio'/></devices></domain>"),
		0);
	assert_int_equal(parsed.cell_count, 1);
	assert_int_equal(parsed.cell_bytes[0], 2 * EBB_GIB);
	assert_int_equal(parsed.device_count, 0);
	assert_false(parsed.shared);
	assert_false(parsed.own_channel);
	assert_false(parsed.qga_channel);
	assert_false(parsed.free_page_reporting);
	assert_int_equal(reasons.count, 0);
}

static void test_settings_are_found(void **state)
{
	(void)state;
	assert_int_equal(
		parse("<domain>" MEMORY
		      "<memoryBacking><hugepages><page size='2048' unit='KiB'/>"
		      "</hugepages><source type='memfd'/>"
		      "<access mode='shared'/></memoryBacking><devices>" CHANNEL(
			      "org.ebb.agent.0")
			      CHANNEL("org.qemu.guest_agent.0") "<memballoon model='virtio' freePageReporting='on'/>"
								"</devices></domain>"),
		0);
	assert_true(parsed.shared);
	assert_true(parsed.own_channel);
	assert_true(parsed.qga_channel);
	assert_true(parsed.free_page_reporting);
	assert_int_equal(reasons.count, 0);
}

static void test_settings_that_look_alike(void **state)
{
	(void)state;
	assert_int_equal(
		parse("<domain>" MEMORY "<metadata><x:a xmlns:x='urn:x'>"
		      "<x:memoryBacking><x:access mode='shared'/>"
		      "</x:memoryBacking></x:a></metadata>"
		      "<memoryBacking><access mode='private'/></memoryBacking>"
		      "<devices><channel type='pty'>"
		      "<target type='virtio' name='org.ebb.agent.0'/></channel>"
		      "<channel type='unix'>"
		      "<target type='virtio' name='org.ebb.agent.01'/>"
		      "</channel><memballoon freePageReporting='off'/>"
		      "</devices></domain>"),
		0);
	assert_false(parsed.shared);
	assert_false(parsed.own_channel);
	assert_false(parsed.free_page_reporting);
}

/* What Ebb holds by a balloon; whoever may define domains may have written it. */
static void test_balloon_record(void **state)
{
	static const struct {
		const char *attributes;
		uint64_t base_mib;
		uint64_t left_mib;
		uint32_t period_s;
	} cases[] = {
		{ "base='2097152' left='1048576' period='10'", 2048, 1024, 10 },
		{ "base='2097152' left='1048576'", 2048, 1024, 0 },
		{ "base='2097152' left='1048576' memory='2097152'", 2048, 1024,
		  0 },
		{ "base='2097152' left='1048576' memory='2097151'", 0, 0, 0 },
		{ "base='2097152' left='1048576' period='-1'", 2048, 1024, 0 },
		{ "base='1048576' left='1048576'", 0, 0, 0 },
		{ "base='1048576' left='2097152'", 0, 0, 0 },
		{ "base='2097152' left='0'", 0, 0, 0 },
		{ "base='-1' left='1048576'", 0, 0, 0 },
		{ "base='99999999999999999999999' left='1048576'", 0, 0, 0 },
		{ "base='2097152k' left='1048576'", 0, 0, 0 },
		{ "left='1048576'", 0, 0, 0 },
		{ "", 0, 0, 0 },
	};
	struct ebb_balloon_record record = { .base_bytes = EBB_GIB,
					     .left_bytes = EBB_MIB,
					     .memory_bytes = EBB_GIB,
					     .period_s = 3,
					     .start_ticks = 42 };
	char text[160];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		char xml[512];

		snprintf(xml, sizeof(xml),
			 "<domain>" MEMORY "<metadata><a:held "
			 "xmlns:a='urn:ebb:balloon:1' %s/></metadata>"
			 "<devices><memballoon model='virtio-non-transitional'>"
			 "<stats period='5'/></memballoon></devices></domain>",
			 cases[i].attributes);
		assert_int_equal(parse(xml), 0);
		assert_int_equal(parsed.balloon_record.base_bytes,
				 cases[i].base_mib * EBB_MIB);
		assert_int_equal(parsed.balloon_record.left_bytes,
				 cases[i].left_mib * EBB_MIB);
		assert_int_equal(parsed.balloon_record.period_s,
				 cases[i].period_s);
		assert_true(parsed.balloon_device);
		assert_int_equal(parsed.balloon_period_s, 5);
	}
	assert_string_equal(ebb_balloon_record_print(&record, text),
			    "<held base='1048576' left='1024' memory='1048576' "
			    "period='3' start='42'/>");
	assert_int_equal(parse("<domain>" MEMORY "<devices><memballoon "
			       "model='none'/></devices></domain>"),
			 0);
	assert_false(parsed.balloon_device);
	assert_int_equal(parsed.balloon_period_s, 0);
}

/* What is left to a guest is in <currentMemory>, and in events. */
static void test_balloon(void **state)
{
	static const struct {
		const char *xml;
		bool known;
		uint64_t balloon_mib;
	} cases[] = {
		{ "<currentMemory unit='KiB'>716800</currentMemory>", true,
		  1348 },
		{ "<currentMemory>2097152</currentMemory>", true, 0 },
		{ "<currentMemory unit='GiB'>16</currentMemory>", true, 0 },
		{ "<currentMemory>some</currentMemory>", false, 0 },
		{ "", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		char xml[512];

		snprintf(xml, sizeof(xml), "<domain>" MEMORY "%s</domain>",
			 cases[i].xml);
		assert_int_equal(parse(xml), 0);
		assert_int_equal(parsed.balloon_known, cases[i].known);
		assert_int_equal(parsed.balloon_bytes,
				 cases[i].balloon_mib * EBB_MIB);
		assert_int_equal(ebb_domxml_balloon_bytes(&parsed,
							  700 * EBB_MIB),
				 1348 * EBB_MIB);
		assert_int_equal(ebb_domxml_balloon_bytes(&parsed, UINT64_MAX),
				 0);
	}
}

/* libvirt adds what of virtio-mem is plugged to the XML's figure, not to an event's. */
static void test_balloon_beside_memory_devices(void **state)
{
	(void)state;
	assert_int_equal(
		parse("<domain><memory unit='GiB'>5</memory>"
		      "<currentMemory unit='MiB'>3328</currentMemory><devices>"
		      "<memory model='dimm'><target><size unit='GiB'>1</size>"
		      "</target></memory>"
		      "<memory model='virtio-mem'><target>"
		      "<size unit='GiB'>2</size>"
		      "<requested unit='MiB'>768</requested>"
		      "<current unit='MiB'>512</current></target></memory>"
		      "</devices></domain>"),
		0);
	/* 2 GiB at boot, a dimm of 1 GiB, 512 MiB plugged: 256 MiB are missing. */
	assert_true(parsed.balloon_known);
	assert_int_equal(parsed.balloon_bytes, 256 * EBB_MIB);
	assert_int_equal(ebb_domxml_balloon_bytes(&parsed, 2816 * EBB_MIB),
			 256 * EBB_MIB);
}

/* What it is defined to hold is the host's word, unless it deflates by itself. */
static void test_balloon_is_asked_to_hold(void **state)
{
	static const struct {
		const char *live;
		const char *definition;
		uint64_t asked_mib;
	} cases[] = {
		{ "", "<currentMemory unit='MiB'>1536</currentMemory>", 512 },
		{ "", "<currentMemory unit='GiB'>2</currentMemory>", 0 },
		{ "", "<currentMemory unit='GiB'>4</currentMemory>", 0 },
		{ "", "<currentMemory>some</currentMemory>", 0 },
		{ "", "", 0 },
		{ "", "<currentMemory", 0 },
		{ "<devices><memballoon model='virtio' autodeflate='on'/>"
		  "</devices>",
		  "<currentMemory unit='MiB'>1536</currentMemory>", 0 },
		{ "<devices><memballoon model='virtio' autodeflate='off'/>"
		  "</devices>",
		  "<currentMemory unit='MiB'>1536</currentMemory>", 512 },
		/* A dimm counts, virtio-mem does not. */
		{ "<devices><memory model='dimm'><target><size unit='MiB'>512"
		  "</size></target></memory><memory model='virtio-mem'>"
		  "<target><size unit='GiB'>1</size>"
		  "<requested unit='MiB'>0</requested></target></memory>"
		  "</devices>",
		  "<currentMemory unit='MiB'>256</currentMemory>", 768 },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		char xml[512];

		snprintf(xml, sizeof(xml), "<domain>" MEMORY "%s</domain>",
			 cases[i].live);
		assert_int_equal(parse(xml), 0);
		parsed.balloon_asked_bytes = 77;
		snprintf(xml, sizeof(xml), "<domain>" MEMORY "%s</domain>",
			 cases[i].definition);
		ebb_domxml_take_definition(&parsed, xml);
		assert_int_equal(parsed.balloon_asked_bytes,
				 cases[i].asked_mib * EBB_MIB);
	}
}

#define METADATA(inner)                \
	"<domain>" MEMORY "<metadata>" \
	"<x:note xmlns:x='urn:x'>40%</x:note>" inner "</metadata></domain>"
#define POLICY(value)                                        \
	METADATA("<ebb:policy xmlns:ebb='urn:ebb:domain:1' " \
		 "free-target=" value "/>")

/* The definition's own are those of the next start. */
static void test_next_start(void **state)
{
	(void)state;
	assert_int_equal(parse(POLICY("'40%'")), 0);
	assert_false(parsed.next_known);
	ebb_domxml_take_definition(&parsed, POLICY("'50%' min='1G'"));
	assert_true(parsed.next_known);
	assert_int_equal(parsed.next.target.percent, 50);
	assert_true(ebb_settings_has(&parsed.next.settings, EBB_SETTING_MIN));
	assert_int_equal(parsed.metadata.target.percent, 40);
	ebb_domxml_take_definition(&parsed, METADATA(""));
	assert_true(parsed.next_known);
	assert_int_equal(parsed.next.target.kind, EBB_TARGET_NONE);
	ebb_domxml_take_definition(&parsed, "<domain");
	assert_false(parsed.next_known);
}

static void test_free_target(void **state)
{
	(void)state;
	assert_int_equal(parse(POLICY("'40%'")), 0);
	assert_int_equal(parsed.metadata.target.kind, EBB_TARGET_PERCENT);
	assert_int_equal(parsed.metadata.target.percent, 40);
	assert_string_equal(parsed.metadata.odd_target.text, "");
	/* The prefix is whose it is, the namespace counts. */
	assert_int_equal(parse(METADATA("<policy xmlns='urn:ebb:domain:1' "
					"free-target='600M'/>")),
			 0);
	assert_int_equal(parsed.metadata.target.bytes, 600 * EBB_MIB);
	assert_int_equal(parse(METADATA("")), 0);
	assert_int_equal(parsed.metadata.target.kind, EBB_TARGET_NONE);
	assert_string_equal(parsed.metadata.odd_target.text, "");
}

/* What is not our element does not ask anything of the guest. */
static void test_no_free_target(void **state)
{
	static const char *const texts[] = {
		METADATA("<ebb:policy xmlns:ebb='urn:ebb:domain:2' "
			 "free-target='40%'/>"),
		METADATA("<policy free-target='40%'/>"),
		METADATA("<ebb:policy xmlns:ebb='urn:ebb:domain:1'/>"),
		METADATA("<ebb:policy xmlns:ebb='urn:ebb:domain:1' "
			 "ebb:free-target='40%'/>"),
		METADATA("<y:y xmlns:y='urn:y'><ebb:policy "
			 "xmlns:ebb='urn:ebb:domain:1' free-target='40%'/>"
			 "</y:y>"),
		"<domain>" MEMORY "<devices><ebb:policy "
		"xmlns:ebb='urn:ebb:domain:1' free-target='40%'/>"
		"</devices></domain>",
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++) {
		assert_int_equal(parse(texts[i]), 0);
		assert_int_equal(parsed.metadata.target.kind, EBB_TARGET_NONE);
		assert_string_equal(parsed.metadata.odd_target.text, "");
	}
}

/* An odd text is told, and costs the domain nothing else. */
static void test_odd_free_target(void **state)
{
	static const struct {
		const char *xml;
		const char *says;
	} cases[] = {
		{ POLICY("''"), "'' is no size" },
		{ POLICY("'-1'"), "'-1' must be positive" },
		{ POLICY("'400%'"), "1% to 87%" },
		{ POLICY("'600MB'"), "powers of 1024" },
		{ POLICY("'40% '"), "whole number" },
		{ POLICY("'auto&#10;web2: all is well'"), "is no size" },
		{ POLICY("'99999999999999999999999999999999999999999999999999"
			 "99999999999999999999999999999999999999999999999999'"),
		  "more than any guest has" },
		{ METADATA("<ebb:policy xmlns:ebb='urn:ebb:domain:1' "
			   "free-target='auto'/><ebb:policy "
			   "xmlns:ebb='urn:ebb:domain:1' free-target='40%'/>"),
		  "more than one" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].xml), 0);
		assert_int_equal(parsed.metadata.target.kind, EBB_TARGET_NONE);
		assert_non_null(
			strstr(parsed.metadata.odd_target.text, cases[i].says));
		assert_null(strchr(parsed.metadata.odd_target.text, '\n'));
		assert_int_equal(parsed.cell_count, 1);
	}
}

#define SETTINGS(attributes) \
	METADATA("<ebb:policy xmlns:ebb='urn:ebb:domain:1' " attributes "/>")

static void assert_setting(enum ebb_setting setting, const char *value)
{
	const struct ebb_settings *settings = &parsed.metadata.settings;
	char text[EBB_SETTING_TEXT_BYTES];

	assert_int_equal(ebb_settings_has(settings, setting), value[0] != 0);
	if (!value[0])
		return;
	assert_string_equal(
		ebb_setting_format(setting, &settings->values, text), value);
	assert_string_equal(settings->origins[setting].text, "domain");
}

static void test_settings(void **state)
{
	(void)state;
	assert_int_equal(parse(SETTINGS("min='10%' shares='2000' "
					"free-target='auto'")),
			 0);
	assert_string_equal(parsed.metadata.odd_settings.text, "");
	assert_setting(EBB_SETTING_MIN, "10%");
	assert_setting(EBB_SETTING_SHARES, "2000");
	assert_setting(EBB_SETTING_MODE, "");
	assert_setting(EBB_SETTING_MAX, "");
	assert_int_equal(parsed.metadata.target.kind, EBB_TARGET_AUTO);
}

/* A mistake is told, beside what is understood; the free target is its own. */
static void test_odd_settings(void **state)
{
	static const struct {
		const char *xml;
		const char *says;
		const char *shares;
	} cases[] = {
		{ SETTINGS("min='lots' shares='5'"), "min: 'lots' is no size",
		  "5" },
		{ SETTINGS("shares='5' min='101%'"), "min: '101%' is not",
		  "5" },
		{ SETTINGS("max='0'"), "max: '0' must be positive" },
		{ SETTINGS("shares='0'"), "shares: '0' is not" },
		{ SETTINGS("shares='-1'"), "shares: '-1' is not" },
		{ SETTINGS("shares='99999999999999999999'"), "from 1 to" },
		{ SETTINGS("mode='fast&#10;web2: all is well'"),
		  "mode: 'fast?web2: all is well' is not" },
		{ SETTINGS("mode='Balanced'"), "did you mean 'balanced'?" },
		{ SETTINGS("share='5'"), "did you mean 'shares'?" },
		{ SETTINGS("frobnicate='5'"), "unknown attribute" },
		{ METADATA("<e:policy xmlns:e='urn:ebb:domain:1' min='1G'/>"
			   "<e:policy xmlns:e='urn:ebb:domain:1' min='2G'/>"),
		  "more than one" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].xml), 0);
		assert_non_null(strstr(parsed.metadata.odd_settings.text,
				       cases[i].says));
		assert_null(strchr(parsed.metadata.odd_settings.text, '\n'));
		for (int k = 0; k < EBB_SETTING_COUNT; k++)
			assert_setting((enum ebb_setting)k,
				       k == EBB_SETTING_SHARES &&
						       cases[i].shares
					       ? cases[i].shares
					       : "");
		assert_int_equal(parsed.cell_count, 1);
	}
	assert_int_equal(parse(SETTINGS("min='4G' max='2G'")), 0);
	assert_non_null(strstr(parsed.metadata.odd_settings.text,
			       "min is 4G, but max is 2G"));
	assert_setting(EBB_SETTING_MIN, "4G");
	assert_setting(EBB_SETTING_MAX, "2G");
	assert_int_equal(parse(SETTINGS("min='x' free-target='40%'")), 0);
	assert_int_equal(parsed.metadata.target.percent, 40);
}

static void assert_reserved(const char *elements, const char *reserved)
{
	char xml[1024];

	snprintf(xml, sizeof(xml), "<domain>" MEMORY "%s</domain>", elements);
	assert_int_equal(parse(xml), 0);
	assert_string_equal(parsed.reserved, reserved);
	assert_int_equal(reasons.count, 0);
}

static void test_reservations(void **state)
{
	(void)state;
	assert_reserved("", "");
	assert_reserved("<memoryBacking><allocation mode='immediate'/>"
			"</memoryBacking>",
			"<allocation mode='immediate'/>");
	assert_reserved("<memoryBacking><nosharepages/></memoryBacking>",
			"<nosharepages/>");
	assert_reserved("<memtune><min_guarantee unit='KiB'>1</min_guarantee>"
			"</memtune>",
			"<min_guarantee>");
	assert_reserved("<cputune><vcpusched vcpus='0' scheduler='fifo' "
			"priority='1'/></cputune>",
			"<vcpusched scheduler='fifo'>");
	assert_reserved("<cputune><vcpusched vcpus='0' scheduler='rr' "
			"priority='1'/></cputune>",
			"<vcpusched scheduler='rr'>");
	assert_reserved("<cputune><vcpupin vcpu='0' cpuset='1'/></cputune>",
			"<vcpupin>");
	assert_reserved("<memoryBacking><allocation mode='immediate'/>"
			"<nosharepages/></memoryBacking>"
			"<memtune><min_guarantee>1</min_guarantee></memtune>"
			"<cputune><vcpupin vcpu='0' cpuset='1'/>"
			"<vcpupin vcpu='1' cpuset='2'/>"
			"<vcpusched vcpus='0' scheduler='fifo'/>"
			"<vcpusched vcpus='1' scheduler='rr'/></cputune>",
			"<allocation mode='immediate'/>, <nosharepages/>, "
			"<min_guarantee>, <vcpusched scheduler='fifo'>, "
			"<vcpusched scheduler='rr'>, <vcpupin>");
}

/* What costs no other guest its memory. */
static void test_no_reservations(void **state)
{
	(void)state;
	assert_reserved("<memoryBacking><allocation mode='ondemand' "
			"threads='4'/><hugepages/></memoryBacking>",
			"");
	assert_reserved("<vcpu cpuset='0-3' current='1'>2</vcpu>"
			"<memtune><hard_limit>1</hard_limit></memtune>"
			"<numatune><memory mode='strict' nodeset='0'/>"
			"</numatune>",
			"");
	assert_reserved("<cputune><shares>2048</shares><quota>-1</quota>"
			"<emulatorpin cpuset='0'/><iothreadpin iothread='1' "
			"cpuset='0'/><emulatorsched scheduler='fifo'/>"
			"<vcpusched vcpus='0' scheduler='batch'/></cputune>",
			"");
	assert_reserved("<metadata><x:vcpupin xmlns:x='urn:x'/></metadata>"
			"<description>&lt;nosharepages/&gt;</description>",
			"");
}

static void test_sources(void **state)
{
	static const struct {
		const char *backing;
		bool of_files;
	} cases[] = {
		{ "", true },
		{ "<source type='file'/>", true },
		{ "<source type='memfd'/>", false },
		{ "<hugepages/>", false },
		{ "<hugepages/><source type='file'/>", true },
		{ "<hugepages><page size='2048' unit='KiB'/></hugepages>",
		  false },
		{ "<hugepages><page size='2048' unit='KiB' nodeset='0'/>"
		  "</hugepages>",
		  true },
		{ "<hugepages><page size='2048' unit='KiB'/>"
		  "<page size='4' unit='KiB' nodeset='1'/></hugepages>",
		  true },
		{ "<hugepages><page size='4' unit='KiB'/></hugepages>", true },
	};
	char xml[1024];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		snprintf(xml, sizeof(xml),
			 "<domain>" MEMORY "<memoryBacking>%s"
			 "<access mode='shared'/></memoryBacking></domain>",
			 cases[i].backing);
		assert_int_equal(parse(xml), 0);
		assert_int_equal(parsed.of_files, cases[i].of_files);
	}
	assert_int_equal(parse("<domain>" MEMORY "</domain>"), 0);
	assert_false(parsed.of_files);
}

static void test_numa_cells(void **state)
{
	(void)state;
	assert_int_equal(
		parse("<domain>" MEMORY "<cpu><numa>"
		      "<cell id='0' cpus='0' memory='1048576' unit='KiB' "
		      "memAccess='shared'/>"
		      "<cell id='1' cpus='1' memory='1024' unit='MiB'/>"
		      "</numa></cpu></domain>"),
		0);
	assert_int_equal(parsed.cell_count, 2);
	assert_int_equal(parsed.cell_bytes[0], EBB_GIB);
	assert_int_equal(parsed.cell_bytes[1], EBB_GIB);
	assert_true(parsed.shared);
}

static void test_memory_devices(void **state)
{
	(void)state;
	assert_int_equal(
		parse("<domain><memory unit='KiB'>4194304</memory><devices>"
		      "<memory model='dimm'><target>"
		      "<size unit='KiB'>524288</size><node>0</node></target>"
		      "<address type='dimm' slot='0' base='0x100000000'/>"
		      "</memory>"
		      "<memory model='virtio-mem'><target>"
		      "<size unit='KiB'>1048576</size><node>0</node>"
		      "<block unit='KiB'>2048</block>"
		      "<requested unit='KiB'>524288</requested>"
		      "<address base='0x140000000'/></target>"
		      "<address type='pci' domain='0x0000' bus='0x00'/>"
		      "</memory></devices></domain>"),
		0);
	assert_int_equal(parsed.device_count, 2);
	assert_int_equal(parsed.devices[0].base_gpa, 0x100000000);
	assert_int_equal(parsed.devices[0].bytes, 512 * EBB_MIB);
	assert_int_equal(parsed.devices[1].base_gpa, 0x140000000);
	assert_int_equal(parsed.devices[1].bytes, EBB_GIB);
	/* It does not say what is plugged. */
	assert_int_equal(parsed.devices[0].plugged_bytes, 512 * EBB_MIB);
	assert_int_equal(parsed.devices[1].plugged_bytes, EBB_GIB);
	/* <memory> counts what is plugged; boot memory is the rest. */
	assert_int_equal(parsed.cell_bytes[0], 4 * EBB_GIB - 1536 * EBB_MIB);
}

/* What is plugged counts only when all that is requested is. */
static void test_plugged(void **state)
{
	static const struct {
		const char *sizes;
		uint64_t plugged_bytes;
	} cases[] = {
		{ "<requested unit='KiB'>524288</requested>"
		  "<current unit='KiB'>524288</current>",
		  512 * EBB_MIB },
		{ "<requested unit='KiB'>0</requested>"
		  "<current unit='KiB'>0</current>",
		  0 },
		{ "<requested unit='KiB'>524288</requested>"
		  "<current unit='KiB'>262144</current>",
		  EBB_GIB },
		{ "<current unit='KiB'>0</current>", EBB_GIB },
		{ "<requested unit='KiB'>4194304</requested>"
		  "<current unit='KiB'>4194304</current>",
		  EBB_GIB },
		{ "<requested unit='KiB'>x</requested>"
		  "<current unit='KiB'>x</current>",
		  EBB_GIB },
	};
	char xml[1024];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		snprintf(xml, sizeof(xml),
			 "<domain><memory unit='KiB'>4194304</memory><devices>"
			 "<memory model='virtio-mem'><target>"
			 "<size unit='KiB'>1048576</size><node>0</node>%s"
			 "<address base='0x140000000'/></target></memory>"
			 "</devices></domain>",
			 cases[i].sizes);
		assert_int_equal(parse(xml), 0);
		if (parsed.devices[0].plugged_bytes != cases[i].plugged_bytes)
			fail_msg("%s: %llu", cases[i].sizes,
				 (unsigned long long)parsed.devices[0]
					 .plugged_bytes);
	}
}

static const struct {
	const char *xml;
	enum ebb_reason_id reason;
} refusals[] = {
	{ "<hostdev mode='subsystem' type='pci' managed='yes'/>",
	  EBB_REASON_VFIO },
	{ "<hostdev mode='subsystem' type='mdev' model='vfio-pci'/>",
	  EBB_REASON_VFIO },
	{ "<interface type='hostdev'/>", EBB_REASON_VFIO },
	{ "<disk type='nvme' device='disk'/>", EBB_REASON_VFIO },
	{ "<interface type='vdpa'/>", EBB_REASON_VDPA },
	{ "<disk type='vhostvdpa' device='disk'/>", EBB_REASON_VDPA },
	{ "<interface type='vhostuser'/>", EBB_REASON_VHOST_USER },
	{ "<disk type='vhostuser' device='disk'/>", EBB_REASON_VHOST_USER },
	{ "<video><driver name='vhostuser'/></video>", EBB_REASON_VHOST_USER },
	{ "<memory model='nvdimm'><target><size>1024</size></target></memory>",
	  EBB_REASON_NVDIMM },
	{ "<memory model='virtio-pmem'><target><size>1024</size></target>"
	  "</memory>",
	  EBB_REASON_NVDIMM },
};

static void test_devices_that_pin(void **state)
{
	char xml[1024];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(refusals); i++) {
		snprintf(xml, sizeof(xml),
			 "<domain>" MEMORY "<devices>%s</devices></domain>",
			 refusals[i].xml);
		assert_int_equal(parse(xml), 0);
		assert_int_equal(reasons.count, 1);
		assert_int_equal(reasons.items[0].id, refusals[i].reason);
		assert_true(*ebb_reason_detail(&reasons, 0));
	}
}

static void test_settings_that_forbid(void **state)
{
	(void)state;
	assert_int_equal(parse("<domain>" MEMORY
			       "<memoryBacking><locked/></memoryBacking>"
			       "<launchSecurity type='sev'/></domain>"),
			 0);
	assert_int_equal(reasons.count, 2);
	assert_true(ebb_reason_has(&reasons, EBB_REASON_LOCKED_MEMORY));
	assert_true(ebb_reason_has(&reasons, EBB_REASON_CONFIDENTIAL));
}

/* Processes that map the memory, and whether they pin it, is looked at. */
static void test_devices_by_their_process(void **state)
{
	static const char *const devices[] = {
		"<filesystem type='mount'><driver type='virtiofs'/>"
		"</filesystem>",
		"<interface type='vhostuser'><backend type='passt'/>"
		"</interface>",
	};
	char xml[1024];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(devices); i++) {
		snprintf(xml, sizeof(xml),
			 "<domain>" MEMORY "<devices>%s</devices></domain>",
			 devices[i]);
		assert_int_equal(parse(xml), 0);
		assert_int_equal(reasons.count, 0);
		assert_true(parsed.vhost_user);
	}
	assert_int_equal(parse("<domain>" MEMORY "<devices><interface "
			       "type='user'><backend type='passt'/>"
			       "</interface></devices></domain>"),
			 0);
	assert_int_equal(reasons.count, 0);
	assert_false(parsed.vhost_user);
}

static void test_devices_that_do_not_pin(void **state)
{
	(void)state;
	assert_int_equal(
		parse("<domain>" MEMORY SHARED "<devices>"
		      "<filesystem type='mount'><driver type='virtiofs'/>"
		      "</filesystem><hostdev mode='subsystem' type='usb'/>"
		      "<hostdev mode='subsystem' type='scsi'/>"
		      "<interface type='bridge'/><video><model type='vga'/>"
		      "</video></devices></domain>"),
		0);
	assert_int_equal(reasons.count, 0);
}

/* All that stands in the way is told at once, each kind once. */
static void test_all_reasons_at_once(void **state)
{
	char xml[4096] = "<domain>" MEMORY "<devices>";

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(refusals); i++)
		strcat(xml, refusals[i].xml);
	strcat(xml, "</devices></domain>");
	assert_int_equal(parse(xml), 0);
	assert_int_equal(reasons.count, 4);
}

static void test_units(void **state)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} units[] = {
		{ "", 3 * EBB_KIB },
		{ " unit='b'", 3 },
		{ " unit='bytes'", 3 },
		{ " unit='KB'", 3000 },
		{ " unit='k'", 3 * EBB_KIB },
		{ " unit='KiB'", 3 * EBB_KIB },
		{ " unit='MB'", 3000000 },
		{ " unit='M'", 3 * EBB_MIB },
		{ " unit='MiB'", 3 * EBB_MIB },
		{ " unit='GB'", 3000000000 },
		{ " unit='G'", 3 * EBB_GIB },
		{ " unit='GiB'", 3 * EBB_GIB },
		{ " unit='TB'", 3000000000000 },
		{ " unit='T'", 3072 * EBB_GIB },
		{ " unit='TiB'", 3072 * EBB_GIB },
	};
	char xml[256];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(units); i++) {
		snprintf(xml, sizeof(xml),
			 "<domain><memory%s>3</memory></domain>",
			 units[i].unit);
		assert_int_equal(parse(xml), 0);
		assert_int_equal(parsed.cell_bytes[0], units[i].bytes);
	}
}

static void test_what_is_not_a_domain(void **state)
{
	static const char *const texts[] = {
		"",
		"no xml",
		"<domain>",
		"<domain/>",
		"<network>" MEMORY "</network>",
		"<domain><memory/></domain>",
		"<domain><memory>x</memory></domain>",
		"<domain><memory>12x</memory></domain>",
		"<domain><memory>-1</memory></domain>",
		"<domain><memory unit='furlong'>1</memory></domain>",
		"<domain><memory>99999999999999999999</memory></domain>",
		"<domain><memory unit='GiB'>9999999999</memory></domain>",
		"<domain>" MEMORY MEMORY "</domain>",
		"<domain><cpu><numa><cell id='0'/></numa></cpu></domain>",
		"<domain>" MEMORY "<devices><memory model='dimm'/></devices>"
		"</domain>",
		"<domain>" MEMORY "<devices><memory model='dimm'><target/>"
		"</memory></devices></domain>",
		/* More is plugged than there is. */
		"<domain>" MEMORY "<devices><memory model='dimm'><target>"
		"<size unit='GiB'>2</size></target></memory></devices>"
		"</domain>",
	};
	struct ebb_domxml before;

	(void)state;
	memset(&before, 0xaa, sizeof(before));
	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++) {
		if (parse(texts[i]) != -EBADMSG)
			fail_msg("accepted: %s", texts[i]);
		assert_memory_equal(&parsed, &before, sizeof(before));
		assert_int_equal(reasons.count, 0);
	}
}

static char *repeat(const char *head, const char *part, int count,
		    const char *tail)
{
	size_t bytes =
		strlen(head) + (size_t)count * strlen(part) + strlen(tail) + 1;
	char *text = malloc(bytes), *end;

	assert_non_null(text);
	end = stpcpy(text, head);
	for (int i = 0; i < count; i++)
		end = stpcpy(end, part);
	stpcpy(end, tail);
	return text;
}

static void check_part_limit(const char *head, const char *part,
			     const char *tail)
{
	char *fits = repeat(head, part, EBB_MEMORY_PART_MAX, tail);
	char *too_many = repeat(head, part, EBB_MEMORY_PART_MAX + 1, tail);

	assert_int_equal(parse(fits), 0);
	assert_int_equal(parsed.bound_bytes, 0);
	/* How much they are together is known nevertheless. */
	assert_int_equal(parse(too_many), -E2BIG);
	assert_int_equal(parsed.bound_bytes, 2 * EBB_GIB);
	assert_int_equal(parsed.cell_count, 0);
	assert_int_equal(parsed.device_count, 0);
	free(fits);
	free(too_many);
}

static void test_too_many_parts(void **state)
{
	(void)state;
	check_part_limit("<domain>" MEMORY "<cpu><numa>",
			 "<cell memory='1024' unit='KiB'/>",
			 "</numa></cpu></domain>");
	check_part_limit("<domain>" MEMORY "<devices>",
			 "<memory model='dimm'><target><size>1024</size>"
			 "</target></memory>",
			 "</devices></domain>");
}

/* A guest's owner may put XML into <metadata>; libvirt keeps no DTD. */
static void test_entities_are_refused(void **state)
{
	static const char bomb[] =
		"<?xml version='1.0'?><!DOCTYPE domain ["
		"<!ENTITY a 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'>"
		"<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
		"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"
		"<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
		"<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>"
		"<!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
		"<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'>"
		"<!ENTITY h '&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;'>]>"
		"<domain><memory>&h;</memory></domain>";

	(void)state;
	assert_int_equal(parse(bomb), -EBADMSG);
	assert_int_equal(parse("<!DOCTYPE domain [<!ENTITY m '4096'>]>"
			       "<domain><memory>&m;</memory></domain>"),
			 -EBADMSG);
	assert_int_equal(parse("<!DOCTYPE domain [<!ENTITY m SYSTEM "
			       "'file:///proc/self/cmdline'>]>"
			       "<domain><memory>&m;</memory></domain>"),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_domain),
		cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_balloon_record),
		cmocka_unit_test(test_balloon_beside_memory_devices),
		cmocka_unit_test(test_balloon_is_asked_to_hold),
		cmocka_unit_test(test_settings_are_found),
		cmocka_unit_test(test_settings_that_look_alike),
		cmocka_unit_test(test_next_start),
		cmocka_unit_test(test_free_target),
		cmocka_unit_test(test_no_free_target),
		cmocka_unit_test(test_odd_free_target),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_odd_settings),
		cmocka_unit_test(test_reservations),
		cmocka_unit_test(test_no_reservations),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_numa_cells),
		cmocka_unit_test(test_memory_devices),
		cmocka_unit_test(test_plugged),
		cmocka_unit_test(test_devices_that_pin),
		cmocka_unit_test(test_settings_that_forbid),
		cmocka_unit_test(test_devices_by_their_process),
		cmocka_unit_test(test_devices_that_do_not_pin),
		cmocka_unit_test(test_all_reasons_at_once),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_what_is_not_a_domain),
		cmocka_unit_test(test_too_many_parts),
		cmocka_unit_test(test_entities_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
