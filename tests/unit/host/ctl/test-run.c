/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl as it is when all is well: what it asks, prints and returns. */
#include <config.h>

#include "tests/unit/host/ctl/fake-ebbd.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/interface/explain.h"

static struct ebb_domain_status example_domain(void)
{
	return (struct ebb_domain_status){
		.name = "web\033[2J1",
		.uuid = "11111111-2222-3333-4444-555555555555",
		.state = "running",
		.rung = "observe",
		.phase = "ready",
		.known = true,
		.resident_known = true,
		.policy_paused = "no",
		.reason_count = 1,
		.reasons = { { .name = "private-memory",
			       .text = "The memory is private",
			       .remedy = "Share it",
			       .xml = "<memoryBacking>\n"
				      "  <access mode='shared'/>\n"
				      "</memoryBacking>" } },
		.agent_version = "0.1.0",
		.kernel = "6.1.0-56-amd64",
		.channel = "org.ebb.agent.0",
		.memory_bytes = 2 * EBB_GIB,
		.resident_bytes = 1536 * EBB_MIB,
		.swapped_bytes = 256 * EBB_MIB,
		.swapped_known = true,
		.lent_bytes = 256 * EBB_MIB,
		.lent_known = true,
		.free_bytes = EBB_GIB,
		.free_huge_bytes = 900 * EBB_MIB,
		.available_bytes = 1200 * EBB_MIB,
		.facts_age_ms = 1234,
		.reclaimed_bytes = 512 * EBB_MIB,
		.reclaim_runs = 1,
		.backing_count = 1,
		.backings = { { "memfd", 2 * EBB_GIB, 1536 * EBB_MIB,
				256 * EBB_MIB, true, 4096, 2 } },
		.node_count = 1,
		.nodes = { { 0, 2 * EBB_GIB, EBB_GIB, 900 * EBB_MIB } },
	};
}

static struct ebb_settings_status example_settings(void)
{
	return (struct ebb_settings_status){
		.count = 3,
		.items = { { "mode", "balanced", "default" },
			   { "min", "2G", "domain" },
			   { "shares", "5", "conf.d/a.conf:3" } },
		.trouble = "Mind this",
	};
}

/* Of @domain, the only one that runs. */
static void run_list(struct ebb_domain_status *domain)
{
	struct ebb_status_list list = { .domain_count = 1, .domains = domain };
	ebb_auto_free char *line =
		ebb_msg_reply(ebb_status_list_encode(&list), NULL);

	run_with(line, "list");
}

static void run_show(const struct ebb_domain_status *domain)
{
	ebb_auto_free char *line =
		fake_encode(ebb_domain_status_fields, domain);

	run_with(line, "show", "web1");
}

/* Two domains: one that runs, one that does not. */
static char *example_list(void)
{
	struct ebb_domain_status *domains = calloc(2, sizeof(*domains));
	struct ebb_status_list list = { 2, domains };
	char *line;

	assert_non_null(domains);
	domains[0] = example_domain();
	domains[0].settings = example_settings();
	strcpy(domains[1].name, "db");
	strcpy(domains[1].uuid, "22222222-2222-3333-4444-555555555555");
	strcpy(domains[1].state, "shut off");
	strcpy(domains[1].rung, "-");
	domains[1].known = true;
	domains[1].memory_bytes = 4 * EBB_GIB;
	domains[1].facts_age_ms = UINT32_MAX;
	line = ebb_msg_reply(ebb_status_list_encode(&list), NULL);
	free(domains);
	return line;
}

static void test_list(void **state)
{
	ebb_auto_free char *line = example_list();

	(void)state;
	run_with(line, "list");
	assert_string_equal(fake_run.request, "{\"execute\":\"domain-list\"}");
	assert_string_equal(
		fake_run.out,
		"Name      State    Rung      Memory  Resident    Swapped       Lent     "
		"Free  Free huge  Reclaimed  Settings           Reason\n"
		"web?[2J1  running  observe  2.0 GiB   1.5 GiB  256.0 MiB  256.0 MiB  "
		"1.0 GiB  900.0 MiB  512.0 MiB  min=2G shares=5 !  "
		"private-memory\n");
	assert_string_equal(fake_run.err, "");
	assert_int_equal(fake_run.status, 0);
}

