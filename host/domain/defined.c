/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/defined.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/domain/doctor.h"
#include "host/domain/probe.h"
#include "host/interface/plain.h"
#include "host/libvirt/mend.h"

/* Of a call that waits for a definition. @share: ebbd.conf lets it share what is reserved */
struct wait {
	struct ebb_call *call;
	bool share;
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

static void ask(struct ebb_fleet *fleet, const struct ebb_roster_entry *entry,
		struct ebb_call *call,
		void (*done)(int result, const char *xml, void *opaque))
{
	struct wait *wait = calloc(1, sizeof(*wait));
	struct ebb_settings settings;
	int r;

	if (!wait) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	wait->call = call;
	snprintf(wait->name, sizeof(wait->name), "%s", entry->name);
	snprintf(wait->uri, sizeof(wait->uri), "%s",
		 fleet->environment.config->uri);
	ebb_config_settings(fleet->environment.config, entry->name, entry->uuid,
			    &settings);
	wait->share = settings.values.reserved == EBB_RESERVED_SHARE;
	r = ebb_virt_ask_definition(fleet->virt, entry->uuid, done, wait);
	if (r == 0)
		return;
	answer_error(wait, r);
	free(wait);
}

/* ---- the doctor ---- */

static bool shares(const struct ebb_domxml *domxml, bool share)
{
	const struct ebb_settings *own = &domxml->metadata.settings;

	return ebb_settings_has(own, EBB_SETTING_RESERVED)
		       ? own->values.reserved == EBB_RESERVED_SHARE
		       : share;
}

/* What a look would find in the XML once the domain runs. */
static int look(const char *xml, bool share, struct ebb_probe *probe)
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
	if (*probe->domxml.reserved && !shares(&probe->domxml, share))
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
		result = look(xml, wait->share, probe);
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
