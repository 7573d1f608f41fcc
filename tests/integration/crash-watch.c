/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash-watch COMMAND [ARGUMENT]...: runs a command and adopts the daemons that it
 * leaves behind: libvirtd, virtlogd, QEMU. It says of each that died of a fault, when
 * it dies, in the form of a test's "not ok", and then fails for a command that did not.
 * Else it exits as the command does.
 *
 * It does not see the end of a process that has another parent in the command. That of
 * ebbd is seen by the test's shell (say_crashes of scripts/rig/ebbd.sh).
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	EXIT_SKIP = 77,
	EXIT_CANNOT = 125,
	EXIT_BY_SIGNAL = 128
};

static volatile pid_t command;

static void hand_on(int number)
{
	kill(command, number);
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid < 0)
		err(EXIT_CANNOT, "fork");
	if (pid == 0) {
		execvp(argv[0], argv);
		err(EXIT_CANNOT, "%s", argv[0]);
	}
	return pid;
}

/* A signal that a process gets for a fault of its own, and that no test sends. */
static bool is_fault(int number)
{
	switch (number) {
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGSEGV:
	case SIGSYS:
	case SIGTRAP:
		return true;
	default:
		return false;
	}
}

static bool died_of_fault(const siginfo_t *end)
{
	return end->si_code != CLD_EXITED && is_fault(end->si_status);
}

/* Before it is waited for: its name goes with it. */
static void say(const siginfo_t *end)
{
	char path[64], name[64] = "a process\n";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", end->si_pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
	}
	name[strcspn(name, "\n")] = '\0';
	printf("not ok - %s (process %d) ended by signal %d, %s%s\n", name,
	       end->si_pid, end->si_status, strsignal(end->si_status),
	       end->si_code == CLD_DUMPED ? " (core dumped)" : "");
	fflush(stdout);
}

/* Reaps a process that has ended. Without WNOHANG it waits for one. False: there is none. */
static bool take(siginfo_t *end, int options)
{
	int r;

	end->si_pid = 0;
	do {
		r = waitid(P_ALL, 0, end, WEXITED | WNOWAIT | options);
	} while (r < 0 && errno == EINTR);
	if (r < 0 || end->si_pid == 0)
		return false;
	if (died_of_fault(end))
		say(end);
	return waitpid(end->si_pid, NULL, 0) == end->si_pid;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = hand_on };
	bool crashed = false;
	siginfo_t end;
	int status;

	if (argc < 2)
		errx(EXIT_CANNOT, "usage: crash-watch COMMAND [ARGUMENT]...");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		err(EXIT_CANNOT, "prctl");
	command = start(argv + 1);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	do {
		if (!take(&end, 0))
			errx(EXIT_CANNOT, "the command is lost");
		crashed = crashed || died_of_fault(&end);
	} while (end.si_pid != command);
	status = end.si_code == CLD_EXITED ? end.si_status
					   : EXIT_BY_SIGNAL + end.si_status;
	/* Those that the command ended last. */
	while (take(&end, WNOHANG))
		crashed = crashed || died_of_fault(&end);
	return crashed && (status == 0 || status == EXIT_SKIP) ? 1 : status;
}