/* What the kernel does not say is not none. */
static void test_swapped_is_not_known(void **state)
{
	struct ebb_domain_status domain = example_domain();

	(void)state;
	domain.swapped_known = domain.backings[0].swapped_known = false;
	domain.swapped_bytes = domain.backings[0].swapped_bytes = 0;
	run_show(&domain);
	assert_non_null(strstr(fake_run.out, "\nSwapped         not known\n"));
	assert_non_null(strstr(fake_run.out, "1.5 GiB        -  4.0 KiB"));
}

static void test_what_holds_the_rest(void **state)
{
	struct ebb_domain_status domain = example_domain();

	(void)state;
	run_show(&domain);
	assert_non_null(strstr(fake_run.out, "What holds the guest's memory is "
					     "not known"));
	domain.held = (struct ebb_msg_held){ .known = true,
					     .slab_bytes = 24 * EBB_MIB };
	domain.told_age_ms = 1500;
	run_show(&domain);
	assert_non_null(strstr(fake_run.out, "as its agent said 1.5 s ago:\n"));
	assert_non_null(strstr(fake_run.out,
			       "\nobjects of its kernel       24.0 MiB\n"));
	assert_non_null(strstr(fake_run.out,
			       "\npage cache                       0 B\n"));
}

/* Nor is what it may take back, where it is resident by an unknown pool's pages. */
static void test_lent_is_not_known(void **state)
{
	struct ebb_domain_status domain = example_domain();

	(void)state;
	domain.lent_known = false;
	domain.lent_bytes = 0;
	run_show(&domain);
	assert_non_null(strstr(fake_run.out, "\nLent            not known\n"));
	run_list(&domain);
	assert_non_null(strstr(fake_run.out, "1.5 GiB  256.0 MiB     -  "));
}

/* Who wonders why nothing is taken finds it where he looks first. */
static void test_policy_paused(void **state)
{
	struct ebb_domain_status domain = example_domain();

	(void)state;
	strcpy(domain.name, "web1");
	strcpy(domain.policy_paused, "domain");
	run_show(&domain);
	assert_non_null(strstr(fake_run.out, "\nPolicy          paused for it: "
					     "ebbctl policy resume web1\n"));
	run_list(&domain);
	assert_non_null(strstr(fake_run.out, "  paused    private-memory\n"));
}

static void test_policy_status(void **state)
{
	const struct ebb_explain head = {
		.enabled = true,
		.budgets_age_ms = UINT32_MAX,
		.pause_count = 2,
		.pauses = { { "web1", "11111111-2222-3333-4444-555555555555",
			      true },
			    { "", "22222222-2222-3333-4444-555555555555",
			      false } },
		.pauses_left_out = 3,
	};
	ebb_auto_free char *line = fake_encode(ebb_explain_fields, &head);

	(void)state;
	run_with(line, "policy", "status");
	assert_string_equal(
		fake_run.out,
		"Policy          on\n"
		"Paused for      web1\n"
		"                22222222-2222-3333-4444-555555555555,"
		" which does not run\n"
		"                and 3 more\n"
		"Budgets         not known yet\n");
}

/* A resume for all ends no pause of a domain, and names those. */
static void test_policy_resume(void **state)
{
	const struct ebb_policy_result result = { .was_paused = false };
	const struct ebb_explain head = {
		.enabled = true,
		.budgets_age_ms = UINT32_MAX,
		.pause_count = 1,
		.pauses = { { "db1", "11111111-2222-3333-4444-555555555555",
			      true } },
	};
	ebb_auto_free char *done =
		fake_encode(ebb_policy_result_fields, &result);
	ebb_auto_free char *line = fake_encode(ebb_explain_fields, &head);

	(void)state;
	fake_start(ARGUMENTS("policy", "resume"));
	fake_serve();
	fake_answer(done);
	close(fake_run.peer);
	fake_serve();
	fake_answer(line);
	fake_finish();
	assert_int_equal(fake_run.status, 0);
	assert_string_equal(fake_run.out, "The policy was not paused\n"
					  "Still paused    db1\n");
}

