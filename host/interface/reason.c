/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/reason.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/interface/plain.h"

#define XML_SHARED                    \
	"<memoryBacking>\n"           \
	"  <source type='memfd'/>\n"  \
	"  <access mode='shared'/>\n" \
	"</memoryBacking>"

#define XML_HUGEPAGES                                            \
	"<memoryBacking>\n"                                      \
	"  <hugepages><page size='2' unit='MiB'/></hugepages>\n" \
	"  <source type='memfd'/>\n"                             \
	"  <access mode='shared'/>\n"                            \
	"</memoryBacking>"

#define XML_CHANNEL                                               \
	"<channel type='unix'>\n"                                 \
	"  <target type='virtio' name='" EBB_CHANNEL_NAME "'/>\n" \
	"</channel>"

static const struct {
	const char *name;
	const char *text;
	const char *remedy;
	const char *xml;
} reasons[] = {
	[EBB_REASON_NOT_RUNNING] = { "not-running", "The domain is not running",
				     "Start it: virsh start DOMAIN", NULL },
	[EBB_REASON_PROCESS_UNKNOWN] = { "process-unknown",
					 "The QEMU process of the domain could not be identified",
					 "Check that ebbd runs as root on the domain's host and that "
					 "qemu-run-dir in ebbd.conf is libvirt's",
					 NULL },
	[EBB_REASON_OTHER_CONTROLLER] = { "other-controller",
					  "Another ebbd holds the domain's lock",
					  "Stop the other ebbd; two must never punch one guest",
					  NULL },
	[EBB_REASON_QUARANTINED] = { "quarantined",
				     "The guest broke the rules of the lease",
				     "Find out what runs in the guest; it leaves quarantine when "
				     "it is started anew",
				     NULL },
	[EBB_REASON_RUNG_FORBIDDEN] = { "rung-forbidden",
					"A rung that is open is not among those that the setting "
					"rungs allows",
					"Allow it: ebbctl set DOMAIN --rungs all, or mend rungs in "
					"ebbd.conf",
					NULL },
	[EBB_REASON_CONFIDENTIAL] = { "confidential-guest",
				      "The guest's memory is encrypted (SEV, TDX)",
				      "None: private pages cannot be discarded from outside",
				      NULL },
	[EBB_REASON_VFIO] = { "vfio-device",
			      "A passed-through device pins the guest's memory",
			      "Use a virtio device in its place, or leave this guest to "
			      "itself",
			      NULL },
	[EBB_REASON_VDPA] = { "vdpa-device",
			      "A vDPA device pins the guest's memory",
			      "Use a virtio-net device with vhost in its place",
			      NULL },
	[EBB_REASON_VHOST_USER] = { "vhost-user-device",
				    "Another process may have the guest's memory pinned (vhost-user, vfio-user)",
				    "Use a device that QEMU or the kernel serves",
				    NULL },
	[EBB_REASON_PEERS_UNKNOWN] = { "peers-unknown",
				       "Which processes use the guest's memory is not known",
				       "End the process that is named, or let ebbd read its "
				       "/proc/PID; or give the guest no vhost-user device",
				       NULL },
	[EBB_REASON_ARGUMENTS_UNKNOWN] = { "arguments-unknown",
					   "QEMU's command line is not understood and may have any "
					   "device",
					   "Take the argument out of <qemu:commandline>, or give the "
					   "guest the device by the domain's XML",
					   NULL },
	[EBB_REASON_NVDIMM] = { "persistent-memory",
				"The guest has persistent memory, whose content must stay",
				"Give the guest a disk in place of the NVDIMM or virtio-pmem "
				"device",
				NULL },
	[EBB_REASON_LOCKED_MEMORY] = { "locked-memory",
				       "The guest's memory is locked in RAM",
				       "Remove <locked/> from <memoryBacking>, or leave this guest to "
				       "itself",
				       NULL },
	[EBB_REASON_RESERVED_MEMORY] = { "reserved-memory",
					 "The guest's owner reserved memory or processors for it",
					 "Leave this guest to itself, or let it share its memory all "
					 "the same: ebbctl set DOMAIN --reserved share",
					 NULL },
	[EBB_REASON_PRIVATE_MEMORY] = { "private-memory",
					"The guest's memory is private to its QEMU process",
					"Give the domain shared memory (virsh edit DOMAIN), shut it "
					"down and start it again",
					XML_SHARED },
	[EBB_REASON_BACKING_ON_DISK] = { "backing-on-disk",
					 "The guest's memory is a file on a disk file system",
					 "Use memfd, hugetlbfs or a directory on tmpfs",
					 XML_SHARED },
	[EBB_REASON_TOO_MANY_PARTS] = { "too-many-parts",
					"The guest's memory has more parts than Ebb keeps apart",
					"Give the domain at most 64 NUMA cells and 64 memory devices, "
					"in at most 64 files",
					NULL },
	[EBB_REASON_PAGES_TOO_LARGE] = { "pages-too-large",
					 "The guest's memory has pages that are larger than what a "
					 "guest's kernel gives at a time",
					 "Back the guest with huge pages of 2 MiB, shut it down and "
					 "start it again",
					 XML_HUGEPAGES },
	[EBB_REASON_NO_CHANNEL] = { "no-channel",
				    "The domain has no channel to an agent",
				    "Add the channel (virsh attach-device DOMAIN FILE --config; "
				    "with --live, too, while it runs)",
				    XML_CHANNEL },
	[EBB_REASON_GUEST_PAUSED] = { "guest-paused", "The guest is paused",
				      "Let it run on: virsh resume DOMAIN",
				      NULL },
	[EBB_REASON_GUEST_BOOTING] = { "guest-booting",
				       "The guest was started a short while ago and no ebb-agent "
				       "answers yet",
				       "Wait until it has booted; if it stays so, see there: "
				       "systemctl status ebb-agent",
				       NULL },
	[EBB_REASON_AGENT_SILENT] = { "agent-silent",
				      "The ebb-agent in the guest answered before and does so no "
				      "more",
				      "See whether the guest hangs (its console, virsh domstate "
				      "--reason DOMAIN) or only its agent: systemctl status "
				      "ebb-agent",
				      NULL },
	[EBB_REASON_NO_AGENT] = { "no-agent",
				  "No ebb-agent answers in the guest",
				  "In the guest, install ebb-guest and start it: systemctl "
				  "enable --now ebb-agent",
				  NULL },
	[EBB_REASON_AGENT_VERSION] = { "agent-version",
				       "ebb.ko in the guest speaks another version of the interface",
				       "Install the same version of Ebb in guest and host",
				       NULL },
	[EBB_REASON_NO_MODULE] = { "no-module",
				   "ebb.ko is not loaded in the guest",
				   "In the guest, once it is installed: modprobe ebb",
				   NULL },
	[EBB_REASON_PAGE_POISONING] = { "page-poisoning",
					"The guest poisons its free pages and would find them changed",
					"Boot the guest without page_poison=1",
					NULL },
	[EBB_REASON_REPORTING_BUSY] = { "page-reporting-busy",
					"virtio-balloon holds the guest kernel's page reporting",
					"Set freePageReporting='off' and start the domain again",
					"<memballoon model='virtio' freePageReporting='off'/>" },
	[EBB_REASON_MAP_UNPROVEN] = { "map-unproven",
				      "The guest's memory was not found in the domain's files",
				      "Report this with the domain's XML; nothing was touched",
				      NULL },
	[EBB_REASON_RING_INVALID] = { "ring-invalid",
				      "The guest's ring is not what ebb.ko makes",
				      "Load ebb.ko again in the guest: rmmod ebb; modprobe ebb",
				      NULL },
	[EBB_REASON_NO_BALLOON] = { "no-balloon",
				    "The guest's balloon cannot be used",
				    "Wait until the guest has booted; if it stays so, see that "
				    "its driver is there (in Linux: modprobe virtio_balloon)",
				    NULL },
	[EBB_REASON_LIBVIRT_JOB] = { "libvirt-job",
				     "A libvirt job works on the domain's memory",
				     "Wait for it to end: virsh domjobinfo DOMAIN",
				     NULL },
	[EBB_REASON_NO_SWAP] = { "no-swap",
				 "The host has no swap to page out to",
				 "Give the host swap on a disk (mkswap, swapon), which "
				 "opens rung pageout, or mend what closes the "
				 "better rungs",
				 NULL },
	[EBB_REASON_INTERNAL] = { "internal-error",
				  "ebbd could not examine the domain",
				  "See the log of ebbd", NULL },
};

