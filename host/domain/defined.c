/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/defined.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/domain/doctor.h"
#include "host/domain/listing.h"
#include "host/domain/next_start.h"
#include "host/domain/probe.h"
#include "host/domain/refusal_answer.h"
#include "host/interface/plain.h"
#include "host/libvirt/mend.h"

/* Of a call that waits for a definition. @defaults: by ebbd.conf. @set: what is changed */
struct wait {
	struct ebb_call *call;
	struct ebb_fleet *fleet;
	char uuid[EBB_UUID_TEXT_BYTES];
	struct ebb_settings defaults;
	struct ebb_set_order set;
	char name[EBB_NAME_BYTES_MAX];
	char uri[EBB_URI_BYTES_MAX];
};

static void answer_error(const struct wait *wait, int error)
{
	if (error == -ENODATA)
		ebb_call_error(wait->call, "InvalidArgument",
			       "Domain '%s' has no definition (it is "
			       "transient); change the XML that it is made "
			       "from",
			       wait->name);
	else if (error == -ENOENT)
		ebb_call_error(wait->call, "DomainNotFound",
			       "No domain '%s'; see: virsh list --all",
			       wait->name);
	else if (error == -ENOMEM)
		ebb_call_error(wait->call, "GenericError", "out of memory");
	else
		ebb_call_error(wait->call, "LibvirtGone",
			       "libvirtd did not give the definition of '%s'; "
			       "see: systemctl status libvirtd",
			       wait->name);
}

/* Returns NULL if the call was answered. */
static struct wait *new_wait(struct ebb_fleet *fleet,
			     const struct ebb_roster_entry *entry,
			     struct ebb_call *call)
{
	struct wait *wait = calloc(1, sizeof(*wait));

	if (!wait) {
		ebb_call_error(call, "GenericError", "out of memory");
		return NULL;
	}
	wait->call = call;
	wait->fleet = fleet;
	snprintf(wait->uuid, sizeof(wait->uuid), "%s", entry->uuid);
	snprintf(wait->name, sizeof(wait->name), "%s", entry->name);
	snprintf(wait->uri, sizeof(wait->uri), "%s",
		 fleet->environment.config->uri);
	ebb_config_settings(fleet->environment.config, entry->name, entry->uuid,
			    &wait->defaults);
	return wait;
}

static void end_if_failed(struct wait *wait, int result)
{
	if (result == 0)
		return;
	answer_error(wait, result);
	free(wait);
}

static void ask_definition(struct wait *wait,
			   void (*done)(int result, const char *xml,
					void *opaque))
{
	end_if_failed(wait, ebb_virt_ask_definition(wait->fleet->virt,
						    wait->uuid, done, wait));
}

static void ask(struct ebb_fleet *fleet, const struct ebb_roster_entry *entry,
		struct ebb_call *call,
		void (*done)(int result, const char *xml, void *opaque))
{
	struct wait *wait = new_wait(fleet, entry, call);

	if (wait)
		ask_definition(wait, done);
}

/* ---- the doctor ---- */

static bool shares(const struct ebb_domxml *domxml,
		   const struct ebb_settings *defaults)
{
	const struct ebb_settings *own = &domxml->metadata.settings;

	if (!ebb_settings_has(own, EBB_SETTING_RESERVED))
		own = defaults;
	return own->values.reserved == EBB_RESERVED_SHARE;
}

/* What a look would find in the XML once the domain runs. */
static int look(const char *xml, const struct ebb_settings *defaults,
		struct ebb_probe *probe)
{
	int r = ebb_domxml_parse(xml, &probe->domxml, &probe->reasons);

	probe->defined_only = true;
	if (r == -E2BIG)
		ebb_reason_add(&probe->reasons, EBB_REASON_TOO_MANY_PARTS,
			       NULL);
	else if (r < 0)
		return r;
	ebb_reason_add(&probe->reasons, EBB_REASON_NOT_RUNNING, NULL);
	if (r < 0)
		return 0;
	if (!probe->domxml.shared)
		ebb_reason_add(&probe->reasons, EBB_REASON_PRIVATE_MEMORY,
			       NULL);
	if (!probe->domxml.own_channel && !probe->domxml.qga_channel)
		ebb_reason_add(&probe->reasons, EBB_REASON_NO_CHANNEL, NULL);
	if (probe->domxml.free_page_reporting)
		ebb_reason_add(&probe->reasons, EBB_REASON_REPORTING_BUSY,
			       "freePageReporting='on'");
	if (*probe->domxml.reserved && !shares(&probe->domxml, defaults))
		ebb_reason_add(&probe->reasons, EBB_REASON_RESERVED_MEMORY,
			       "%s", probe->domxml.reserved);
	return 0;
}