static void run_explain(const struct ebb_explain *head,
			const struct ebb_explain_domain *domain)
{
	struct json_object *value = ebb_msg_encode(ebb_explain_fields, head);
	struct json_object *array = json_object_new_array();
	ebb_auto_free char *line = NULL;

	json_object_array_add(array, ebb_msg_encode(ebb_explain_domain_fields,
						    domain));
	json_object_object_add(value, "domains", array);
	line = ebb_msg_reply(value, NULL);
	run_with(line, "explain", "web1");
	assert_int_equal(fake_run.status, 0);
}

/* What is not known is not shown as 0. */
static void test_explain_unknown(void **state)
{
	struct ebb_explain_domain domain = {
		.name = "web1",
		.uuid = "11111111-2222-3333-4444-555555555555",
		.mode = "balanced",
		.phase = "unknown",
		.facts_age_ms = UINT32_MAX,
		.last_age_ms = UINT32_MAX,
	};
	const struct ebb_explain head = { .enabled = true,
					  .budgets_age_ms = UINT32_MAX };

	(void)state;
	run_explain(&head, &domain);
	assert_non_null(strstr(fake_run.out, "\nMemory          not known\n"));
	assert_null(strstr(fake_run.out, "0 B"));
	domain.usable_bytes = EBB_GIB;
	run_explain(&head, &domain);
	assert_non_null(strstr(
		fake_run.out, "\nMemory          1.0 GiB usable; what of it is "
			      "resident or lent is not known\n"));
}

/* Whose debt a budget's is, if that is not known. */
static void test_explain_debts(void **state)
{
	static struct ebb_explain head = {
		.enabled = true,
		.budget_count = 1,
		.budgets = { { .name = "host",
			       .limit_bytes = 16 * EBB_GIB,
			       .mins_fit = true,
			       .unknown_debts = 1,
			       .unknown_debtor = "db1" } },
	};
	const struct ebb_explain_domain domain = {
		.name = "web1",
		.mode = "balanced",
		.phase = "settled",
		.memory_known = true,
		.balloon_known = true,
		.swapped_known = true,
		.usable_bytes = EBB_GIB,
		.balloon_bytes = 3 * EBB_GIB,
		.claimed_bytes = 2 * EBB_GIB,
	};

	(void)state;
	run_explain(&head, &domain);
	assert_non_null(strstr(
		fake_run.out, "    how much db1 may take back is not known, so "
			      "nothing covers it\n"));
	assert_non_null(strstr(fake_run.out, "a balloon holds 3.0 GiB more\n"));
	assert_non_null(strstr(fake_run.out,
			       "2.0 GiB of that it may have back at any "
			       "moment: it owes them as what it lent\n"));
	head.budgets[0].unknown_debts = 0;
	run_explain(&head, &domain);
	assert_non_null(strstr(fake_run.out,
			       "    what db1 has is not known: its debt is all "
			       "that it may use\n"));
}

/* The definition of one that is off is asked for; @answer: to that */
static void list_all(const char *answer)
{
	ebb_auto_free char *line = example_list();

	fake_start(ARGUMENTS("list", "--all"));
	fake_serve();
	fake_answer(line);
	close(fake_run.peer);
	fake_serve();
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-show\",\"arguments\":{"
			    "\"domain\":\"22222222-2222-3333-4444-"
			    "555555555555\"}}");
	fake_answer(answer);
	fake_finish();
	assert_int_equal(fake_run.status, 0);
}

static void test_list_all(void **state)
{
	struct ebb_domain_status db = {
		.name = "db",
		.state = "shut off",
		.next_known = true,
		.next_target = "none",
		.next = { .count = 2,
			  .items = { { "mode", "balanced", "default" },
				     { "min", "2G", "domain" } } },
	};
	ebb_auto_free char *line = fake_encode(ebb_domain_status_fields, &db);
	ebb_auto_free char *plain = NULL;
	ebb_auto_free char *gone =
		ebb_msg_error("LibvirtGone", "It hangs", 0, NULL);

	(void)state;
	list_all(line);
	assert_non_null(strstr(
		fake_run.out,
		"\ndb        shut off  -        "
		"4.0 GiB         -          -          -        -          "
		"-          -  (next start: min=2G)  -\n"));
	db.next.count = 1;
	plain = fake_encode(ebb_domain_status_fields, &db);
	list_all(plain);
	assert_non_null(strstr(fake_run.out, "-  -                  -\n"));
	list_all(gone);
	assert_non_null(strstr(fake_run.out, "-  -                  -\n"));
}

