/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module-swaps NAME: the compare-and-swaps in the text of a loaded module, as the
 * kernel has patched it. Prints "LOCKED UNLOCKED PATCHED": those of 64 bits with
 * their LOCK prefix, those of 64 bits that the kernel took it from (DS is in its
 * place), and all others that it took it from.
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PREFIX_LOCK = 0xf0,
	PREFIX_NONE = 0x3e,
	TEXT_BYTES_MAX = 1 << 20,
};

static void find_module(const char *name, uint64_t *address, size_t *bytes)
{
	FILE *modules = fopen("/proc/modules", "re");
	char line[512], found[64];

	if (!modules)
		err(1, "/proc/modules");
	while (fgets(line, sizeof(line), modules)) {
		if (sscanf(line, "%63s %zu %*s %*s %*s %lx", found, bytes,
			   address) == 3 &&
		    strcmp(found, name) == 0) {
			fclose(modules);
			return;
		}
	}
	errx(1, "no module %s", name);
}

/* Where in /proc/kcore the kernel's @address is. */
static off_t find_offset(int core, uint64_t address)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;

	if (pread(core, &head, sizeof(head), 0) != sizeof(head))
		err(1, "/proc/kcore");
	for (int i = 0; i < head.e_phnum; i++) {
		off_t at = (off_t)(head.e_phoff + (size_t)i * sizeof(part));

		if (pread(core, &part, sizeof(part), at) != sizeof(part))
			err(1, "/proc/kcore");
		if (part.p_type == PT_LOAD && address >= part.p_vaddr &&
		    address < part.p_vaddr + part.p_filesz)
			return (off_t)(part.p_offset + address - part.p_vaddr);
	}
	errx(1, "/proc/kcore does not have %#lx", address);
}

/* Whether a 64-bit cmpxchg is at @text, behind its first prefix. */
static int is_swap_of_64(const uint8_t *text)
{
	return (text[0] & 0xf8) == 0x48 && text[1] == 0x0f && text[2] == 0xb1;
}

static int is_swap_of_32(const uint8_t *text)
{
	if ((text[0] & 0xf8) == 0x40)
		text++;
	return text[0] == 0x0f && text[1] == 0xb1;
}

int main(int argc, char **argv)
{
	static uint8_t text[TEXT_BYTES_MAX];
	int core = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	int locked = 0, unlocked = 0, others = 0;
	uint64_t address;
	size_t bytes;
	ssize_t got;

	if (argc != 2)
		errx(1, "usage: module-swaps NAME");
	if (core < 0)
		err(1, "/proc/kcore");
	find_module(argv[1], &address, &bytes);
	if (bytes > sizeof(text))
		bytes = sizeof(text);
	got = pread(core, text, bytes, find_offset(core, address));
	if (got < 4)
		err(1, "/proc/kcore");
	for (ssize_t at = 0; at + 4 < got; at++) {
		locked += text[at] == PREFIX_LOCK &&
			  is_swap_of_64(text + at + 1);
		unlocked += text[at] == PREFIX_NONE &&
			    is_swap_of_64(text + at + 1);
		others += text[at] == PREFIX_NONE &&
			  is_swap_of_32(text + at + 1);
	}
	printf("%d %d %d\n", locked, unlocked, others);
	return 0;
}
