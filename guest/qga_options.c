/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/qga_options.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/sysfile.h"

#define UNIT "qemu-guest-agent.service"

enum {
	VARIABLES_MAX = 64,
	LINE_BYTES = 4096,
};

struct variable {
	char name[64];
	char value[1024];
};

/* What was read so far. */
struct reader {
	const char *root;
	struct variable variables[VARIABLES_MAX];
	size_t variable_count;
	char exec[LINE_BYTES]; /* of the last ExecStart=; empty: none */
};

static const char *get(const struct reader *reader, const char *name,
		       size_t name_bytes)
{
	for (size_t i = reader->variable_count; i > 0; i--) {
		const struct variable *variable = &reader->variables[i - 1];

		if (strlen(variable->name) == name_bytes &&
		    memcmp(variable->name, name, name_bytes) == 0)
			return variable->value;
	}
	return "";
}

/* The last one of a name counts. */
static int set(struct reader *reader, const char *name, size_t name_bytes,
	       const char *value)
{
	struct variable *variable = &reader->variables[reader->variable_count];

	if (reader->variable_count == VARIABLES_MAX ||
	    name_bytes >= sizeof(variable->name) ||
	    strlen(value) >= sizeof(variable->value))
		return -E2BIG;
	memcpy(variable->name, name, name_bytes);
	variable->name[name_bytes] = '\0';
	strcpy(variable->value, value);
	reader->variable_count++;
	return 0;
}

/*
 * The next word of *@at without its quotes, into @ret_word of LINE_BYTES.
 * Returns 1, 0 (no more) or -EINVAL.
 */
static int next_word(const char **at, char *ret_word)
{
	const char *in = *at + strspn(*at, " \t\r\n");
	char quote = '\0', *out = ret_word;

	if (!*in)
		return 0;
	for (; *in && (quote || !isspace((unsigned char)*in)); in++) {
		if (*in == '\\' && quote != '\'' && in[1])
			*out++ = *++in;
		else if (quote ? *in == quote : *in == '"' || *in == '\'')
			quote = quote ? '\0' : *in;
		else
			*out++ = *in;
	}
	*out = '\0';
	*at = in;
	return quote ? -EINVAL : 1;
}

static char *strip(char *line)
{
	char *end;

	line += strspn(line, " \t");
	end = line + strlen(line);
	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return line;
}

/* A line that ends with a backslash goes on in the next. Cuts at a '\n'. */
static bool read_line(FILE *file, char *line)
{
	size_t used = 0;

	while (fgets(line + used, (int)(LINE_BYTES - used), file)) {
		used += strcspn(line + used, "\n");
		line[used] = '\0';
		if (used == 0 || line[used - 1] != '\\')
			return true;
		line[used - 1] = ' ';
	}
	return used > 0;
}

static FILE *open_below(const char *root, const char *path)
{
	char whole[2 * EBB_SYSFILE_PATH_BYTES];

	snprintf(whole, sizeof(whole), "%s%.500s", root, path);
	return fopen(whole, "re");
}

/* NAME=VALUE, as systemd and a shell have it. 0: it is not there, or read. */
static int read_environment(struct reader *reader, const char *path)
{
	FILE *file ebb_auto_fclose = open_below(reader->root, path);
	char line[LINE_BYTES], value[LINE_BYTES];
	int r = 0;

	while (file && r == 0 && read_line(file, line)) {
		char *name = strip(line), *equals = strchr(name, '=');
		const char *at;

		if (*name == '#' || *name == ';' || !equals)
			continue;
		at = equals + 1;
		r = next_word(&at, value);
		if (r >= 0 && at[strspn(at, " \t")] && r == 1) {
			/* Unquoted words: systemd takes them all. */
			snprintf(value, sizeof(value), "%s", equals + 1);
		}
		if (r >= 0)
			r = set(reader, name, (size_t)(equals - name),
				r == 1 ? value : "");
	}
	return r;
}

static int take_setting(struct reader *reader, const char *name,
			const char *value)
{
	char word[LINE_BYTES], *equals;
	int r = 0;

	if (strcmp(name, "ExecStart") == 0) {
		snprintf(reader->exec, sizeof(reader->exec), "%s", value);
	} else if (strcmp(name, "EnvironmentFile") == 0 && *value) {
		r = read_environment(reader, value + (*value == '-'));
	} else if (strcmp(name, "Environment") == 0) {
		while ((r = next_word(&value, word)) == 1) {
			equals = strchr(word, '=');
			if (equals)
				r = set(reader, word, (size_t)(equals - word),
					equals + 1);
			if (r < 0)
				break;
		}
	}
	return r;
}

