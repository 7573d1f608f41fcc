/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/checkup/checks.h"
#include "host/config.h"

enum {
	/* Of the oldest that is run by the tests, as libvirt counts. */
	LIBVIRT_VERSION_MIN = 9000000
};

static void check_version(const struct ebb_checkup_picture *picture,
			  struct ebb_doctor *doctor)
{
	if (!*picture->ebbctl_version ||
	    strcmp(picture->ebbctl_version, PACKAGE_VERSION) == 0)
		ebb_check_add(
			doctor, "version", EBB_CHECK_OK, NULL,
			"ebbd and ebbctl are of version " PACKAGE_VERSION);
	else
		ebb_check_add(
			doctor, "version", EBB_CHECK_WARN,
			"Install both from the same packages and restart ebbd: "
			"systemctl restart ebbd",
			"ebbd is of version " PACKAGE_VERSION ", ebbctl of %s",
			picture->ebbctl_version);
}

static void check_config(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *doctor)
{
	if (*picture->config_error)
		ebb_check_add(
			doctor, "configuration", EBB_CHECK_FAIL,
			"Correct it, then: ebbctl reload. Until then ebbd goes on "
			"with what it read before, and would not start again",
			"%s", picture->config_error);
	else
		ebb_check_add(doctor, "configuration", EBB_CHECK_OK, NULL,
			      "The files of the configuration have no mistake");
}

static void check_sandbox(const struct ebb_checkup_start *start,
			  struct ebb_doctor *doctor)
{
	if (start->no_sandbox)
		ebb_check_add(
			doctor, "sandbox", EBB_CHECK_WARN,
			"Start ebbd without --no-sandbox",
			"ebbd kept all its privileges, as --no-sandbox says");
	else if (start->sandbox_error < 0)
		ebb_check_add(
			doctor, "sandbox", EBB_CHECK_WARN,
			"Start ebbd by its unit (systemctl start ebbd), on a "
			"kernel with seccomp",
			"ebbd could not give up all privileges that it does not "
			"need: %s",
			strerror(-start->sandbox_error));
	else
		ebb_check_add(
			doctor, "sandbox", EBB_CHECK_OK, NULL,
			"ebbd gave up the privileges that it does not need");
}

static void check_capabilities(const struct ebb_host_facts *facts,
			       struct ebb_doctor *doctor)
{
	static const struct {
		int number;
		const char *name;
		const char *use;
	} needed[] = {
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
		  "it cannot reach the memory of guests" },
		{ CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE",
		  "it cannot open the files behind the memory of guests" },
		{ CAP_SYS_NICE, "CAP_SYS_NICE", "rung pageout cannot be used" },
	};
	bool complete = true;

	if (!facts->capabilities_known) {
		ebb_check_add(doctor, "privileges", EBB_CHECK_SKIP, NULL,
			      "The capabilities of ebbd cannot be read");
		return;
	}
	for (size_t i = 0; i < EBB_ARRAY_SIZE(needed); i++) {
		if (facts->capabilities & UINT64_C(1) << needed[i].number)
			continue;
		complete = false;
		ebb_check_add(
			doctor, "privileges", EBB_CHECK_FAIL,
			"Run ebbd as root, by its unit: systemctl start ebbd",
			"ebbd lacks %s: %s", needed[i].name, needed[i].use);
	}
	if (complete)
		ebb_check_add(doctor, "privileges", EBB_CHECK_OK, NULL,
			      "ebbd has the capabilities that it needs");
}

/* The default read-group need not be there: who has no use for it has none. */
static bool misses_read_group(const struct ebb_checkup_picture *picture)
{
	return picture->start.read_group_missing &&
	       strcmp(picture->read_group, EBB_READ_GROUP) != 0;
}

