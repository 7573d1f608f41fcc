/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl when something is wrong: the sentence, where it goes, the status. */
#include <config.h>

#include "tests/unit/host/ctl/fake-ebbd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"

static void test_error_classes(void **state)
{
	static const char *const classes[] = {
		"CommandNotFound",  "InvalidArgument", "DomainNotFound",
		"DomainNotRunning", "RungClosed",      "Busy",
		"PermissionDenied", "LibvirtGone",     "GenericError",
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(classes); i++) {
		ebb_auto_free char *line = ebb_msg_error(
			classes[i], "no \033 luck: do this", 0, NULL);
		struct json_object *root, *error, *member;

		run_with(line, "show", "web1");
		assert_string_equal(fake_run.out, "");
		assert_string_equal(fake_run.err,
				    "ebbctl: error: no ? luck: do this\n");
		assert_int_equal(fake_run.status, 1);

		run_with(line, "show", "web1", "--json");
		assert_string_equal(fake_run.err, "");
		root = json_tokener_parse(fake_run.out);
		assert_true(json_object_object_get_ex(root, "error", &error));
		assert_true(json_object_object_get_ex(error, "class", &member));
		assert_string_equal(json_object_get_string(member), classes[i]);
		json_object_put(root);
		assert_int_equal(fake_run.status, 1);
	}
}

/* Where the name is a plain word, the remedy has it; a script's stays. */
static void test_remedy_names_the_domain(void **state)
{
	ebb_auto_free char *line = ebb_msg_error(
		"RungClosed", "closed: virsh edit DOMAIN, virsh start DOMAIN",
		0, NULL);

	(void)state;
	run_with(line, "show", "web1");
	assert_string_equal(fake_run.err,
			    "ebbctl: error: closed: virsh edit web1, virsh "
			    "start web1\n");
	run_with(line, "show", "web 1");
	assert_non_null(
		strstr(fake_run.err, "edit DOMAIN, virsh start DOMAIN"));
	run_with(line, "show", "web1", "--json");
	assert_non_null(strstr(fake_run.out, "virsh edit DOMAIN"));
}

/* The list of another libvirt is no answer. */
static void test_other_libvirt(void **state)
{
	struct ebb_daemon_status daemon = { "0.9", "qemu:///system", true, 0,
					    0 };
	ebb_auto_free char *line =
		fake_encode(ebb_daemon_status_fields, &daemon);

	(void)state;
	run_with(line, "list", "-c", "qemu:///session");
	assert_string_equal(fake_run.request, "{\"execute\":\"daemon-show\"}");
	assert_string_equal(fake_run.out, "");
	assert_non_null(strstr(fake_run.err, "this ebbd serves qemu:///system, "
					     "not qemu:///session."));
	assert_int_equal(fake_run.status, 1);

	/* The right one is asked again, for the list. */
	fake_start(ARGUMENTS("list", "-c", "qemu:///system"));
	fake_serve();
	fake_answer(line);
	close(fake_run.peer);
	fake_serve();
	assert_string_equal(fake_run.request, "{\"execute\":\"domain-list\"}");
	fake_answer("{\"return\":{\"domains\":[]}}\n");
	fake_finish();
	assert_int_equal(fake_run.status, 0);
}

static void test_ebbd_out_of_reach(void **state)
{
	char file[80];

	(void)state;
	snprintf(file, sizeof(file), "%s/nothing", fake_dir);
	run_alone("--socket", file, "list");
	assert_int_equal(fake_run.status, 3);
	assert_non_null(strstr(fake_run.err, "systemctl start ebbd"));
	assert_string_equal(fake_run.out, "");

	/* It closes instead of answering. */
	fake_start(ARGUMENTS("list"));
	fake_serve();
	close(fake_run.peer);
	fake_run.peer = -1;
	fake_finish();
	assert_int_equal(fake_run.status, 3);
	assert_non_null(strstr(fake_run.err, "closed the connection"));

	run_alone("--socket", file, "list", "--json");
	assert_int_equal(fake_run.status, 3);
	assert_non_null(strstr(fake_run.out, "\"Unreachable\""));
	assert_string_equal(fake_run.err, "");
}

/* ebbd may turn a peer away before it reads the request. */
static void test_turned_away(void **state)
{
	(void)state;
	fake_start(ARGUMENTS("list"));
	fake_wait_readable(fake_listener);
	fake_run.peer = accept4(fake_listener, NULL, NULL, SOCK_CLOEXEC);
	fake_answer("{\"error\":{\"class\":\"PermissionDenied\",\"desc\":\"use "
		    "sudo\"}}\n");
	close(fake_run.peer);
	fake_run.peer = -1;
	fake_finish();
	assert_string_equal(fake_run.err, "ebbctl: error: use sudo\n");
	assert_int_equal(fake_run.status, 1);
}

static void test_answers_that_make_no_sense(void **state)
{
	static const char *const answers[] = {
		"hello\n",	     "{\"execute\":\"domain-list\"}\n",
		"{\"return\":{}}\n", "{\"return\":{\"domains\":[{}]}}\n",
		"{\"return\":7}\n",
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(answers); i++) {
		run_with(answers[i], "list");
		assert_int_equal(fake_run.status, 1);
		assert_string_equal(fake_run.out, "");
		assert_int_equal(strncmp(fake_run.err, "ebbctl: error: ", 15),
				 0);
	}
}

