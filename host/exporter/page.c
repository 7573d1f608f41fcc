/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/exporter/page.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/exporter/budgets.h"
#include "host/exporter/domains.h"
#include "host/exporter/row.h"
#include "host/interface/status.h"

void exp_round_clear(struct exp_round *round)
{
	for (int i = 0; i < EXP_ANSWER_COUNT; i++)
		json_object_put(round->answers[i]);
	*round = (struct exp_round){ 0 };
}

/* ---- ebbd ---- */

static void print_info(const struct exp_row *row, const char *labels,
		       const void *message, struct exp_text *lines)
{
	const struct ebb_daemon_status *status = message;
	struct exp_text all = { 0 };

	(void)labels;
	exp_text_label(&all, "version", status->version);
	exp_text_label(&all, "uri", status->uri);
	exp_sample_add(lines, row->name, exp_text_get(&all), 1);
	lines->failed |= all.failed;
	exp_text_clear(&all);
}

/* It came later than its message; and no turn is known where none is named. */
static bool has_longest(const void *message)
{
	const struct ebb_daemon_status *status = message;

	return status->loop_away_in[0];
}

#define ROW(name_, unit_, field_, known_, help_)                      \
	{                                                             \
		.name = (name_), .help = (help_), .unit = (unit_),    \
		.offset = offsetof(struct ebb_daemon_status, field_), \
		.known = (known_)                                     \
	}

static const struct exp_row daemon_rows[] = {
	{ .name = "ebb_info",
	  .help = "The version of ebbd, and the libvirt that it serves; "
		  "always 1.",
	  .print = print_info },
	ROW("ebb_libvirt_connected", EXP_BOOL, libvirt_connected, NULL,
	    "Whether ebbd has a connection to libvirtd."),
	ROW("ebb_running_domains", EXP_U32, domain_count, NULL,
	    "Domains that run."),
	ROW("ebb_lease_domains", EXP_U32, lease_count, NULL,
	    "Of these, domains on rung lease."),
	ROW("ebb_loop_away_max_seconds", EXP_US, loop_away_max_us, has_longest,
	    "The longest that ebbd's event loop was away since it started."),
};

static void print_live_daemon(const struct ebb_daemon_status *status,
			      struct exp_text *live)
{
	exp_text_member(live, "ebbd");
	exp_text_add(live, "{");
	exp_text_member(live, "version");
	exp_text_string(live, status->version);
	exp_text_member(live, "uri");
	exp_text_string(live, status->uri);
	exp_rows_json(daemon_rows, EBB_ARRAY_SIZE(daemon_rows), "ebb_", status,
		      live);
	exp_text_add(live, "}");
}

static int print_daemon(const struct json_object *answer, struct exp_page *page,
			struct exp_text *live, struct ebb_msg_error *ret_error)
{
	struct ebb_daemon_status status;
	struct exp_sheet sheet;
	int r = ebb_msg_decode(answer, ebb_daemon_status_fields, &status,
			       sizeof(status), ret_error);

	if (r < 0)
		return r;
	snprintf(ret_error->text, sizeof(ret_error->text), "out of memory");
	r = exp_sheet_init(&sheet, daemon_rows, EBB_ARRAY_SIZE(daemon_rows));
	if (r < 0)
		return r;
	exp_sheet_add(&sheet, "", &status);
	exp_sheet_print(&sheet, &page->metrics);
	exp_sheet_clear(&sheet);
	if (live)
		print_live_daemon(&status, live);
	if (!status.libvirt_connected && !page->trouble[0])
		snprintf(page->trouble, sizeof(page->trouble),
			 "ebbd has no connection to libvirtd. See: systemctl "
			 "status libvirtd");
	return 0;
}

/* ---- all ---- */

/* Its members follow others: they begin with a comma. */
static int make_kept(const struct json_object *answer, struct exp_kept *kept,
		     struct ebb_msg_error *ret_error)
{
	int r;

	exp_kept_clear(kept);
	r = exp_budgets_print(answer, &kept->metrics, &kept->live, ret_error);
	if (r == 0)
		r = exp_shares_print(answer, &kept->metrics, &kept->live,
				     ret_error);
	if (r < 0)
		exp_kept_clear(kept);
	return r;
}

static int print_policy(const struct exp_round *round, struct exp_kept *kept,
			struct exp_page *page, struct exp_text *live,
			struct ebb_msg_error *ret_error)
{
	int r = round->policy_was_kept ? 0
				       : make_kept(round->answers[EXP_POLICY],
						   kept, ret_error);

	if (r < 0)
		return r;
	exp_kept_add(kept, round->policy_age_ms, &page->metrics, live);
	return 0;
}