static void check_access(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *doctor)
{
	const struct ebb_checkup_start *start = &picture->start;
	static const char missing[] =
		"Create the group, or name another in ebbd.conf, and restart "
		"ebbd";
	bool fine = true;

	if (*picture->group && start->group_missing) {
		fine = false;
		ebb_check_add(
			doctor, "access", EBB_CHECK_WARN, missing,
			"There is no group '%s' (group in ebbd.conf): only root "
			"can act by ebbctl",
			picture->group);
	}
	if (*picture->read_group && misses_read_group(picture)) {
		fine = false;
		ebb_check_add(
			doctor, "access", EBB_CHECK_WARN, missing,
			"There is no group '%s' (read-group in ebbd.conf): nobody "
			"may look who may not act",
			picture->read_group);
	}
	if (start->read_error < 0) {
		fine = false;
		ebb_check_add(
			doctor, "access", EBB_CHECK_WARN,
			"Give the socket a place on another file system, such as "
			"/run",
			"Members of group '%s' (read-group in ebbd.conf) cannot "
			"connect, as its socket takes no access control list: %s",
			picture->read_group, strerror(-start->read_error));
	}
	if (fine)
		ebb_check_add(
			doctor, "access", EBB_CHECK_OK, NULL,
			"Root%s%s may act%s%s",
			*picture->group ? " and group " : "", picture->group,
			*picture->read_group && !start->read_group_missing
				? ", and who may look is group "
				: "",
			start->read_group_missing ? "" : picture->read_group);
}

static void check_policy(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *doctor)
{
	const struct ebb_explain *head = &picture->budgets;

	if (!picture->budgets_known)
		return;
	if (!head->enabled)
		ebb_check_add(
			doctor, "policy", EBB_CHECK_WARN,
			"To turn it on: enabled = yes in [policy] of ebbd.conf",
			"The policy is off: ebbd takes nothing by itself");
	else if (head->dry_run)
		ebb_check_add(
			doctor, "policy", EBB_CHECK_WARN,
			"To have it act: dry-run = no in [policy] of ebbd.conf, "
			"and no --dry-run",
			"The policy decides and takes nothing (dry-run)");
	else if (head->paused)
		ebb_check_add(
			doctor, "policy", EBB_CHECK_WARN,
			"To have it go on: ebbctl policy resume",
			"The policy is paused: ebbd takes nothing by itself");
	else if (head->pause_count == 1 && head->pauses_left_out == 0)
		ebb_check_add(doctor, "policy", EBB_CHECK_WARN,
			      "To have it go on: ebbctl policy resume DOMAIN",
			      "The policy is on, and paused for %s",
			      *head->pauses[0].name ? head->pauses[0].name
						    : head->pauses[0].uuid);
	else if (head->pause_count + head->pauses_left_out > 0)
		ebb_check_add(doctor, "policy", EBB_CHECK_WARN,
			      "To see for which: ebbctl policy status",
			      "The policy is on, and paused for %u domains",
			      head->pause_count + head->pauses_left_out);
	else
		ebb_check_add(doctor, "policy", EBB_CHECK_OK, NULL,
			      "The policy is on");
}

/* ---- libvirt ---- */

static void check_libvirt(const struct ebb_checkup_picture *picture,
			  struct ebb_doctor *doctor)
{
	uint64_t version = picture->libvirt_version;
	char text[48] = "libvirt of an unknown version";

	if (!picture->libvirt_connected) {
		ebb_check_add(
			doctor, "libvirt", EBB_CHECK_FAIL,
			"Start it: systemctl start libvirtd (or virtqemud)",
			"ebbd has no connection to libvirtd (%s)",
			picture->uri);
		return;
	}
	if (picture->libvirt_silent) {
		ebb_check_add(
			doctor, "libvirt", EBB_CHECK_FAIL,
			"See what it does: systemctl status libvirtd; restart it "
			"if it hangs",
			"libvirtd does not answer (%s)", picture->uri);
		return;
	}
	if (version)
		snprintf(text, sizeof(text), "libvirt %u.%u.%u",
			 (unsigned int)(version / 1000000 % 1000),
			 (unsigned int)(version / 1000 % 1000),
			 (unsigned int)(version % 1000));
	if (version && version < LIBVIRT_VERSION_MIN)
		ebb_check_add(
			doctor, "libvirt", EBB_CHECK_WARN,
			"Use libvirt 9.0 or newer",
			"%s answers (%s): Ebb is not tested with one so old",
			text, picture->uri);
	else
		ebb_check_add(doctor, "libvirt", EBB_CHECK_OK, NULL,
			      "%s answers (%s)", text, picture->uri);
}

void ebb_check_ebbd(const struct ebb_checkup_picture *picture,
		    struct ebb_doctor *doctor)
{
	check_version(picture, doctor);
	check_config(picture, doctor);
	check_sandbox(&picture->start, doctor);
	check_capabilities(&picture->facts, doctor);
	check_access(picture, doctor);
	check_policy(picture, doctor);
	check_libvirt(picture, doctor);
}
