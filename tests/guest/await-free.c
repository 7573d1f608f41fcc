/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * await-free MIB SECONDS: ends when so much of the guest's memory is free, as
 * after a balloon was deflated or memory plugged; 1 if it is not in time. Sleeps
 * between its looks, so that it takes nothing from those who give.
 */
#include <err.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>

enum {
	LOOKS_PER_SECOND = 500
};

static unsigned long long free_mib(void)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		err(1, "sysinfo");
	return (unsigned long long)info.freeram * info.mem_unit >> 20;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec =
						1000000000 / LOOKS_PER_SECOND };
	unsigned long long wanted;
	time_t end;

	if (argc != 3)
		errx(1, "usage: await-free MIB SECONDS");
	wanted = strtoull(argv[1], NULL, 0);
	end = time(NULL) + atoi(argv[2]);
	while (free_mib() < wanted) {
		if (time(NULL) > end)
			errx(1, "%llu of %llu MiB are free", free_mib(),
			     wanted);
		nanosleep(&pause, NULL);
	}
	return 0;
}