/* -ENOENT: it is not there, or masked. */
static int read_unit(struct reader *reader, const char *path)
{
	FILE *file ebb_auto_fclose = open_below(reader->root, path);
	bool in_service = false, any = false;
	char line[LINE_BYTES];
	int r = 0;

	while (file && r == 0 && read_line(file, line)) {
		char *name = strip(line), *equals = strchr(name, '=');

		any = true;
		if (*name == '[')
			in_service = strcmp(name, "[Service]") == 0;
		if (!in_service || !equals || *name == '#' || *name == ';')
			continue;
		*equals = '\0';
		r = take_setting(reader, strip(name), strip(equals + 1));
	}
	return r == 0 && !any ? -ENOENT : r;
}

static int read_drop_ins(struct reader *reader, const char *dir, char *ret_path)
{
	char pattern[512];
	glob_t files;
	int r = 0;

	snprintf(pattern, sizeof(pattern), "%s%s/" UNIT ".d/*.conf",
		 reader->root, dir);
	if (glob(pattern, 0, NULL, &files) != 0)
		return 0;
	for (size_t i = 0; i < files.gl_pathc && r >= 0; i++) {
		snprintf(ret_path, 256, "%s",
			 files.gl_pathv[i] + strlen(reader->root));
		r = read_unit(reader, ret_path);
		if (r == -ENOENT)
			r = 0;
	}
	globfree(&files);
	return r;
}

/* The first one that there is, and then all drop-ins. -ENOENT: none. */
static int read_service(struct reader *reader, char *ret_path)
{
	static const char *const dirs[] = { "/usr/lib/systemd/system",
					    "/lib/systemd/system",
					    "/run/systemd/system",
					    "/etc/systemd/system" };
	int r = -ENOENT;

	for (size_t i = EBB_ARRAY_SIZE(dirs); i > 0 && r == -ENOENT; i--) {
		snprintf(ret_path, 256, "%s/" UNIT, dirs[i - 1]);
		r = read_unit(reader, ret_path);
	}
	for (size_t i = 0; i < EBB_ARRAY_SIZE(dirs) && r == 0; i++)
		r = read_drop_ins(reader, dirs[i], ret_path);
	return r;
}

static int add(struct ebb_qga_options *options, const char *word)
{
	size_t bytes = strlen(word) + 1;

	if (options->count == EBB_QGA_OPTIONS_MAX ||
	    bytes > sizeof(options->text) - options->used)
		return -E2BIG;
	options->words[options->count++] =
		memcpy(options->text + options->used, word, bytes);
	options->words[options->count] = NULL;
	options->used += bytes;
	return 0;
}

/* Puts ${NAME} into a word. A specifier (%) is not understood, but for %%. */
static int expand(const struct reader *reader, const char *word, char *ret_word)
{
	size_t used = 0;

	for (const char *at = word; *at; at++) {
		const char *value = NULL, *end = NULL;

		if (*at == '%' && *++at != '%')
			return -EINVAL;
		if (at[0] == '$' && at[1] == '{')
			end = strchr(at, '}');
		if (end) {
			value = get(reader, at + 2, (size_t)(end - at - 2));
			at = end;
		} else if (at[0] == '$' && at[1] == '$') {
			at++;
		}
		if (used + (value ? strlen(value) : 1) >= LINE_BYTES)
			return -E2BIG;
		if (value)
			used += (size_t)sprintf(ret_word + used, "%s", value);
		else
			ret_word[used++] = *at;
	}
	ret_word[used] = '\0';
	return 0;
}

/* All words of a value, as systemd splits $NAME. */
static int add_words(struct ebb_qga_options *options, const char *value)
{
	char word[LINE_BYTES];
	int r;

	while ((r = next_word(&value, word)) == 1) {
		r = add(options, word);
		if (r < 0)
			break;
	}
	return r;
}

/* Of ExecStart, without its program. */
static int add_exec(const struct reader *reader,
		    struct ebb_qga_options *options)
{
	const char *at = reader->exec + strspn(reader->exec, "-@:+!");
	char word[LINE_BYTES], expanded[LINE_BYTES];
	int r = next_word(&at, word);

