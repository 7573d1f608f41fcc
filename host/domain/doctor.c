/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/size.h"
#include "common/u64.h"

#define REASONS_MAX 7

/*
 * The checks, in the order in which one rests on another: where one fails,
 * those that need it were not looked at, unless a reason is known anyway. A
 * reason belongs to one check.
 */
static const struct {
	const char *name;
	const char *ok;
	bool stops; /* what comes after cannot be known */
	bool defined; /* but this can, by the definition of one that is off */
	uint32_t reason_count;
	enum ebb_reason_id reasons[REASONS_MAX];
} checks[] = {
	{ "running",
	  "The domain runs and its QEMU process is known",
	  true,
	  false,
	  3,
	  { EBB_REASON_NOT_RUNNING, EBB_REASON_PROCESS_UNKNOWN,
	    EBB_REASON_INTERNAL } },
	{ "devices",
	  "No device pins the guest's memory",
	  false,
	  true,
	  7,
	  { EBB_REASON_VFIO, EBB_REASON_VDPA, EBB_REASON_VHOST_USER,
	    EBB_REASON_PEERS_UNKNOWN, EBB_REASON_ARGUMENTS_UNKNOWN,
	    EBB_REASON_NVDIMM, EBB_REASON_CONFIDENTIAL } },
	{ "memory-lock",
	  "The guest's memory is not locked",
	  false,
	  true,
	  1,
	  { EBB_REASON_LOCKED_MEMORY } },
	{ "reserved-memory",
	  "Its owner reserved no memory or processors that Ebb leaves alone",
	  false,
	  true,
	  1,
	  { EBB_REASON_RESERVED_MEMORY } },
	{ "memory-backing",
	  "The guest's memory is shared and can be discarded",
	  false,
	  true,
	  4,
	  { EBB_REASON_PRIVATE_MEMORY, EBB_REASON_BACKING_ON_DISK,
	    EBB_REASON_TOO_MANY_PARTS, EBB_REASON_PAGES_TOO_LARGE } },
	{ "page-reporting",
	  "The guest kernel's page reporting is free for ebb.ko",
	  false,
	  true,
	  1,
	  { EBB_REASON_REPORTING_BUSY } },
	{ "channel",
	  "The domain has a channel to the agent",
	  true,
	  true,
	  1,
	  { EBB_REASON_NO_CHANNEL } },
	{ "agent",
	  "ebb-agent answers",
	  true,
	  false,
	  4,
	  { EBB_REASON_GUEST_PAUSED, EBB_REASON_GUEST_BOOTING,
	    EBB_REASON_AGENT_SILENT, EBB_REASON_NO_AGENT } },
	{ "module",
	  "ebb.ko is loaded in the guest",
	  true,
	  false,
	  2,
	  { EBB_REASON_NO_MODULE, EBB_REASON_AGENT_VERSION } },
	{ "page-poisoning",
	  "The guest does not poison its free pages",
	  false,
	  false,
	  1,
	  { EBB_REASON_PAGE_POISONING } },
	{ "rungs",
	  "No rung that it could be on is forbidden",
	  false,
	  false,
	  2,
	  { EBB_REASON_RUNG_FORBIDDEN, EBB_REASON_NO_BALLOON } },
	/* Told where it is all that rung pageout lacks. */
	{ "swap", NULL, false, false, 1, { EBB_REASON_NO_SWAP } },
	{ "lease",
	  "The guest's memory is proven and its ring attached",
	  false,
	  false,
	  5,
	  { EBB_REASON_OTHER_CONTROLLER, EBB_REASON_QUARANTINED,
	    EBB_REASON_MAP_UNPROVEN, EBB_REASON_RING_INVALID,
	    EBB_REASON_LIBVIRT_JOB } },
};

static struct ebb_check *add_check(struct ebb_doctor *doctor, const char *name,
				   const char *status, const char *text)
{
	struct ebb_check *check = &doctor->checks[doctor->check_count++];

	snprintf(check->name, sizeof(check->name), "%s", name);
	snprintf(check->status, sizeof(check->status), "%s", status);
	snprintf(check->text, sizeof(check->text), "%s", text);
	return check;
}

