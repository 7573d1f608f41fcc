/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of ebb-exporter. */
#ifndef EBB_HOST_EXPORTER_OPTIONS_H
#define EBB_HOST_EXPORTER_OPTIONS_H

#include <stdbool.h>
#include <sys/socket.h>

/* The ports that Prometheus' list gives to exporters, 9100 to 9999, are all taken. */
#define EXP_LISTEN_DEFAULT "127.0.0.1:19758"

/**
 * struct exp_options
 * @listen: as it was given
 * @address, @address_bytes: the same for bind(2)
 * @socket: of ebbd
 */
struct exp_options {
	const char *listen;
	struct sockaddr_storage address;
	socklen_t address_bytes;
	const char *socket;
};

/**
 * exp_options_parse - fill @ret_options, or print why not
 *
 * Returns -1 to go on, or the exit code.
 */
int exp_options_parse(int argc, char **argv, struct exp_options *ret_options);

/**
 * exp_address_parse - "127.0.0.1:19758" or "[::1]:19758"
 * @ret_address, @ret_bytes: written only on success
 *
 * No name is looked up. Returns 0 or -EINVAL.
 */
int exp_address_parse(const char *text, struct sockaddr_storage *ret_address,
		      socklen_t *ret_bytes);

/* Whether only programs of this host can reach it. */
bool exp_address_is_loopback(const struct sockaddr_storage *address);

/**
 * exp_host_is_number - whether an HTTP client asks for an address, or for localhost
 * @host: its Host header; NULL: none
 *
 * A browser that has a page of elsewhere open asks for that page's name, also after its
 * owner has had the name point here (DNS rebinding). A name can be anybody's; an address
 * and localhost cannot.
 */
bool exp_host_is_number(const char *host);

#endif /* EBB_HOST_EXPORTER_OPTIONS_H */