/* Of one that runs, what is other then, also by a default. */
static void test_list_next_start(void **state)
{
	struct ebb_domain_status domain = example_domain();

	(void)state;
	domain.settings = (struct ebb_settings_status){
		.count = 1, .items = { { "min", "2G", "domain" } }
	};
	domain.next_known = true;
	strcpy(domain.next_target, "none");
	domain.next = (struct ebb_settings_status){
		.count = 1,
		.items = { { "min", "none", "default" } },
		.trouble = "it is odd",
	};
	run_list(&domain);
	assert_non_null(strstr(fake_run.out,
			       "  min=2G (next start: min=none "
			       "free-target=none !)  private-memory\n"));
}

static void test_balloon(void **state)
{
	struct ebb_domain_status domain = example_domain();

	(void)state;
	domain.balloon_known = true;
	domain.balloon_bytes = 1348 * EBB_MIB;
	run_list(&domain);
	assert_non_null(strstr(fake_run.out,
			       " Memory  Balloon  Resident    Swapped  "));
	assert_non_null(strstr(fake_run.out,
			       "  2.0 GiB  1.3 GiB   1.5 GiB  256.0 MiB  "));
	run_show(&domain);
	assert_non_null(
		strstr(fake_run.out,
		       "\nBalloon         1.3 GiB of it, which the guest "
		       "cannot use\n"));
}

/* While it is looked at, what was known is shown, marked. */
static void test_list_old(void **state)
{
	struct ebb_domain_status domain = example_domain();

	(void)state;
	domain.old = true;
	run_list(&domain);
	assert_non_null(strstr(fake_run.out,
			       "running  ~observe  2.0 GiB   1.5 GiB  "
			       "256.0 MiB  256.0 MiB  "
			       "~1.0 GiB  ~900.0 MiB  512.0 MiB  "));
}

/* Cells of the only row of a list that say that something is not known. */
static int dashes(const char *out)
{
	int count = 0;

	for (const char *c = strchr(out, '\n'); c && *c; c++)
		count += *c == '-' && c[-1] == ' ';
	return count;
}

/* What was never known is no 0. */
static void test_list_unknown(void **state)
{
	struct ebb_domain_status domain = { .name = "new",
					    .state = "running",
					    .rung = "observe",
					    .old = true,
					    .facts_age_ms = UINT32_MAX };

	(void)state;
	run_list(&domain);
	assert_non_null(strstr(fake_run.out, "\nnew   running  ~observe"));
	assert_null(strstr(fake_run.out, "0 B  0 B"));
	/* Of sizes and of settings; the reason is there. */
	assert_int_equal(dashes(fake_run.out), 8);
}

static void test_list_by_name(void **state)
{
	struct ebb_domain_status domains[2] = {
		{ .name = "zoo", .state = "running" },
		{ .name = "ape",
		  .state = "running",
		  .target = { .setting = "600M" } },
	};
	struct ebb_status_list list = { .domain_count = 2, .domains = domains };
	ebb_auto_free char *line =
		ebb_msg_reply(ebb_status_list_encode(&list), NULL);
	const char *ape;

	(void)state;
	run_with(line, "list");
	ape = strstr(fake_run.out, "\nape ");
	assert_non_null(ape);
	assert_non_null(strstr(ape, "  free-target=600M  "));
	assert_non_null(strstr(ape, "\nzoo "));
}

static void test_list_json(void **state)
{
	ebb_auto_free char *line = example_list();
	struct json_object *root, *domains, *first, *name;

	(void)state;
	run_with(line, "list", "--json");
	root = json_tokener_parse(fake_run.out);
	assert_true(json_object_object_get_ex(root, "domains", &domains));
	assert_int_equal(json_object_array_length(domains), 1);
	first = json_object_array_get_idx(domains, 0);
	assert_true(json_object_object_get_ex(first, "name", &name));
	/* A script gets the name as it is. */
	assert_string_equal(json_object_get_string(name), "web\033[2J1");
	json_object_put(root);
	assert_int_equal(fake_run.status, 0);

	run_with(line, "--json", "list", "--all");
	root = json_tokener_parse(fake_run.out);
	assert_true(json_object_object_get_ex(root, "domains", &domains));
	assert_int_equal(json_object_array_length(domains), 2);
	json_object_put(root);
}

