/* SPDX-License-Identifier: GPL-2.0-only */
/* Patches of definitions: as small as can be, and none where one would not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/libvirt/mend.h"

#define HEAD                                      \
	"<domain type='kvm'>\n"                   \
	"  <name>web1</name>\n"                   \
	"  <memory unit='KiB'>1048576</memory>\n" \
	"  <currentMemory unit='KiB'>1048576</currentMemory>\n"
#define TAIL                                                     \
	"  <vcpu placement='static'>2</vcpu>\n"                  \
	"  <devices>\n"                                          \
	"    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n" \
	"    <memballoon model='virtio'>\n"                      \
	"      <address type='pci' domain='0x0000'/>\n"          \
	"    </memballoon>\n"                                    \
	"  </devices>\n"                                         \
	"</domain>\n"
#define SHARED                          \
	"  <memoryBacking>\n"           \
	"    <source type='memfd'/>\n"  \
	"    <access mode='shared'/>\n" \
	"  </memoryBacking>\n"
#define CHANNEL                                                  \
	"    <channel type='unix'>\n"                            \
	"      <target type='virtio' name='org.ebb.agent.0'/>\n" \
	"    </channel>\n"
#define WITH_CHANNEL                                                \
	"  <devices>\n" CHANNEL                                     \
	"    <memballoon model='virtio' freePageReporting='%s'/>\n" \
	"  </devices>\n"                                            \
	"</domain>\n"

static char patch[8192];

/* patch(1) makes @mended of @xml by the patch. */
static void expect_applies(const char *xml, const char *mended)
{
	static char text[8192];
	char path[] = "/tmp/test-mend.XXXXXX", command[128];
	int fd = mkstemp(path);
	size_t bytes;
	FILE *file;

	assert_true(fd >= 0);
	assert_true(write(fd, xml, strlen(xml)) == (ssize_t)strlen(xml));
	close(fd);
	snprintf(command, sizeof(command), "patch -s -F0 %s", path);
	file = popen(command, "w");
	assert_non_null(file);
	fputs("# words before it\n", file);
	fputs(patch, file);
	assert_int_equal(pclose(file), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	bytes = fread(text, 1, sizeof(text) - 1, file);
	text[bytes] = '\0';
	fclose(file);
	unlink(path);
	assert_string_equal(text, mended);
}

static void expect_mended(const char *xml, const char *mended)
{
	assert_int_equal(ebb_mend_definition(xml, "web1", patch, sizeof(patch)),
			 0);
	expect_applies(xml, mended);
	assert_int_equal(ebb_mend_definition(mended, "web1", patch,
					     sizeof(patch)),
			 -EALREADY);
}

static void test_all_lacks(void **state)
{
	(void)state;
	assert_int_equal(ebb_mend_definition(HEAD TAIL, "web1", patch,
					     sizeof(patch)),
			 0);
	assert_string_equal(
		patch, "--- web1.xml\n"
		       "+++ web1.xml\n"
		       "@@ -2,8 +2,15 @@\n"
		       "   <name>web1</name>\n"
		       "   <memory unit='KiB'>1048576</memory>\n"
		       "   <currentMemory unit='KiB'>1048576</currentMemory>\n"
		       "+  <memoryBacking>\n"
		       "+    <source type='memfd'/>\n"
		       "+    <access mode='shared'/>\n"
		       "+  </memoryBacking>\n"
		       "   <vcpu placement='static'>2</vcpu>\n"
		       "   <devices>\n"
		       "+    <channel type='unix'>\n"
		       "+      <target type='virtio' name='org.ebb.agent.0'/>\n"
		       "+    </channel>\n"
		       "     <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
		       "     <memballoon model='virtio'>\n"
		       "       <address type='pci' domain='0x0000'/>\n");
	expect_mended(HEAD TAIL,
		      HEAD SHARED "  <vcpu placement='static'>2</vcpu>\n"
				  "  <devices>\n" CHANNEL
				  "    <emulator>/usr/bin/qemu-system-x86_64"
				  "</emulator>\n"
				  "    <memballoon model='virtio'>\n"
				  "      <address type='pci' "
				  "domain='0x0000'/>\n"
				  "    </memballoon>\n"
				  "  </devices>\n"
				  "</domain>\n");
}

/* As the two ends of a long definition: two hunks, each with its own lines. */
static void test_far_apart(void **state)
{
	static const char middle[] = "  <os>\n"
				     "    <type>hvm</type>\n"
				     "    <boot dev='hd'/>\n"
				     "  </os>\n"
				     "  <!-- mine, \"kept\" as it is -->\n"
				     "  <clock offset='utc'/>\n"
				     "  <on_reboot>restart</on_reboot>\n"
				     "  <on_crash>destroy</on_crash>\n";
	char xml[4096], mended[4096];

	(void)state;
	snprintf(xml, sizeof(xml), HEAD "%s" WITH_CHANNEL, middle, "on");
	snprintf(mended, sizeof(mended), HEAD SHARED "%s" WITH_CHANNEL, middle,
		 "off");
	expect_mended(xml, mended);
}

static void test_backing(void **state)
{
	static const struct {
		const char *before;
		const char *after;
	} cases[] = {
		/* Only private. */
		{ "    <source type='memfd'/>\n",
		  "    <access mode='shared'/>\n"
		  "    <source type='memfd'/>\n" },
		{ "    <source type='memfd'/>\n"
		  "    <access mode='private'/>\n",
		  "    <access mode='shared'/>\n"
		  "    <source type='memfd'/>\n" },
		/* Only of a file, by its word or for want of another. */
		{ "    <access mode='shared'/>\n",
		  "    <source type='memfd'/>\n"
		  "    <access mode='shared'/>\n" },
		{ "    <source type='file'/>\n"
		  "    <access mode='shared'/>\n",
		  "    <source type='memfd'/>\n"
		  "    <access mode='shared'/>\n" },
		/* Huge pages are a source, and stay. */
		{ "    <hugepages>\n"
		  "      <page size='2048' unit='KiB'/>\n"
		  "    </hugepages>\n",
		  "    <access mode='shared'/>\n"
		  "    <hugepages>\n"
		  "      <page size='2048' unit='KiB'/>\n"
		  "    </hugepages>\n" },
		{ "    <hugepages>\n"
		  "      <page size='2048' unit='KiB'/>\n"
		  "      <page size='1048576' unit='KiB' nodeset='1'/>\n"
		  "    </hugepages>\n",
		  "    <access mode='shared'/>\n"
		  "    <hugepages>\n"
		  "      <page size='2048' unit='KiB'/>\n"
		  "      <page size='1048576' unit='KiB' nodeset='1'/>\n"
		  "    </hugepages>\n" },
		{ "    <hugepages/>\n", "    <access mode='shared'/>\n"
					"    <hugepages/>\n" },
		/* Those of one cell are not of the others, and those of 4 KiB are none. */
		{ "    <hugepages>\n"
		  "      <page size='2048' unit='KiB' nodeset='0'/>\n"
		  "    </hugepages>\n",
		  "    <source type='memfd'/>\n"
		  "    <access mode='shared'/>\n"
		  "    <hugepages>\n"
		  "      <page size='2048' unit='KiB' nodeset='0'/>\n"
		  "    </hugepages>\n" },
		{ "    <hugepages>\n"
		  "      <page size='4' unit='KiB'/>\n"
		  "    </hugepages>\n",
		  "    <source type='memfd'/>\n"
		  "    <access mode='shared'/>\n"
		  "    <hugepages>\n"
		  "      <page size='4' unit='KiB'/>\n"
		  "    </hugepages>\n" },
		{ "    <hugepages>\n"
		  "      <page size='2048' unit='KiB'/>\n"
		  "      <page size='4' unit='KiB' nodeset='1'/>\n"
		  "    </hugepages>\n",
		  "    <source type='memfd'/>\n"
		  "    <access mode='shared'/>\n"
		  "    <hugepages>\n"
		  "      <page size='2048' unit='KiB'/>\n"
		  "      <page size='4' unit='KiB' nodeset='1'/>\n"
		  "    </hugepages>\n" },
		/* What the owner reserved is his. */
		{ "    <nosharepages/>\n"
		  "    <source type='anonymous'/>\n"
		  "    <allocation mode='immediate'/>\n",
		  "    <source type='memfd'/>\n"
		  "    <access mode='shared'/>\n"
		  "    <nosharepages/>\n"
		  "    <allocation mode='immediate'/>\n" },
	};
	char xml[4096], mended[4096];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		snprintf(
			xml, sizeof(xml),
			HEAD
			"  <memoryBacking>\n%s  </memoryBacking>\n" WITH_CHANNEL,
			cases[i].before, "off");
		snprintf(
			mended, sizeof(mended),
			HEAD
			"  <memoryBacking>\n%s  </memoryBacking>\n" WITH_CHANNEL,
			cases[i].after, "off");
		expect_mended(xml, mended);
	}
}