static int print_answer(enum exp_question question,
			const struct exp_round *round, struct exp_kept *kept,
			struct exp_page *page, struct exp_text *live,
			struct ebb_msg_error *ret_error)
{
	const struct json_object *answer = round->answers[question];

	switch (question) {
	case EXP_DAEMON:
		return print_daemon(answer, page, live, ret_error);
	case EXP_DOMAINS:
		return exp_domains_print(answer, &page->metrics, live,
					 ret_error);
	case EXP_POLICY:
		return print_policy(round, kept, page, live, ret_error);
	case EXP_PAST:
	case EXP_ANSWER_COUNT:
		break;
	}
	return 0;
}

static void print_metric(struct exp_text *text, const char *name,
			 const char *type, const char *help)
{
	exp_text_add(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		     type);
}

static void print_own(const struct exp_round *round,
		      const struct exp_counts *counts,
		      const bool answered[EXP_QUESTION_COUNT],
		      struct exp_text *text)
{
	print_metric(text, "ebb_up", "gauge",
		     "Whether ebbd answered; if it did not, there is nothing "
		     "else of it.");
	exp_sample_add(text, "ebb_up", "", answered[EXP_DAEMON]);
	print_metric(text, "ebb_exporter_info", "gauge",
		     "The version of ebb-exporter; always 1.");
	exp_sample_add(text, "ebb_exporter_info",
		       "version=\"" PACKAGE_VERSION "\"", 1);
	print_metric(text, "ebb_exporter_answered", "gauge",
		     "Whether the answer to a question to ebbd came, and was "
		     "understood.");
	for (int i = 0; i < EXP_QUESTION_COUNT; i++)
		exp_text_add(text,
			     "ebb_exporter_answered{question=\"%s\"} %d\n",
			     exp_question_name((enum exp_question)i),
			     answered[i]);
	print_metric(text, "ebb_exporter_round_seconds", "gauge",
		     "How long ebbd took to answer all questions.");
	exp_text_add(text, "ebb_exporter_round_seconds %u.%06u\n",
		     round->took_us / 1000000, round->took_us % 1000000);
	print_metric(text, "ebb_exporter_rounds_total", "counter",
		     "How often ebbd was asked.");
	exp_sample_add(text, "ebb_exporter_rounds_total", "", counts->rounds);
	print_metric(text, "ebb_exporter_failures_total", "counter",
		     "How often not each answer came and was understood.");
	exp_sample_add(text, "ebb_exporter_failures_total", "",
		       counts->failures);
}

static void begin_live(struct exp_text *live)
{
	exp_text_add(live, "{");
	exp_text_member(live, "exporter_version");
	exp_text_string(live, PACKAGE_VERSION);
}

static void end_live(const struct exp_page *page, struct exp_text *live)
{
	exp_text_member(live, "up");
	exp_text_add(live, page->up ? "true" : "false");
	exp_text_member(live, "trouble");
	exp_text_string(live, page->trouble);
	exp_text_add(live, "}\n");
}

void exp_page_make(const struct exp_round *round, struct exp_counts *counts,
		   bool live, struct exp_kept *kept, struct exp_page *ret_page)
{
	bool answered[EXP_QUESTION_COUNT] = { false }, all = true;
	struct exp_page page = { 0 };
	struct ebb_msg_error error;

	snprintf(page.trouble, sizeof(page.trouble), "%s", round->error);
	if (live)
		begin_live(&page.live);
	for (int i = 0; i < EXP_QUESTION_COUNT; i++) {
		enum exp_question question = (enum exp_question)i;
		bool came = round->answers[i] ||
			    (question == EXP_POLICY && round->policy_was_kept);

		answered[i] = came && print_answer(question, round, kept, &page,
						   live ? &page.live : NULL,
						   &error) == 0;
		if (came && !answered[i] && !page.trouble[0])
			snprintf(page.trouble, sizeof(page.trouble),
				 "ebbd's answer to %s does not fit: %.200s. "
				 "Install ebb-exporter and ebbd of the same "
				 "version",
				 exp_question_name(question), error.text);
		all &= answered[i];
	}
	if (!answered[EXP_POLICY])
		exp_kept_clear(kept);
	page.up = answered[EXP_DAEMON];
	if (live)
		end_live(&page, &page.live);
	counts->rounds++;
	counts->failures += !all;
	print_own(round, counts, answered, &page.metrics);
	*ret_page = page;
}

void exp_page_clear(struct exp_page *page)
{
	exp_text_clear(&page->metrics);
	exp_text_clear(&page->live);
	*page = (struct exp_page){ 0 };
}