/* A list that is longer than what an agent may send. */
static void test_long_list(void **state)
{
	enum {
		COUNT = 1000
	};
	struct ebb_domain_status *domains = calloc(COUNT, sizeof(*domains));
	struct ebb_status_list list = { COUNT, domains };
	ebb_auto_free char *line = NULL;
	unsigned int lines = 0;

	(void)state;
	for (unsigned int i = 0; i < COUNT; i++) {
		snprintf(domains[i].name, sizeof(domains[i].name), "vm%u", i);
		strcpy(domains[i].state, "running");
	}
	line = ebb_msg_reply(ebb_status_list_encode(&list), NULL);
	free(domains);
	assert_true(strlen(line) > 2 * EBB_MESSAGE_BYTES_MAX);
	run_with(line, "list");
	for (const char *c = fake_run.out; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, COUNT + 1);
	assert_non_null(strstr(fake_run.out, "\nvm999 "));
	assert_int_equal(fake_run.status, 0);
}

static void test_empty_list(void **state)
{
	(void)state;
	run_with("{\"return\":{\"domains\":[]}}\n", "list");
	assert_non_null(strstr(fake_run.out, "No domain is running."));
	assert_int_equal(fake_run.status, 0);
}

/* Of a domain that is off, figures of a guest are left out. */
static void test_show_off(void **state)
{
	struct ebb_domain_status domain = {
		.name = "db",
		.uuid = "11111111-2222-3333-4444-555555555555",
		.state = "shut off",
		.rung = "-",
		.policy_paused = "domain",
		.known = true,
		.memory_bytes = 4 * EBB_GIB,
		.facts_age_ms = UINT32_MAX,
		.next_known = true,
		.next_target = "40%",
		.next = { .count = 2,
			  .items = { { "mode", "balanced", "default" },
				     { "min", "2G", "domain" } } },
	};
	ebb_auto_free char *line = NULL;

	(void)state;
	line = fake_encode(ebb_domain_status_fields, &domain);
	run_with(line, "show", "db");
	assert_string_equal(fake_run.out,
			    "Name            db\n"
			    "UUID            11111111-2222-3333-4444-"
			    "555555555555\n"
			    "State           shut off\n"
			    "Memory          4.0 GiB\n"
			    "Next start      free target 40%\n"
			    "                mode balanced (default)\n"
			    "                min 2G (domain)\n"
			    "Policy          paused for it: ebbctl policy "
			    "resume db\n");
	assert_int_equal(fake_run.status, 0);
	free(line);
	domain.known = domain.next_known = false;
	domain.next.count = 0;
	line = fake_encode(ebb_domain_status_fields, &domain);
	run_with(line, "show", "db");
	assert_non_null(strstr(fake_run.out, "\nMemory          not known\n"
					     "Next start      not known\n"));
}

static void test_show(void **state)
{
	struct ebb_domain_status domain = example_domain();
	ebb_auto_free char *line =
		fake_encode(ebb_domain_status_fields, &domain);

	(void)state;
	run_with(line, "-c", "qemu:///system", "show", "web1");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-show\",\"arguments\":"
			    "{\"domain\":\"web1\","
			    "\"uri\":\"qemu:\\/\\/\\/system\"}}");
	assert_string_equal(
		fake_run.out,
		"Name            web?[2J1\n"
		"UUID            11111111-2222-3333-4444-555555555555\n"
		"State           running\n"
		"Rung            observe\n"
		"Phase           ready\n"
		"Agent           0.1.0\n"
		"Channel         org.ebb.agent.0\n"
		"Guest kernel    6.1.0-56-amd64\n"
		"Memory          2.0 GiB\n"
		"Resident        1.5 GiB\n"
		"Swapped         256.0 MiB\n"
		"Lent            256.0 MiB\n"
		"Free            1.0 GiB, of it in huge ranges 900.0 MiB\n"
		"Available       1.2 GiB\n"
		"Facts from      1.2 s ago\n"
		"Reclaimed       512.0 MiB in 1 run\n"
		"\n"
		"Node    Total     Free  Free huge\n"
		"   0  2.0 GiB  1.0 GiB  900.0 MiB\n"
		"\n"
		"What holds the guest's memory is not known: its agent is an "
		"older one, or was not asked yet.\n"
		"\n"
		"Backing     Size  Resident    Swapped     Page  Verified\n"
		"memfd    2.0 GiB   1.5 GiB  256.0 MiB  4.0 KiB         2\n"
		"\n"
		"Why the better rungs are closed:\n"
		"  private-memory: The memory is private\n"
		"      Remedy: Share it\n"
		"      <memoryBacking>\n"
		"        <access mode='shared'/>\n"
		"      </memoryBacking>\n");
	assert_int_equal(fake_run.status, 0);
}