/* A guest that boots is no fault: there is nothing to mend, and a time to look again. */
static void add_booting(const struct ebb_probe *probe, const char *name,
			struct ebb_doctor *doctor)
{
	uint64_t left_ns = ebb_u64_minus(probe->boot_end_ns, ebb_now_ns());
	char text[EBB_TEXT_BYTES_MAX];

	/* By then the domain is looked at anew by itself: see set_retry(). */
	snprintf(text, sizeof(text),
		 "The guest was started a short while ago and boots: look "
		 "again in %" PRIu64 " s",
		 left_ns / EBB_NS_PER_S + 1);
	add_check(doctor, name, "skip", text);
}

/* Adds what the reasons of a check say. Returns how many there were. */
static uint32_t add_failures(const struct ebb_probe *probe, size_t index,
			     struct ebb_doctor *doctor)
{
	uint32_t failures = 0;

	for (uint32_t i = 0; i < probe->reasons.count; i++) {
		for (uint32_t r = 0; r < checks[index].reason_count; r++) {
			struct ebb_reason reason;
			struct ebb_check *check;

			if (probe->reasons.items[i].id !=
			    checks[index].reasons[r])
				continue;
			failures++;
			if (checks[index].reasons[r] ==
			    EBB_REASON_GUEST_BOOTING) {
				add_booting(probe, checks[index].name, doctor);
				continue;
			}
			ebb_reason_render(&probe->reasons, i, &reason);
			check = add_check(doctor, checks[index].name, "fail",
					  reason.text);
			memcpy(check->remedy, reason.remedy,
			       sizeof(check->remedy));
			memcpy(check->xml, reason.xml, sizeof(check->xml));
		}
	}
	return failures;
}

/* From the worst to the best. */
enum paging {
	PAGING_SMALL, /* transparent huge pages do not fit */
	PAGING_NOT_ENABLED,
	PAGING_TRANSPARENT,
	PAGING_HUGE,
};

static enum paging paging_of(const struct ebb_backing *backing)
{
	if (backing->page_bytes >= 2 * EBB_MIB)
		return PAGING_HUGE;
	if (!backing->huge_fits)
		return PAGING_SMALL;
	return backing->huge_enabled ? PAGING_TRANSPARENT : PAGING_NOT_ENABLED;
}

/* Of a guest with several backings, that which is worst off. */
static const struct ebb_backing *
worst_backing(const struct ebb_guest_process *qemu)
{
	const struct ebb_backing *worst = &qemu->backings[0];

	for (uint32_t i = 1; i < qemu->backing_count; i++)
		if (paging_of(&qemu->backings[i]) < paging_of(worst))
			worst = &qemu->backings[i];
	return worst;
}

/* Small pages are no obstacle, but the operator should know their price. */
static void check_page_size(const struct ebb_probe *probe,
			    struct ebb_doctor *doctor)
{
	static const char *const says[] = {
		[PAGING_SMALL] = ", as transparent huge pages do not fit where "
				 "QEMU maps it",
		[PAGING_NOT_ENABLED] = ", as the host gives it no transparent "
				       "huge pages",
		[PAGING_TRANSPARENT] = ", and transparent huge pages where the "
				       "host has them",
		[PAGING_HUGE] = "",
	};
	const struct ebb_backing *worst = worst_backing(&probe->qemu);
	char text[EBB_TEXT_BYTES_MAX], size[EBB_SIZE_TEXT_BYTES];
	enum paging paging = paging_of(worst);
	struct ebb_check *check;

	snprintf(text, sizeof(text), "The backing has pages of %s%s",
		 ebb_size_format(worst->page_bytes, size, sizeof(size)),
		 says[paging]);
	check = add_check(doctor, "page-size",
			  paging >= PAGING_TRANSPARENT ? "ok" : "warn", text);
	if (paging == PAGING_NOT_ENABLED)
		snprintf(check->remedy, sizeof(check->remedy), "%s",
			 worst->kind == EBB_BACKING_MEMFD
				 ? "Let shared memory have huge pages: echo "
				   "advise >/sys/kernel/mm/"
				   "transparent_hugepage/shmem_enabled"
				 : "Let the file system of its memory have "
				   "huge pages: mount -o remount,huge=advise");
	if (paging != PAGING_SMALL)
		return;
	snprintf(check->remedy, sizeof(check->remedy),
		 "Back the guest with huge pages: it runs faster, grows again "
		 "at nearly its own speed, and reclaiming is many times faster "
		 "(for transparent ones, see ebbd(8))");
	snprintf(check->xml, sizeof(check->xml), "%s",
		 "<memoryBacking>\n"
		 "  <hugepages><page size='2' unit='MiB'/></hugepages>\n"
		 "  <source type='memfd'/>\n"
		 "  <access mode='shared'/>\n"
		 "</memoryBacking>");
}