static void test_cells(void **state)
{
#define CELLS(access)                                              \
	HEAD SHARED "  <cpu mode='host-model'>\n"                  \
		    "    <numa>\n"                                 \
		    "      <cell id='0' cpus='0' memory='524288' " \
		    "unit='KiB' memAccess='" access "'/>\n"        \
		    "      <cell id='1' cpus='1' memory='524288' " \
		    "unit='KiB'/>\n"                               \
		    "    </numa>\n"                                \
		    "  </cpu>\n"                                   \
		    "  <devices>\n" CHANNEL "  </devices>\n"       \
		    "</domain>\n"
	(void)state;
	expect_mended(CELLS("private"), CELLS("shared"));
}

/* What an NVDIMM shares is its owner's file. */
static void test_memory_devices(void **state)
{
#define DEVICES(access)                                                     \
	HEAD SHARED "  <devices>\n" CHANNEL                                 \
		    "    <memory model='dimm' access='" access "'>\n"       \
		    "      <target/>\n"                                     \
		    "    </memory>\n"                                       \
		    "    <memory model='virtio-mem' access='" access "'>\n" \
		    "    </memory>\n"                                       \
		    "    <memory model='nvdimm' access='private'>\n"        \
		    "    </memory>\n"                                       \
		    "    <memory model='dimm'>\n"                           \
		    "    </memory>\n"                                       \
		    "  </devices>\n"                                        \
		    "</domain>\n"
	(void)state;
	expect_mended(DEVICES("private"), DEVICES("shared"));
}