static void test_doctor(void **state)
{
	struct ebb_doctor doctor = {
		.name = "web1",
		.rung = "observe",
		.check_count = 3,
		.checks = { { "running", "ok", "It runs", "", "" },
			    { "memory-backing", "fail", "It is private",
			      "Share it", "<a>\n</a>" },
			    { "agent", "skip", "Not looked at", "", "" } },
	};
	ebb_auto_free char *line = fake_encode(ebb_doctor_fields, &doctor);

	(void)state;
	run_with(line, "doctor", "web1");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-doctor\",\"arguments\":"
			    "{\"domain\":\"web1\"}}");
	assert_string_equal(fake_run.out,
			    "ok    running: It runs\n"
			    "fail  memory-backing: It is private\n"
			    "      Remedy: Share it\n"
			    "      <a>\n"
			    "      </a>\n"
			    "skip  agent: Not looked at\n"
			    "\n"
			    "web1: rung observe, 1 failed, 0 "
			    "warnings\n");
	assert_int_equal(fake_run.status, 0);
}

/* Its steps are for the libvirt and the ebbd that were asked. */
static void test_fix(void **state)
{
	struct ebb_fix fix = { .uri = "test:///a'b",
			       .name = "web 1",
			       .patch = "--- a\n" };
	ebb_auto_free char *line = fake_encode(ebb_fix_fields, &fix);
	ebb_auto_free char *elder = NULL;

	(void)state;
	run_with(line, "doctor", "--fix", "-c", "test:///a", "web 1");
	assert_string_equal(
		fake_run.out,
		"# Nothing is changed yet. To apply this patch, which takes "
		"effect when the\n# guest is shut down and started again:\n"
		"#   (umask 077; virsh -c 'test:///a'\\''b' dumpxml --inactive "
		"--security-info 'web 1' >domain.xml)\n"
		"#   ebbctl doctor --fix -c 'test:///a' 'web 1' | patch "
		"domain.xml\n"
		"#   virsh -c 'test:///a'\\''b' define domain.xml\n"
		"--- a\n");
	assert_int_equal(fake_run.status, 0);

	/* An older ebbd does not say where. */
	fix.uri[0] = '\0';
	elder = fake_encode(ebb_fix_fields, &fix);
	run_with(elder, "doctor", "--fix", "web 1");
	assert_non_null(strstr(fake_run.out, "virsh define domain.xml"));
}

static struct ebb_target_status example_target(void)
{
	return (struct ebb_target_status){
		.setting = "40%",
		.bytes = 600 * EBB_MIB,
		.effective_bytes = 300 * EBB_MIB,
		.state = "held",
		.reason = "pressure",
		.mechanism = "module",
		.drop_count = 2,
		.working_set_bytes = EBB_GIB,
		.working_set_source = "mglru",
	};
}

static void test_set(void **state)
{
	struct ebb_set_result result = { .name = "web1",
					 .target = example_target(),
					 .note = "Mind \033 this" };
	ebb_auto_free char *line = fake_encode(ebb_set_result_fields, &result);

	(void)state;
	run_with(line, "set", "web1", "--free-target", "40%");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-set\",\"arguments\":"
			    "{\"domain\":\"web1\",\"free-target\":\"40%\"}}");
	assert_string_equal(fake_run.out,
			    "Free target     40%, which is 600.0 MiB\n"
			    "Pursued         300.0 MiB, held, by module\n"
			    "Why not more    pressure: it came under memory "
			    "pressure\n"
			    "Dropped         2 targets by the guest\n"
			    "Working set     1.0 GiB, by mglru\n"
			    "Note            Mind ? this\n");
	assert_string_equal(fake_run.err, "");
	assert_int_equal(fake_run.status, 0);

	run_with(line, "set", "web1", "--free-target=0.5G", "--json");
	assert_non_null(strstr(fake_run.request, "\"free-target\":\"512M\""));
	assert_non_null(
		strstr(fake_run.out, "\"target-effective-bytes\": 314572800"));
	assert_int_equal(fake_run.status, 0);
}

