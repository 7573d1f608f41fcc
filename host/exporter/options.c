/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/exporter/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "host/interface/status.h"

enum {
	EXIT_USAGE = 2
};

static void print_help(void)
{
	printf("Usage: ebb-exporter [OPTION]...\n"
	       "Serve what ebbd knows as a live page and as metrics for Prometheus.\n"
	       "\n"
	       "      --listen ADDRESS:PORT  where to serve (default %s)\n"
	       "      --socket PATH          of ebbd (default %s)\n"
	       "  -h, --help                 show this help\n"
	       "  -V, --version              show the version\n"
	       "\n"
	       "The live page is at http://ADDRESS:PORT/, by default http://%s/.\n"
	       "It also "
	       "serves /metrics and /healthz, stays in the foreground, and "
	       "needs no privileges\n"
	       "but membership in the group ebb. See ebb-exporter(8).\n",
	       EXP_LISTEN_DEFAULT, EBB_CONTROL_SOCKET, EXP_LISTEN_DEFAULT);
}

static int parse_port(const char *text, in_port_t *ret_port)
{
	unsigned int port;
	int end = 0;

	if (text[strspn(text, "0123456789")] ||
	    sscanf(text, "%5u%n", &port, &end) != 1 || text[end] ||
	    port > UINT16_MAX)
		return -EINVAL;
	*ret_port = htons((uint16_t)port);
	return 0;
}

int exp_address_parse(const char *text, struct sockaddr_storage *ret_address,
		      socklen_t *ret_bytes)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_storage address = { 0 };
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t length = colon ? (size_t)(colon - text) : 0;
	in_port_t port;

	if (!colon || length >= sizeof(host) ||
	    parse_port(colon + 1, &port) < 0)
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, &four.sin_addr) == 1) {
		four.sin_port = port;
		memcpy(&address, &four, sizeof(four));
		*ret_address = address;
		*ret_bytes = sizeof(four);
		return 0;
	}
	if (length < 2 || host[0] != '[' || host[length - 1] != ']')
		return -EINVAL;
	host[length - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &six.sin6_addr) != 1)
		return -EINVAL;
	six.sin6_port = port;
	memcpy(&address, &six, sizeof(six));
	*ret_address = address;
	*ret_bytes = sizeof(six);
	return 0;
}

bool exp_address_is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* Returns -1, or the exit code after it said what is wrong. */
static int check(struct exp_options *options)
{
	struct sockaddr_un address;

	if (exp_address_parse(options->listen, &options->address,
			      &options->address_bytes) < 0) {
		fprintf(stderr,
			"ebb-exporter: error: --listen: '%s' is not an address "
			"and a port; give one such as 127.0.0.1:19758 or "
			"[::1]:19758\n",
			options->listen);
		return EXIT_USAGE;
	}
	if (options->socket[0] == '/' &&
	    strlen(options->socket) < sizeof(address.sun_path))
		return -1;
	fprintf(stderr,
		"ebb-exporter: error: --socket: '%s' is not accepted; give an "
		"absolute path of at most %zu bytes, as %s\n",
		options->socket, sizeof(address.sun_path) - 1,
		EBB_CONTROL_SOCKET);
	return EXIT_USAGE;
}

int exp_options_parse(int argc, char **argv, struct exp_options *ret_options)
{
	enum {
		OPT_LISTEN = 256,
		OPT_SOCKET,
	};
	static const struct option table[] = {
		{ "listen", required_argument, NULL, OPT_LISTEN },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	*ret_options = (struct exp_options){ .listen = EXP_LISTEN_DEFAULT,
					     .socket = EBB_CONTROL_SOCKET };
	while ((opt = getopt_long(argc, argv, "hV", table, NULL)) != -1) {
		switch (opt) {
		case OPT_LISTEN:
			ret_options->listen = optarg;
			break;
		case OPT_SOCKET:
			ret_options->socket = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			printf("ebb-exporter %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "See: ebb-exporter --help\n");
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"ebb-exporter: error: '%s' is not an option. See: "
			"ebb-exporter --help\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return check(ret_options);
}

bool exp_host_is_number(const char *host)
{
	static const char local[] = "localhost";
	char with_port[INET6_ADDRSTRLEN + 16];
	struct sockaddr_storage address;
	socklen_t bytes;

	if (!host)
		return true;
	if (strncasecmp(host, local, strlen(local)) == 0)
		return host[strlen(local)] == '\0' ||
		       host[strlen(local)] == ':';
	if (exp_address_parse(host, &address, &bytes) == 0)
		return true;
	/* Without a port, which is 80 then. */
	snprintf(with_port, sizeof(with_port), "%s:80", host);
	return exp_address_parse(with_port, &address, &bytes) == 0;
}
