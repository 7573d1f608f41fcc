/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe_parts.h"

#include <errno.h>

#include "common/cleanup.h"

/* Without it, as far as is known, the host asks the balloon to hold nothing. */
static void examine_definition(struct ebb_probe_context *context)
{
	char *xml ebb_auto_free = NULL;

	if (ebb_domain_definition(context->order->domain, &xml) == 0)
		ebb_domxml_take_definition(&context->probe->domxml, xml);
}

/*
 * The domain's own settings forbid rungs from the first look on: the vm has them only
 * after that, and a ring that was attached once keeps the lock.
 */
static void obey_metadata(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	const struct ebb_settings *own = &probe->domxml.metadata.settings;

	if (ebb_settings_has(own, EBB_SETTING_RUNGS))
		probe->forbidden |= EBB_RUNGS_NAMED & ~own->values.rungs;
}

static bool keeps_reserved(const struct ebb_probe_context *context)
{
	const struct ebb_settings *own =
		&context->probe->domxml.metadata.settings;

	return !context->order->share_reserved ||
	       (ebb_settings_has(own, EBB_SETTING_RESERVED) &&
		own->values.reserved == EBB_RESERVED_KEEP);
}

int ebb_probe_examine_xml(struct ebb_probe_context *context)
{
	struct ebb_probe *probe = context->probe;
	char *xml ebb_auto_free = NULL;
	enum ebb_domain_state state;
	int r;

	state = ebb_domain_ask_state(context->order->domain);
	probe->running = ebb_domain_state_is_active(state);
	probe->paused = state == EBB_DOMAIN_PAUSED ||
			state == EBB_DOMAIN_PMSUSPENDED;
	if (state == EBB_DOMAIN_UNKNOWN) {
		ebb_probe_add_reason(context, EBB_REASON_INTERNAL,
				     "libvirt did not give its state");
		return -ENOTCONN;
	}
	if (!probe->running) {
		ebb_probe_add_reason(context, EBB_REASON_NOT_RUNNING, NULL);
		return -ENOENT;
	}
	r = ebb_domain_xml(context->order->domain, &xml);
	if (r == 0)
		r = ebb_domxml_parse(xml, &probe->domxml, &probe->reasons);
	if (r == -E2BIG) {
		ebb_probe_add_reason(context, EBB_REASON_TOO_MANY_PARTS, NULL);
		return r;
	}
	if (r < 0) {
		ebb_probe_add_reason(context, EBB_REASON_INTERNAL,
				     r == -ENOTCONN
					     ? "libvirt did not give its XML"
					     : "its XML was not understood");
		return r;
	}
	examine_definition(context);
	obey_metadata(context);
	if (*probe->domxml.reserved && keeps_reserved(context))
		ebb_probe_add_reason(context, EBB_REASON_RESERVED_MEMORY,
				     probe->domxml.reserved);
	if (probe->domxml.free_page_reporting)
		ebb_probe_add_reason(context, EBB_REASON_REPORTING_BUSY,
				     "freePageReporting='on'");
	return 0;
}