static void on_doctor(int result, const char *xml, void *opaque)
{
	struct wait *wait ebb_auto_free = opaque;
	struct ebb_probe *probe ebb_auto_free = malloc(sizeof(*probe));
	struct ebb_doctor *doctor ebb_auto_free = malloc(sizeof(*doctor));

	if (!probe || !doctor)
		result = -ENOMEM;
	if (result == 0) {
		ebb_probe_init(probe);
		result = look(xml, &wait->defaults, probe);
	}
	if (result < 0) {
		answer_error(wait, result);
		return;
	}
	ebb_doctor_examine(probe, doctor);
	memcpy(doctor->name, wait->name, sizeof(doctor->name));
	ebb_call_return(wait->call, ebb_msg_encode(ebb_doctor_fields, doctor));
}

void ebb_defined_doctor(struct ebb_fleet *fleet,
			const struct ebb_roster_entry *entry,
			struct ebb_call *call)
{
	ask(fleet, entry, call, on_doctor);
}

/* ---- what is known of it ---- */

/* One that cannot be read says nothing of its memory. */
static void show_definition(const char *xml,
			    const struct ebb_settings *defaults,
			    struct ebb_probe *probe,
			    struct ebb_domain_status *status)
{
	ebb_probe_init(probe);
	if (look(xml, defaults, probe) == 0) {
		status->known = true;
		status->memory_bytes = ebb_domxml_memory_bytes(&probe->domxml);
		ebb_reason_sort(&probe->reasons);
		status->reason_count =
			ebb_reason_render_all(&probe->reasons, status->reasons);
	}
	/* Also where its memory is of too many parts. */
	ebb_domxml_take_definition(&probe->domxml, xml);
	status->next_known = probe->domxml.next_known;
	if (!status->next_known)
		return;
	ebb_next_start_show(&probe->domxml.next, defaults, status->memory_bytes,
			    &status->next);
	ebb_target_format(&probe->domxml.next.target, status->next_target);
}

static void on_show(int result, const char *xml, void *opaque)
{
	struct wait *wait ebb_auto_free = opaque;
	const struct ebb_roster_entry *entry =
		ebb_roster_find(&wait->fleet->roster, wait->uuid);
	struct ebb_domain_status *status ebb_auto_free =
		malloc(sizeof(*status));
	struct ebb_probe *probe ebb_auto_free = malloc(sizeof(*probe));

	if (!status || !probe)
		result = -ENOMEM;
	else if (!entry)
		result = -ENOENT;
	if (result < 0) {
		answer_error(wait, result);
		return;
	}
	ebb_listing_fill(wait->fleet, entry, status);
	/* It may have been started meanwhile. */
	if (!entry->vm)
		show_definition(xml, &wait->defaults, probe, status);
	ebb_call_return(wait->call,
			ebb_msg_encode(ebb_domain_status_fields, status));
}

void ebb_defined_show(struct ebb_fleet *fleet,
		      const struct ebb_roster_entry *entry,
		      struct ebb_call *call)
{
	ask(fleet, entry, call, on_show);
}

/* ---- the patch ---- */

static void answer_unmended(const struct wait *wait, int error)
{
	if (error == -ENOMEM)
		ebb_call_error(wait->call, "GenericError", "out of memory");
	else
		ebb_call_error(wait->call, "GenericError",
			       "The definition of '%s' is not laid out as "
			       "libvirt does, so there is no patch; edit it by "
			       "hand: ebbctl doctor shows the XML, virsh edit",
			       wait->name);
}

static void on_fix(int result, const char *xml, void *opaque)
{
	struct wait *wait ebb_auto_free = opaque;
	struct ebb_fix *fix ebb_auto_free = calloc(1, sizeof(*fix));
	char file_name[EBB_NAME_BYTES_MAX];
	int r;

	if (!fix)
		result = -ENOMEM;
	if (result < 0) {
		answer_error(wait, result);
		return;
	}
	memcpy(fix->name, wait->name, sizeof(fix->name));
	memcpy(fix->uri, wait->uri, sizeof(fix->uri));
	memcpy(file_name, wait->name, sizeof(file_name));
	ebb_plain(file_name);
	r = ebb_mend_definition(xml, file_name, fix->patch, sizeof(fix->patch));
	if (r == 0 || r == -EALREADY)
		ebb_call_return(wait->call,
				ebb_msg_encode(ebb_fix_fields, fix));
	else
		answer_unmended(wait, r);
}