/* Merging and paging out are two ways to the same memory: one has to be chosen. */
static void check_merged(const struct ebb_probe *probe,
			 struct ebb_doctor *doctor)
{
	char text[EBB_TEXT_BYTES_MAX];
	struct ebb_check *check;

	if (!probe->merged_known)
		return;
	if (probe->merged_bytes == 0) {
		add_check(doctor, "ksm", "ok",
			  "KSM has merged none of the guest's pages with "
			  "others");
		return;
	}
	snprintf(text, sizeof(text),
		 "KSM has merged %s of the guest's pages with others: rung "
		 "pageout leaves these in RAM, and what it pages out KSM "
		 "merges no more",
		 EBB_SIZE(probe->merged_bytes));
	check = add_check(doctor, "ksm", "warn", text);
	snprintf(check->remedy, sizeof(check->remedy), "%s",
		 "If merging saves more than that, keep this guest off "
		 "pageout: ebbctl set DOMAIN --rungs lease,report");
}

/* A domain that is off, whose files are nowhere yet. */
static void warn_of_files(struct ebb_doctor *doctor)
{
	struct ebb_check *check = add_check(
		doctor, "memory-backing", "warn",
		"The guest's memory will be files where libvirt keeps them "
		"(memory_backing_dir in qemu.conf): Ebb takes none of it if "
		"that is on a disk");

	snprintf(check->remedy, sizeof(check->remedy), "%s",
		 "Give it memfd as its source: ebbctl doctor --fix DOMAIN");
	snprintf(check->xml, sizeof(check->xml), "%s",
		 "<memoryBacking>\n"
		 "  <source type='memfd'/>\n"
		 "  <access mode='shared'/>\n"
		 "</memoryBacking>");
}

static const char *why_skipped(const struct ebb_probe *probe)
{
	const struct ebb_reason_list *reasons = &probe->reasons;

	return ebb_reason_has(reasons, EBB_REASON_GUEST_BOOTING) &&
			       !ebb_reason_has(reasons, EBB_REASON_NO_CHANNEL)
		       ? "Not looked at: the guest boots"
		       : "Not looked at: mend what failed before it";
}

/* Only an agent sees who has the guest kernel's page reporting. */
static const char *ok_text(const struct ebb_probe *probe, size_t index)
{
	if (!probe->have_info &&
	    checks[index].reasons[0] == EBB_REASON_REPORTING_BUSY)
		return "virtio-balloon's free page reporting is off (only an "
		       "agent can tell whether another driver has the guest "
		       "kernel's)";
	return checks[index].ok;
}

void ebb_doctor_examine(const struct ebb_probe *probe,
			struct ebb_doctor *ret_doctor)
{
	bool stopped = false;

	memset(ret_doctor, 0, sizeof(*ret_doctor));
	snprintf(ret_doctor->rung, sizeof(ret_doctor->rung), "%s",
		 probe->running ? ebb_rung_name(ebb_probe_rung(probe)) : "-");
	for (size_t i = 0; i < EBB_ARRAY_SIZE(checks); i++) {
		if (add_failures(probe, i, ret_doctor) > 0)
			stopped |= checks[i].stops;
		else if (stopped && checks[i].ok &&
			 !(probe->defined_only && checks[i].defined))
			add_check(ret_doctor, checks[i].name, "skip",
				  why_skipped(probe));
		else if (!checks[i].ok)
			continue;
		else if (probe->defined_only && probe->domxml.of_files &&
			 strcmp(checks[i].name, "memory-backing") == 0)
			warn_of_files(ret_doctor);
		else if (i + 1 < EBB_ARRAY_SIZE(checks) || probe->attached)
			add_check(ret_doctor, checks[i].name, "ok",
				  ok_text(probe, i));
		else
			add_check(ret_doctor, checks[i].name, "skip",
				  "Not tried: mend what failed before it");
	}
	if (probe->qemu.backing_count > 0)
		check_page_size(probe, ret_doctor);
	if (ebb_probe_rung(probe) == EBB_RUNG_PAGEOUT ||
	    ebb_reason_has(&probe->reasons, EBB_REASON_NO_SWAP))
		check_merged(probe, ret_doctor);
}