static void test_usage(void **state)
{
	static const struct {
		const char *arguments[8];
		const char *error;
	} cases[] = {
		{ { NULL }, "no command" },
		{ { "lits" }, "Did you mean 'list'?" },
		{ { "frobnicate" }, "unknown command 'frobnicate'" },
		{ { "help", "lst" }, "Did you mean 'list'?" },
		{ { "help", "list", "x" }, "help takes only [COMMAND]" },
		{ { "rel" }, "Did you mean 'reload'?" },
		{ { "re" }, "See ebbctl help" },
		{ { "list", "x" }, "list takes no DOMAIN. See ebbctl show x." },
		{ { "reload", "x" }, "reload takes no operand" },
		{ { "list", "--jsn" }, "not known. Did you mean '--json'?" },
		{ { "list", "--json=1" }, "'--json=1' takes no value" },
		{ { "set", "a", "--mod", "density" },
		  "'--mod' is not known. Did you mean '--mode'?" },
		{ { "set", "a", "--mod=density" },
		  "'--mod=density' is not known. Did you mean '--mode'?" },
		{ { "set", "a", "--min", "1G", "--min", "2G" },
		  "--min is given twice" },
		{ { "set", "a", "--mode", "densit" },
		  "did you mean 'density'?\n" },
		{ { "set", "a", "--reserved", "yes" },
		  "give keep or share, or default." },
		{ { "show" }, "show needs DOMAIN" },
		{ { "show", "" }, "an operand is empty" },
		{ { "show", "a", "--all" }, "show takes no option --all" },
		{ { "list", "--nope" }, "option '--nope'" },
		{ { "list", "-x" }, "option '-x'" },
		{ { "list", "-s" }, "option '-s' needs a value" },
		{ { "reclaim", "a" }, "how much?" },
		{ { "reclaim", "a", "1G", "--all" }, "exclude each other" },
		{ { "reclaim", "a", "--compact", "--no-compact" },
		  "exclude each other" },
		{ { "reclaim", "a", "0" }, "must be positive" },
		{ { "reclaim", "a", "0.0G" }, "must be positive" },
		{ { "reclaim", "a", "-5M" }, "must be positive" },
		{ { "reclaim", "a", "--", "-5M" }, "must be positive" },
		{ { "reclaim", "a", "12x" },
		  "SIZE: '12x' is no size. Give a number" },
		{ { "reclaim", "a", "512" }, "'512' has no unit" },
		{ { "reclaim", "a", "5MB" }, "means two things" },
		{ { "reclaim", "a", "5kb" }, "means two things" },
		{ { "reclaim", "a", "9999999T" }, "more than any guest has" },
		{ { "show", "a", "--free-only" },
		  "show takes no option --free-only" },
		{ { "set" }, "set needs DOMAIN" },
		{ { "set", "a" }, "set what?" },
		{ { "set", "a", "--free-target" }, "needs a value" },
		{ { "set", "a", "--free-target", "600MB" },
		  "--free-target: '600MB' has a unit that means two things" },
		{ { "set", "a", "--free-target", "90%" },
		  "Give 1% to 87% of the guest's memory" },
		{ { "set", "a", "--free-target", "0" },
		  "--free-target: '0' must be positive" },
		{ { "set", "a", "b", "--free-target=1G" }, "only DOMAIN" },
		{ { "set", "a", "--live" }, "set what?" },
		{ { "set", "a", "--min", "lots" },
		  "--min: 'lots' is no size. Give a number" },
		{ { "set", "a", "--max", "2" }, "--max: '2' has no unit" },
		{ { "set", "a", "--max", "0" },
		  "a percentage such as 25% or none, or default." },
		{ { "set", "a", "--mode=fast" },
		  "--mode: 'fast' is not accepted" },
		{ { "set", "a", "--shares=0" }, "from 1 to 1000000" },
		{ { "set", "a", "--min=1G", "--current", "--live" },
		  "neither --live nor --config" },
		{ { "reclaim", "a", "1G", "--timeout=60" },
		  "--timeout is '60'" },
		{ { "reclaim", "a", "1G", "--timeout=0s" },
		  "--timeout is '0s'" },
		{ { "reclaim", "a", "1G", "--timeout=11m" },
		  "--timeout is '11m'" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		fake_start(cases[i].arguments);
		fake_finish();
		assert_int_equal(fake_run.status, 2);
		assert_string_equal(fake_run.out, "");
		assert_int_equal(strncmp(fake_run.err, "ebbctl: error: ", 15),
				 0);
		assert_non_null(strstr(fake_run.err, cases[i].error));
	}
	run_alone("list", "--nope", "--json");
	assert_int_equal(fake_run.status, 2);
	assert_non_null(strstr(fake_run.out, "\"Usage\""));
}

static void test_long_operands(void **state)
{
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	run_alone("show", text);
	assert_int_equal(fake_run.status, 2);
	run_alone("-c", text, "show", "a");
	assert_int_equal(fake_run.status, 2);
	run_alone("-s", text, "show", "a");
	assert_int_equal(fake_run.status, 2);
}

static void test_full_disk(void **state)
{
	int err[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fake_run.err_fd = err[0];
	fake_run.out_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fake_start_on(ARGUMENTS("help"), full, err[1]);
	fake_finish();
	assert_int_equal(fake_run.status, 1);
	assert_non_null(strstr(fake_run.err, "cannot write the output"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_classes),
		cmocka_unit_test(test_remedy_names_the_domain),
		cmocka_unit_test(test_other_libvirt),
		cmocka_unit_test(test_ebbd_out_of_reach),
		cmocka_unit_test(test_turned_away),
		cmocka_unit_test(test_answers_that_make_no_sense),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_long_operands),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, fake_set_up, fake_tear_down);
}