void ebb_defined_fix(struct ebb_fleet *fleet,
		     const struct ebb_roster_entry *entry,
		     struct ebb_call *call)
{
	ask(fleet, entry, call, on_fix);
}

/* ---- the settings ---- */

static void answer_unkept(const struct wait *wait, int error, const char *words)
{
	if (error == -EIO)
		ebb_call_error(wait->call, "GenericError",
			       "libvirt did not keep the setting: %s. Nothing "
			       "was changed",
			       words);
	else if (error == -EALREADY)
		ebb_call_error(
			wait->call, "GenericError",
			"The setting is kept for the next start of '%s', "
			"but its definition could not be read then; "
			"see: virsh dumpxml --inactive %s",
			wait->name, wait->name);
	else
		answer_error(wait, error);
}

static void on_set(int result, const char *text, void *opaque)
{
	struct wait *wait ebb_auto_free = opaque;
	struct ebb_domxml *domxml ebb_auto_free = calloc(1, sizeof(*domxml));
	struct ebb_set_result *set ebb_auto_free = calloc(1, sizeof(*set));
	const struct ebb_metadata *kept;

	/* However many parts its memory has. */
	if (result == 0 && domxml)
		ebb_domxml_take_definition(domxml, text);
	/* Whatever keeps it from being read, it is kept. */
	if (result == 0 && (!domxml || !domxml->next_known || !set))
		result = -EALREADY;
	if (result < 0) {
		answer_unkept(wait, result, text);
		return;
	}
	kept = &domxml->next;
	memcpy(set->name, wait->name, sizeof(set->name));
	ebb_next_start_show(kept, &wait->defaults, 0, &set->settings);
	if (kept->target.kind != EBB_TARGET_NONE)
		ebb_target_format(&kept->target, set->target.setting);
	ebb_set_order_show(&wait->set, &wait->defaults, set);
	ebb_call_return(wait->call, ebb_msg_encode(ebb_set_result_fields, set));
}

/* Whether it cannot hold at the next start, by the definition of now. */
static bool is_refused(const struct wait *wait, const struct ebb_domxml *domxml,
		       struct ebb_refusal *ret_refusal)
{
	uint64_t memory_bytes = ebb_domxml_memory_bytes(domxml);
	uint64_t missing_bytes =
		ebb_domxml_unplugged_bytes(domxml) + domxml->balloon_bytes;
	const struct ebb_set_place place = {
		.domxml = domxml,
		.layer = &domxml->metadata.settings,
		.defaults = &wait->defaults,
		.memory_bytes = memory_bytes,
		.usable_bytes = memory_bytes > missing_bytes
					? memory_bytes - missing_bytes
					: 0,
	};

	return ebb_set_order_is_refused(&wait->set, &place, ret_refusal);
}

/* One that is not understood is changed all the same: what it can hold is not known. */
static void on_asked(int result, const char *xml, void *opaque)
{
	struct ebb_metadata_change changes[EBB_METADATA_CHANGES_MAX];
	struct ebb_probe *probe ebb_auto_free = calloc(1, sizeof(*probe));
	struct wait *wait = opaque;
	struct ebb_refusal refusal;

	if (!probe)
		result = -ENOMEM;
	if (result == 0 &&
	    ebb_domxml_parse(xml, &probe->domxml, &probe->reasons) == 0 &&
	    is_refused(wait, &probe->domxml, &refusal)) {
		ebb_refusal_answer(&refusal, wait->call);
		free(wait);
		return;
	}
	if (result == 0)
		result = ebb_virt_change_definition(
			wait->fleet->virt, wait->uuid, changes,
			ebb_set_order_changes(&wait->set, changes), on_set,
			wait);
	end_if_failed(wait, result);
}

void ebb_defined_set(struct ebb_fleet *fleet,
		     const struct ebb_roster_entry *entry,
		     struct ebb_call *call, const struct ebb_set_order *set)
{
	struct wait *wait = new_wait(fleet, entry, call);

	if (!wait)
		return;
	wait->set = *set;
	ask_definition(wait, on_asked);
}
