/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that stands in for QEMU, so that a thousand domains of a real libvirtd fit
 * on a small machine.
 *
 * Theory of operation
 * ===================
 *
 * libvirt starts it as a domain's <emulator>, with the command line of QEMU. When libvirt
 * asks for capabilities ("-machine none") it becomes the real QEMU. Else it has what ebbd
 * sees of a QEMU: the memfd behind the guest's memory, the monitor, the channels, and a
 * process with the domain's UUID on its command line. There is no processor and no
 * device.
 *
 * It also plays the guest: an agent on Ebb's channel, and the ring of ebb.ko in the
 * memfd, with canaries, facts that change each second, and free ranges that it offers
 * in a session. SIGUSR1 has it use and free these again, so that a reclaim finds memory.
 * To ebbd such a domain is one on rung lease.
 *
 * One thread, one poll(). In a session it serves the ring alone, which is over within
 * milliseconds unless the host is gone. It trusts its peers: it is for benchmarks.
 */
#ifndef EBB_TESTS_BENCH_STAND_IN_H
#define EBB_TESTS_BENCH_STAND_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STAND_IN_CHANNELS_MAX = 4,
	STAND_IN_LABEL_BYTES = 32,
};

/* A socket that libvirt listens on for us, and the connection to it. */
struct stand_in_port {
	char label[STAND_IN_LABEL_BYTES]; /* of the chardev: "charmonitor" */
	int listener;
	int fd; /* -1: there is none */
	char *input; /* that is no whole line yet */
	size_t input_bytes;
};

/* All of a port's text, to its end. */
void stand_in_send(struct stand_in_port *port, const char *text, size_t bytes);

/* ---- monitor.c: QMP, as libvirt 9 speaks it when a domain starts ---- */

struct stand_in_monitor {
	bool running;
	const struct stand_in_port *ports; /* all, as query-chardev lists them */
	size_t port_count;
};

void stand_in_monitor_greet(struct stand_in_port *port);
void stand_in_monitor_take(struct stand_in_monitor *monitor,
			   struct stand_in_port *port, const char *line,
			   size_t bytes);

/* ---- guest.c: agent and module ---- */

struct stand_in_guest;

/* @fd: the guest's memory, which is mapped. */
struct stand_in_guest *stand_in_guest_new(int fd, uint64_t bytes);
void stand_in_guest_greet(struct stand_in_port *port);
void stand_in_guest_take(struct stand_in_guest *guest,
			 struct stand_in_port *port, const char *line,
			 size_t bytes);

/* Each second, as the module's timer does. */
void stand_in_guest_tick(struct stand_in_guest *guest);

/* Uses and frees what it offers: the host has memory for all of it. */
void stand_in_guest_fill(struct stand_in_guest *guest);

#endif /* EBB_TESTS_BENCH_STAND_IN_H */