static_assert(EBB_ARRAY_SIZE(reasons) == EBB_REASON_COUNT,
	      "each reason has its words");

/* Returns where it is in the list's details, or 0. */
__attribute__((__format__(__printf__, 2, 0))) static uint32_t
add_detail(struct ebb_reason_list *list, const char *format, va_list args)
{
	uint32_t at = 1 + list->details_bytes;
	size_t room = sizeof(list->details) - at;

	if (room > EBB_STRING_BYTES_MAX)
		room = EBB_STRING_BYTES_MAX;
	if (room < 2)
		return 0;
	vsnprintf(&list->details[at], room, format, args);
	ebb_plain_utf8(&list->details[at]);
	list->details_bytes += (uint32_t)strlen(&list->details[at]) + 1;
	return at;
}

void ebb_reason_add(struct ebb_reason_list *list, enum ebb_reason_id id,
		    const char *format, ...)
{
	va_list args;
	uint32_t at = 0;

	if (ebb_reason_has(list, id))
		return;
	if (format) {
		va_start(args, format);
		at = add_detail(list, format, args);
		va_end(args);
	}
	list->items[list->count].id = id;
	list->items[list->count].detail_at = at;
	list->count++;
}

const char *ebb_reason_detail(const struct ebb_reason_list *list,
			      uint32_t index)
{
	return &list->details[list->items[index].detail_at];
}