static void add_target(struct ebb_doctor *doctor, const char *status,
		       const char *text, const char *remedy)
{
	struct ebb_check *check =
		add_check(doctor, "free-target", status, text);

	snprintf(check->remedy, sizeof(check->remedy), "%s", remedy);
}

void ebb_doctor_examine_target(const struct ebb_probe *probe,
			       const char *mechanism, bool too_old,
			       struct ebb_doctor *doctor)
{
	static const char load[] = "Load ebb.ko in the guest: modprobe ebb";
	bool module = probe->info.module_loaded;

	if (mechanism[0])
		module = strcmp(mechanism, "module") == 0;
	if (!probe->have_info)
		add_target(doctor, "skip", why_skipped(probe), "");
	else if (too_old)
		add_target(doctor, "warn",
			   "The ebb-agent in the guest is too old to keep "
			   "memory free",
			   "Install ebb-agent of this version in the guest");
	else if (module)
		add_target(doctor, "ok",
			   "The guest can keep memory free, by ebb.ko "
			   "(module)",
			   "");
	else if (strcmp(mechanism, "none") == 0)
		add_target(doctor, "warn",
			   "The guest has nothing by which to keep memory free "
			   "(none)",
			   load);
	else
		add_target(doctor, "warn",
			   "The guest can keep memory free only by its "
			   "kernel's settings, without ebb.ko (knobs)",
			   load);
}

void ebb_doctor_examine_balloon(uint64_t balloon_bytes, uint64_t held_bytes,
				uint64_t memory_bytes,
				struct ebb_doctor *doctor)
{
	char text[EBB_TEXT_BYTES_MAX], held[64] = "";
	struct ebb_check *check;

	if (balloon_bytes == 0)
		return;
	if (held_bytes > 0)
		snprintf(held, sizeof(held), " (%s of it for Ebb)",
			 EBB_SIZE(held_bytes));
	snprintf(text, sizeof(text),
		 "A balloon holds %s of the guest's %s, which the guest cannot "
		 "use%s: percentages are of the rest",
		 EBB_SIZE(balloon_bytes), EBB_SIZE(memory_bytes), held);
	check = add_check(doctor, "balloon", "warn", text);
	if (held_bytes > 0) {
		snprintf(check->remedy, sizeof(check->remedy),
			 "To let the guest have back what it holds for Ebb: "
			 "ebbctl deflate DOMAIN");
		return;
	}
	snprintf(check->remedy, sizeof(check->remedy),
		 "To let the guest have it back: virsh setmem DOMAIN "
		 "%" PRIu64 "K --live",
		 memory_bytes / EBB_KIB);
}

void ebb_doctor_examine_pause(const char *name, struct ebb_doctor *doctor)
{
	struct ebb_check *check =
		add_check(doctor, "policy", "warn",
			  *name ? "The policy is paused for this domain: ebbd "
				  "takes nothing of it by itself"
				: "The policy is paused: ebbd takes nothing of "
				  "any domain by itself");

	snprintf(check->remedy, sizeof(check->remedy),
		 "To have it go on: ebbctl policy resume%s%s", *name ? " " : "",
		 name);
}

void ebb_doctor_examine_silence(bool looked_at, const char *text,
				const char *remedy, struct ebb_doctor *doctor)
{
	struct ebb_check *check;

	for (uint32_t i = 0; !looked_at && i < doctor->check_count; i++) {
		check = &doctor->checks[i];
		strcpy(check->status, "skip");
		strcpy(check->text, "Not looked at yet");
		check->remedy[0] = '\0';
		check->xml[0] = '\0';
	}
	check = add_check(doctor, "libvirt", "fail", text);
	snprintf(check->remedy, sizeof(check->remedy), "%s", remedy);
}
