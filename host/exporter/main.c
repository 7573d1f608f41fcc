/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebb-exporter: what ebbd knows, as a live page and as metrics for Prometheus.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Whoever watches a fleet reads metrics over a network; ebbd, which may
 * discard memory of guests, shall not be reached from one. So this is a process of its
 * own: a user without privileges, in the group of those who may only look, which asks
 * ebbd's control socket as ebbctl does and serves what it was told. Who takes it over
 * can look, too, and no more.
 *
 * The invariants.
 *   - One thread, which waits in one place, loop(): for HTTP clients, for ebbd's answer
 *     and for a signal. Neither end can hold up the other.
 *   - ebbd is asked only when somebody asks here, at most once in EXP_PAGE_MS, by one
 *     connection, one question at a time (ask.h), and by a second one for history
 *     (past.h). It is never waited for longer than EXP_ROUND_MS; after that the page
 *     says that it is not up.
 *   - Nothing is kept of an ebbd that does not answer, or was restarted. Facts are of
 *     now, or absent; what the policy says is of the last POLICY_MS, as it is half of all
 *     that is asked.
 *   - All that comes is bounded: HTTP by libmicrohttpd (server.h), answers by the parser
 *     and the tables that ebbctl uses, the page by EXP_TEXT_BYTES_MAX.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "host/exporter/ask.h"
#include "host/exporter/options.h"
#include "host/exporter/past.h"
#include "host/exporter/server.h"

enum {
	BACKLOG = 64,
	HEAP_KEPT_BYTES = 16 * 1024 * 1024,
	POLICY_MS = 5000, /* an answer to EXP_POLICY is good for so long */
};

/**
 * struct exporter
 * @past: asks for history, beside the rounds of @ask
 * @past_wanted: @past_request, until it asks that
 * @kept, @kept_ns: of the policy, and when that was asked
 * @wanted: somebody waits for a page
 * @told: the trouble that was logged last, so that it is logged once
 */
struct exporter {
	struct exp_options options;
	struct exp_server *server;
	struct exp_ask ask;
	struct exp_ask past;
	struct exp_counts counts;
	struct exp_kept kept;
	uint64_t kept_ns;
	int signal_fd;
	bool wanted;
	bool past_wanted;
	struct ebb_history_request past_request;
	char told[EXP_TROUBLE_BYTES];
};

static void on_want(void *opaque)
{
	struct exporter *exporter = opaque;

	exporter->wanted = true;
}

static void on_want_past(const struct ebb_history_request *request,
			 void *opaque)
{
	struct exporter *exporter = opaque;

	exporter->past_wanted = true;
	exporter->past_request = *request;
}

static const struct exp_wishes wishes = { .page = on_want,
					  .past = on_want_past };

static void publish_past(struct exporter *exporter)
{
	struct exp_text text = { 0 };

	exp_past_print(&exporter->past.round, &text);
	exp_round_clear(&exporter->past.round);
	exp_server_publish_past(exporter->server, &text);
	exp_text_clear(&text);
}

static void tell_trouble(struct exporter *exporter, const char *trouble)
{
	if (strcmp(exporter->told, trouble) == 0)
		return;
	if (*trouble)
		ebb_log(EBB_LOG_WARNING, "%s", trouble);
	else
		ebb_log(EBB_LOG_INFO, "ebbd answers again");
	snprintf(exporter->told, sizeof(exporter->told), "%s", trouble);
}

static void publish(struct exporter *exporter)
{
	struct exp_page page;

	if (!exporter->ask.round.policy_was_kept)
		exporter->kept_ns = exporter->ask.began_ns;
	exporter->ask.round.policy_age_ms =
		(uint32_t)((exporter->ask.began_ns - exporter->kept_ns) /
			   EBB_NS_PER_MS);
	exp_page_make(&exporter->ask.round, &exporter->counts,
		      exp_server_wants_live(exporter->server), &exporter->kept,
		      &page);
	exp_round_clear(&exporter->ask.round);
	tell_trouble(exporter, page.trouble);
	exp_server_publish(exporter->server, &page);
	exp_page_clear(&page);
}

static bool keeps_policy(const struct exporter *exporter)
{
	return exporter->kept.metrics.used > 0 &&
	       ebb_now_ns() - exporter->kept_ns <
		       (uint64_t)POLICY_MS * EBB_NS_PER_MS;
}

/* The sooner of two timeouts of poll(2). */
static int sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static void publish_page(struct exporter *exporter)
{
	/* All who wait get this page. */
	exporter->wanted = false;
	publish(exporter);
}

/*
 * How long a wanted page has to wait: rounds begin EXP_PAGE_MS apart, also where the last
 * page is fresh and lacks what is wanted. -1: none does, or a round is under way.
 */
static int gap_ms(const struct exporter *exporter)
{
	uint64_t passed_ms =
		(ebb_now_ns() - exporter->ask.began_ns) / EBB_NS_PER_MS;

	if (!exporter->wanted || exporter->ask.asking.fd >= 0)
		return -1;
	return passed_ms < EXP_PAGE_MS ? (int)(EXP_PAGE_MS - passed_ms) : 0;
}

/* Begins to ask what is wanted. Returns true if an answer is there at once. */
static bool begin(struct exporter *exporter)
{
	bool answered = false;

	if (exporter->past_wanted && exporter->past.asking.fd < 0) {
		answered = exp_ask_begin_past(
			&exporter->past,
			exp_past_arguments(&exporter->past_request));
		exporter->past_wanted = false;
		if (answered)
			publish_past(exporter);
	}
	if (gap_ms(exporter) == 0) {
		exporter->wanted = false;
		if (exp_ask_begin(&exporter->ask, keeps_policy(exporter))) {
			publish_page(exporter);
			answered = true;
		}
	}
	return answered;
}