	while (r == 1) {
		r = next_word(&at, word);
		if (r != 1)
			break;
		if (word[0] == '$' && word[1] != '{' && word[1] != '$') {
			r = add_words(options,
				      get(reader, word + 1, strlen(word + 1)));
		} else {
			r = expand(reader, word, expanded);
			if (r == 0)
				r = add(options, expanded);
		}
		r = r < 0 ? r : 1;
	}
	return r;
}

static int add_option(struct ebb_qga_options *options, const char *option,
		      const char *value)
{
	char word[LINE_BYTES];

	if (!*value)
		return 0;
	snprintf(word, sizeof(word), "%s%s", option, value);
	return add(options, word);
}

/* Where no unit says how they are used. */
static int add_files(struct reader *reader, struct ebb_qga_options *options,
		     char *ret_path)
{
	static const struct {
		const char *name;
		const char *option;
	} variables[] = {
		{ "BLOCK_RPCS", "--block-rpcs=" },
		{ "BLACKLIST_RPC", "--blacklist=" },
		{ "FSFREEZE_HOOK_PATHNAME", "-F" },
	};
	int r;

	strcpy(ret_path, "/etc/default/qemu-guest-agent");
	r = read_environment(reader, ret_path);
	if (r == 0)
		r = add_words(options, get(reader, "DAEMON_ARGS", 11));
	if (r == 0) {
		strcpy(ret_path, "/etc/sysconfig/qemu-ga");
		r = read_environment(reader, ret_path);
	}
	if (r == 0)
		r = add_words(options, get(reader, "FILTER_RPC_ARGS", 15));
	for (size_t i = 0; i < EBB_ARRAY_SIZE(variables) && r == 0; i++)
		r = add_option(options, variables[i].option,
			       get(reader, variables[i].name,
				   strlen(variables[i].name)));
	return r;
}

/* 0: it stays; 1: it goes; 2: and the word after it, too. */
static int drops(const char *word)
{
	static const char *const longs[] = { "--method", "--path" };

	if (strcmp(word, "-m") == 0 || strcmp(word, "-p") == 0)
		return 2;
	if (strncmp(word, "-m", 2) == 0 || strncmp(word, "-p", 2) == 0)
		return 1;
	if (strcmp(word, "-d") == 0 || strcmp(word, "--daemonize") == 0)
		return 1;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(longs); i++) {
		size_t bytes = strlen(longs[i]);

		if (strcmp(word, longs[i]) == 0)
			return 2;
		if (strncmp(word, longs[i], bytes) == 0 && word[bytes] == '=')
			return 1;
	}
	return *word ? 0 : 1;
}

/* What is the relay's own to say goes. */
static void drop_ours(struct ebb_qga_options *options)
{
	size_t kept = 0;

	for (size_t i = 0; i < options->count; i++) {
		int drop = drops(options->words[i]);

		if (drop == 0)
			options->words[kept++] = options->words[i];
		else if (drop == 2)
			i++;
	}
	options->count = kept;
	options->words[kept] = NULL;
}

int ebb_qga_options_read(const char *root, struct ebb_qga_options *options,
			 char *ret_path)
{
	struct reader *reader ebb_auto_free = calloc(1, sizeof(*reader));
	int r;

	options->used = options->count = 0;
	options->words[0] = NULL;
	*ret_path = '\0';
	if (!reader)
		return -ENOMEM;
	reader->root = root;
	r = read_service(reader, ret_path);
	if (r == 0 && reader->exec[0])
		r = add_exec(reader, options);
	else if (r == 0 || r == -ENOENT)
		r = add_files(reader, options, ret_path);
	if (r < 0)
		return r;
	drop_ours(options);
	*ret_path = '\0';
	return 0;
}

bool ebb_qga_is_masked(const char *root)
{
	static const char *const dirs[] = { "/etc/systemd/system",
					    "/run/systemd/system" };
	char path[512], target[64];

	for (size_t i = 0; i < EBB_ARRAY_SIZE(dirs); i++) {
		ssize_t bytes;

		snprintf(path, sizeof(path), "%s%s/" UNIT, root, dirs[i]);
		bytes = readlink(path, target, sizeof(target));
		if (bytes == 9 && memcmp(target, "/dev/null", 9) == 0)
			return true;
	}
	return false;
}