static void test_set_settings(void **state)
{
	struct ebb_set_result result = { .name = "web1",
					 .settings = example_settings() };
	ebb_auto_free char *line = fake_encode(ebb_set_result_fields, &result);

	(void)state;
	run_with(line, "set", "web1", "--min=2048M", "--shares", "default",
		 "--config");
	assert_string_equal(fake_run.request,
			    "{\"execute\":\"domain-set\",\"arguments\":"
			    "{\"domain\":\"web1\",\"min\":\"2G\","
			    "\"shares\":\"default\",\"scope\":\"config\"}}");
	assert_string_equal(fake_run.out,
			    "Mode            balanced (default)\n"
			    "Min             2G (domain)\n"
			    "Shares          5 (conf.d/a.conf:3)\n"
			    "Settings        Mind this\n");
	assert_int_equal(fake_run.status, 0);

	run_with(line, "set", "web1", "--mode=density", "--shares", "7",
		 "--current");
	assert_non_null(strstr(fake_run.request,
			       "\"mode\":\"density\",\"shares\":\"7\","
			       "\"scope\":\"live\""));
	/* Both are what there is without them. */
	run_with(line, "set", "web1", "--shares=7", "--live", "--config");
	assert_null(strstr(fake_run.request, "scope"));
	/* One that is not in the answer was not understood. */
	run_with(line, "set", "web1", "--mode=density", "--rungs=all");
	assert_int_equal(fake_run.status, 1);
	assert_non_null(strstr(fake_run.err, "does not know --rungs"));
	assert_string_equal(fake_run.out, "");
}

static void test_set_none(void **state)
{
	struct ebb_set_result result = { .name = "web1" };
	ebb_auto_free char *line = fake_encode(ebb_set_result_fields, &result);

	(void)state;
	run_with(line, "set", "web1", "--free-target", "none");
	assert_string_equal(fake_run.out, "Free target     none\n");
	assert_int_equal(fake_run.status, 0);
}

static void test_show_target(void **state)
{
	struct ebb_domain_status domain = example_domain();

	(void)state;
	domain.target = example_target();
	run_show(&domain);
	assert_non_null(strstr(fake_run.out,
			       "Reclaimed       512.0 MiB in 1 run\n"
			       "Free target     40%, which is 600.0 MiB\n"
			       "Pursued         300.0 MiB, held, by module\n"));
}

static void test_version(void **state)
{
	struct ebb_daemon_status daemon = { "0.9", "qemu:///system", true, 3,
					    2 };
	ebb_auto_free char *line =
		fake_encode(ebb_daemon_status_fields, &daemon);

	(void)state;
	run_with(line, "version");
	assert_string_equal(fake_run.request, "{\"execute\":\"daemon-show\"}");
	assert_non_null(strstr(fake_run.out,
			       "ebbd            0.9\n"
			       "libvirt         qemu:///system, connected\n"
			       "Domains         3, on rung lease 2\n"));
	assert_int_equal(fake_run.status, 0);
	run_alone("--version");
	assert_int_equal(strncmp(fake_run.out, "ebbctl ", 7), 0);
	assert_int_equal(fake_run.status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_all),
		cmocka_unit_test(test_list_next_start),
		cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_swapped_is_not_known),
		cmocka_unit_test(test_what_holds_the_rest),
		cmocka_unit_test(test_lent_is_not_known),
		cmocka_unit_test(test_explain_unknown),
		cmocka_unit_test(test_explain_debts),
		cmocka_unit_test(test_policy_paused),
		cmocka_unit_test(test_policy_status),
		cmocka_unit_test(test_policy_resume),
		cmocka_unit_test(test_list_old),
		cmocka_unit_test(test_list_unknown),
		cmocka_unit_test(test_list_by_name),
		cmocka_unit_test(test_list_json),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_empty_list),
		cmocka_unit_test(test_show_off),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_doctor),
		cmocka_unit_test(test_fix),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_settings),
		cmocka_unit_test(test_set_none),
		cmocka_unit_test(test_show_target),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, fake_set_up, fake_tear_down);
}