static void go_on(struct exporter *exporter)
{
	if (exp_ask_turn(&exporter->past))
		publish_past(exporter);
	if (exp_ask_turn(&exporter->ask))
		publish_page(exporter);
}

static int wait_for_any(struct exporter *exporter, bool *ret_signal)
{
	struct pollfd fds[] = {
		{ .fd = exporter->signal_fd, .events = POLLIN },
		{ .fd = exp_server_fd(exporter->server), .events = POLLIN },
		{ .fd = exporter->ask.asking.fd, .events = POLLIN },
		{ .fd = exporter->past.asking.fd, .events = POLLIN },
	};
	int timeout_ms = sooner(exp_server_timeout_ms(exporter->server),
				sooner(exp_ask_timeout_ms(&exporter->ask),
				       exp_ask_timeout_ms(&exporter->past)));

	timeout_ms = sooner(timeout_ms, gap_ms(exporter));

	if (poll(fds, EBB_ARRAY_SIZE(fds), timeout_ms) < 0 && errno != EINTR)
		return -errno;
	*ret_signal = fds[0].revents;
	return 0;
}

static int loop(struct exporter *exporter)
{
	bool signalled = false;

	for (;;) {
		int r;

		exp_server_run(exporter->server);
		while (begin(exporter))
			exp_server_run(exporter->server);
		r = wait_for_any(exporter, &signalled);
		if (r < 0 || signalled)
			return r;
		go_on(exporter);
	}
}

/* ---- the socket ---- */

/* Returns the socket that systemd passed, -1: none, or -2 after it was logged. */
static int take_socket(void)
{
	int count = sd_listen_fds(1);

	if (count == 0)
		return -1;
	if (count == 1 &&
	    sd_is_socket(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1) > 0)
		return SD_LISTEN_FDS_START;
	ebb_log(EBB_LOG_ERR,
		"systemd passed something else than one listening socket: "
		"give one ListenStream= in the .socket unit");
	return -2;
}

static const char *bind_remedy(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "Stop what listens there, or give another port with "
		       "--listen";
	case EADDRNOTAVAIL:
		return "Give an address of this host with --listen";
	case EACCES:
		return "Give a port from 1024 on with --listen";
	default:
		return "Check --listen";
	}
}

/* Returns a socket, or -1 after it was logged. */
static int make_socket(const struct exp_options *options)
{
	ebb_auto_close int fd =
		socket(options->address.ss_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (const struct sockaddr *)&options->address,
		 options->address_bytes) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		ebb_log(EBB_LOG_ERR, "cannot listen on %s: %s. %s",
			options->listen, strerror(errno), bind_remedy(errno));
		return -1;
	}
	return ebb_steal_fd(&fd);
}

/* The port may be one that was asked for as 0. */
static void tell_address(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t bytes = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *four = (const struct sockaddr_in *)&address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address;
	bool is_six;

	if (getsockname(fd, (struct sockaddr *)&address, &bytes) < 0 ||
	    (address.ss_family != AF_INET && address.ss_family != AF_INET6))
		return;
	is_six = address.ss_family == AF_INET6;
	inet_ntop(address.ss_family,
		  is_six ? (const void *)&six->sin6_addr : &four->sin_addr,
		  host, sizeof(host));
	ebb_log(EBB_LOG_INFO, "serving http://%s%s%s:%u/metrics",
		is_six ? "[" : "", host, is_six ? "]" : "",
		ntohs(is_six ? six->sin6_port : four->sin_port));
	if (!exp_address_is_loopback(&address))
		ebb_log(EBB_LOG_NOTICE,
			"whoever reaches that address can read the names of "
			"all domains and what their memory is like, and "
			"nothing is encrypted. See ebb-exporter(8)");
}

static int open_socket(const struct exp_options *options)
{
	int fd = take_socket();

	if (fd == -1)
		fd = make_socket(options);
	if (fd >= 0)
		tell_address(fd);
	return fd;
}

/* ---- the process ---- */

static int watch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int serve(struct exporter *exporter)
{
	int fd = open_socket(&exporter->options);
	int r;

	if (fd < 0)
		return EXIT_FAILURE;
	exporter->server = exp_server_new(fd, &wishes, exporter);
	if (!exporter->server) {
		ebb_log(EBB_LOG_ERR, "cannot start the HTTP server: %s",
			strerror(errno));
		return EXIT_FAILURE;
	}
	sd_notify(0, "READY=1");
	r = loop(exporter);
	if (r < 0)
		ebb_log(EBB_LOG_ERR, "cannot wait for events: %s",
			strerror(-r));
	exp_server_free(exporter->server);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct exporter exporter = { .signal_fd = -1 };
	int status = exp_options_parse(argc, argv, &exporter.options);

	if (status >= 0)
		return status;
	ebb_log_init("ebb-exporter", EBB_LOG_INFO);
	/* What a round takes is kept for the next one. */
	mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	mallopt(M_MMAP_THRESHOLD, HEAP_KEPT_BYTES);
	if (geteuid() == 0)
		ebb_log(EBB_LOG_NOTICE,
			"runs as root, and needs to be no more than a member "
			"of the group ebb: systemctl start ebb-exporter");
	exporter.signal_fd = watch_signals();
	if (exporter.signal_fd < 0) {
		ebb_log(EBB_LOG_ERR, "cannot watch for signals: %s",
			strerror(errno));
		return EXIT_FAILURE;
	}
	exp_ask_init(&exporter.ask, exporter.options.socket);
	exp_ask_init(&exporter.past, exporter.options.socket);
	status = serve(&exporter);
	exp_ask_clear(&exporter.ask);
	exp_ask_clear(&exporter.past);
	exp_kept_clear(&exporter.kept);
	close(exporter.signal_fd);
	return status;
}