bool ebb_reason_has(const struct ebb_reason_list *list, enum ebb_reason_id id)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].id == id)
			return true;
	return false;
}

const char *ebb_reason_name(enum ebb_reason_id id)
{
	return reasons[id].name;
}

void ebb_reason_render(const struct ebb_reason_list *list, uint32_t index,
		       struct ebb_reason *ret_reason)
{
	enum ebb_reason_id id = list->items[index].id;
	const char *detail = ebb_reason_detail(list, index);

	memset(ret_reason, 0, sizeof(*ret_reason));
	snprintf(ret_reason->name, sizeof(ret_reason->name), "%s",
		 reasons[id].name);
	snprintf(ret_reason->text, sizeof(ret_reason->text), "%s%s%s%s",
		 reasons[id].text, *detail ? " (" : "", detail,
		 *detail ? ")" : "");
	snprintf(ret_reason->remedy, sizeof(ret_reason->remedy), "%s",
		 reasons[id].remedy);
	if (reasons[id].xml)
		snprintf(ret_reason->xml, sizeof(ret_reason->xml), "%s",
			 reasons[id].xml);
}

static int compare_items(const void *a, const void *b)
{
	const enum ebb_reason_id *left = a, *right = b;

	return (int)*left - (int)*right;
}

uint32_t ebb_reason_render_all(const struct ebb_reason_list *list,
			       struct ebb_reason *ret_reasons)
{
	uint32_t count = list->count < EBB_REASON_MAX ? list->count
						      : EBB_REASON_MAX;

	for (uint32_t i = 0; i < count; i++)
		ebb_reason_render(list, i, &ret_reasons[i]);
	return count;
}

void ebb_reason_sort(struct ebb_reason_list *list)
{
	static_assert(offsetof(struct ebb_reason_list, items[0].id) ==
			      offsetof(struct ebb_reason_list, items),
		      "compare_items() reads the id first");
	qsort(list->items, list->count, sizeof(list->items[0]), compare_items);
}