static void test_no_patch(void **state)
{
	static const struct {
		const char *xml;
		int error;
	} cases[] = {
		{ "", -EBADMSG },
		{ "<domain", -EBADMSG },
		{ "<domain/>", -EBADMSG },
		{ "<!DOCTYPE d []><domain><devices/></domain>", -EBADMSG },
		{ "<network><devices/></network>", -EBADMSG },
		{ HEAD SHARED "  <devices>\n" CHANNEL "  </devices>\n</domain>",
		  -EALREADY },
		/* Not as libvirt writes it. */
		{ "<domain><memory>1</memory><devices></devices></domain>",
		  -ENOTSUP },
		{ HEAD "<devices/></domain>", -ENOTSUP },
		{ "<domain>\n<memory>1\n</memory>\n<devices>\n</devices>\n"
		  "</domain>\n",
		  -ENOTSUP },
		{ HEAD "<memoryBacking/>\n<devices>\n" CHANNEL
		       "</devices></domain>\n",
		  -ENOTSUP },
		{ HEAD "<memoryBacking><source type='file'/>\n"
		       "</memoryBacking>\n"
		       "<devices>\n" CHANNEL "</devices></domain>\n",
		  -ENOTSUP },
		{ HEAD "  <!--\n  <devices>\n  --> <devices>\n  </devices>\n"
		       "</domain>\n",
		  -ENOTSUP },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		strcpy(patch, "as it was");
		assert_int_equal(ebb_mend_definition(cases[i].xml, "x", patch,
						     sizeof(patch)),
				 cases[i].error);
		assert_string_equal(patch, "as it was");
	}
	assert_int_equal(ebb_mend_definition(HEAD TAIL, "x", patch, 100),
			 -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_lacks),
		cmocka_unit_test(test_far_apart),
		cmocka_unit_test(test_backing),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_memory_devices),
		cmocka_unit_test(test_no_patch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
