/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbd.conf by the table of keys (host/config/key.h). The settings of domains are
 * read by host/interface/settings.h, as everywhere.
 *
 * The first error wins; the caller's configuration is written only at the end.
 */
#include "host/config.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/config/ini.h"
#include "host/config/key.h"
#include "host/interface/nearest.h"
#include "host/interface/plain.h"

#define CONF_D "conf.d"
#define DOMAIN_SECTION "domain "

/**
 * struct parse - all files of one configuration
 * @origin: of the file that is read, as settings show it: "conf.d/web.conf"
 * @file: its number, from 1
 * @seen: in this file, by index of the key
 * @domain: of the section that is read, or NULL
 */
struct parse {
	struct ebb_config config;
	char origin[64];
	uint32_t file;
	bool seen[EBB_CONFIG_KEYS_MAX];
	struct ebb_config_domain *domain;
	size_t capacity; /* of the domains */
};

/* Where systemd made one for the unit, as StateDirectory= says. */
static void take_state_directory(struct ebb_config *config)
{
	const char *dir = getenv("STATE_DIRECTORY");

	/* Several are not ours. */
	if (dir && *dir == '/' && !strchr(dir, ':') &&
	    strlen(dir) < sizeof(config->history_dir))
		strcpy(config->history_dir, dir);
}

void ebb_config_default(struct ebb_config *ret_config)
{
	*ret_config = (struct ebb_config){
		.uri = EBB_DEFAULT_URI,
		.socket = EBB_CONTROL_SOCKET,
		.group = "libvirt",
		.read_group = EBB_READ_GROUP,
		.log_level = EBB_LOG_INFO,
		.state_dir = EBB_RUNSTATEDIR "/ebb",
		.qemu_run_dir = EBB_RUNSTATEDIR "/libvirt/qemu",
		.workers = 8,
		.reclaims = 4,
		.reclaim_timeout_ms = 60 * 1000,
		.grant_window_ms = EBB_GRANT_WINDOW_MS,
		.hugetlb_cover_percent = 125,
		.agent_timeout_ms = 5 * 1000,
		.policy = { .enabled = true, .cover_guests = 1 },
	};
	take_state_directory(ret_config);
	ebb_settings_default(&ret_config->policy.settings);
}

/* ---- names ---- */

static bool is_domain_section(const char *name)
{
	return strncmp(name, DOMAIN_SECTION, strlen(DOMAIN_SECTION)) == 0;
}

/* Whether it has the settings of domains: mode and so on. */
static bool has_settings(const char *section)
{
	return is_domain_section(section) || strcmp(section, "policy") == 0;
}

static bool is_section(const char *name)
{
	for (size_t i = 0; i < ebb_config_key_count; i++) {
		if (strcmp(ebb_config_keys[i].section, name) == 0)
			return true;
	}
	return is_domain_section(name);
}

static void unknown_section(struct ebb_ini *ini, const char *name)
{
	static const char *const sections[] = { "daemon", "reclaim", "agent",
						"policy" };
	const char *near =
		ebb_nearest(name, sections, EBB_ARRAY_SIZE(sections));

	if (strcmp(name, "domain") == 0)
		ebb_ini_fail(ini, -EINVAL,
			     "[domain] names no domain: write [domain NAME], "
			     "with a name or UUID as virsh list shows it");
	else if (near)
		ebb_ini_fail(ini, -EINVAL,
			     "unknown section [%.40s]: did you mean [%s]?",
			     name, near);
	else
		ebb_ini_fail(ini, -EINVAL,
			     "unknown section [%.40s]: use [daemon], "
			     "[reclaim], [agent], [policy] or [domain NAME]",
			     name);
}

/* The section that a key would belong into, or NULL. */
static const char *home_of(const char *name)
{
	for (size_t i = 0; i < ebb_config_key_count; i++)
		if (strcmp(ebb_config_keys[i].name, name) == 0)
			return ebb_config_keys[i].section;
	return ebb_setting_find(name) >= 0 ? "policy" : NULL;
}

static void unknown_key(struct ebb_ini *ini, const char *section,
			const char *name)
{
	const char *names[EBB_CONFIG_KEYS_MAX + EBB_SETTING_COUNT] = { NULL };
	const char *home = home_of(name), *near;

	for (size_t i = 0; i < ebb_config_key_count; i++) {
		if (strcmp(ebb_config_keys[i].section, section) == 0)
			names[i] = ebb_config_keys[i].name;
	}
	for (size_t i = 0; has_settings(section) && i < EBB_SETTING_COUNT; i++)
		names[EBB_CONFIG_KEYS_MAX + i] =
			ebb_setting_name((enum ebb_setting)i);
	near = ebb_nearest(name, names, EBB_ARRAY_SIZE(names));
	if (near)
		ebb_ini_fail(ini, -EINVAL,
			     "%.60s.%.40s: unknown key: did you mean '%s'?",
			     section, name, near);
	else if (home)
		ebb_ini_fail(ini, -EINVAL,
			     "%.60s.%.40s: unknown key: it belongs into [%s]",
			     section, name, home);
	else
		ebb_ini_fail(ini, -EINVAL,
			     "%.60s.%.40s: unknown key: see ebbd.conf(5)",
			     section, name);
}

static void set_twice(struct ebb_ini *ini, const char *section,
		      const char *name)
{
	ebb_ini_fail(ini, -EINVAL, "%.60s.%s: set twice: remove one", section,
		     name);
}

/* ---- domains ---- */

/* A name as it is kept: libvirt has UUIDs in lower case. */
static void copy_name(char *to, const char *from)
{
	static const char form[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
	size_t length = strlen(from);
	bool is_uuid = length == strlen(form);

	for (size_t i = 0; is_uuid && i < length; i++)
		is_uuid = form[i] == '-'
				  ? from[i] == '-'
				  : isxdigit((unsigned char)from[i]) != 0;
	for (size_t i = 0; i <= length; i++)
		to[i] = is_uuid ? (char)tolower((unsigned char)from[i])
				: from[i];
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct ebb_config_domain *)a)->name,
		      ((const struct ebb_config_domain *)b)->name);
}

static struct ebb_config_domain *add_domain(struct parse *parse,
					    const char *name)
{
	struct ebb_policy_config *policy = &parse->config.policy;
	struct ebb_config_domain *domains = policy->domains;
	size_t capacity = parse->capacity ? 2 * parse->capacity : 8;

	if (policy->domain_count == parse->capacity) {
		domains = realloc(domains, capacity * sizeof(*domains));
		if (!domains)
			return NULL;
		policy->domains = domains;
		parse->capacity = capacity;
	}
	domains += policy->domain_count++;
	memset(domains, 0, sizeof(*domains));
	strcpy(domains->name, name);
	return domains;
}

static void enter_domain(struct parse *parse, struct ebb_ini *ini,
			 const char *name)
{
	struct ebb_policy_config *policy = &parse->config.policy;
	char kept[EBB_NAME_BYTES_MAX];

	name += strspn(name, " \t");
	if (!*name) {
		unknown_section(ini, "domain");
		return;
	}
	copy_name(kept, name);
	for (size_t length = strlen(kept);
	     kept[length - 1] == ' ' || kept[length - 1] == '\t';)
		kept[--length] = '\0';
	for (size_t i = 0; i < policy->domain_count; i++) {
		if (strcmp(policy->domains[i].name, kept) != 0)
			continue;
		parse->domain = &policy->domains[i];
		return;
	}
	if (policy->domain_count == EBB_CONFIG_DOMAINS_MAX) {
		ebb_ini_fail(ini, -EINVAL,
			     "more than %d sections [domain NAME]: give those "
			     "of domains to the domains: ebbctl set",
			     EBB_CONFIG_DOMAINS_MAX);
		return;
	}
	parse->domain = add_domain(parse, kept);
	if (!parse->domain)
		ebb_ini_fail(ini, -ENOMEM, "out of memory");
}

static_assert((int)EBB_INI_SECTION_BYTES <= (int)EBB_NAME_BYTES_MAX,
	      "a name of a section fits");

/* A header needs no key below it to be wrong. */
static void on_section(struct ebb_ini *ini, const char *section, void *opaque)
{
	struct parse *parse = opaque;

	parse->domain = NULL;
	if (!is_section(section))
		unknown_section(ini, section);
	else if (is_domain_section(section))
		enter_domain(parse, ini, section + strlen(DOMAIN_SECTION));
}

/* ---- keys ---- */

static void take_setting(struct parse *parse, struct ebb_ini *ini,
			 const char *section, enum ebb_setting setting,
			 const char *value)
{
	struct ebb_settings *settings =
		parse->domain ? &parse->domain->settings
			      : &parse->config.policy.settings;
	struct ebb_origin *origin = &settings->origins[setting];
	struct ebb_msg_error error;

	if (origin->file == parse->file) {
		set_twice(ini, section, ebb_setting_name(setting));
		return;
	}
	if (ebb_setting_parse(setting, value, &settings->values, &error) < 0) {
		ebb_ini_fail(ini, -EINVAL, "%.60s.%s: %s", section,
			     ebb_setting_name(setting), error.text);
		return;
	}
	origin->file = parse->file;
	snprintf(origin->text, sizeof(origin->text), "%s:%d", parse->origin,
		 ini->line);
}

static void on_pair(struct ebb_ini *ini, const char *section, const char *name,
		    const char *value, void *opaque)
{
	struct parse *parse = opaque;
	int setting = has_settings(section) ? ebb_setting_find(name) : -ENOENT;

	if (!*section) {
		ebb_ini_fail(ini, -EINVAL,
			     "'%.40s' stands before any section: put [daemon], "
			     "[reclaim], [agent] or [policy] above it",
			     name);
		return;
	}
	if (setting >= 0) {
		take_setting(parse, ini, section, (enum ebb_setting)setting,
			     value);
		return;
	}
	for (size_t i = 0; i < ebb_config_key_count; i++) {
		const struct ebb_config_key *key = &ebb_config_keys[i];

		if (strcmp(key->section, section) != 0 ||
		    strcmp(key->name, name) != 0)
			continue;
		if (parse->seen[i])
			set_twice(ini, section, name);
		parse->seen[i] = true;
		if (key->set(key, value, (char *)&parse->config + key->offset) <
		    0)
			ebb_ini_fail(ini, -EINVAL,
				     "%s.%s: '%.40s' is not accepted: give %s",
				     section, name, value, key->accepted);
		return;
	}
	unknown_key(ini, section, name);
}

/* ---- files ---- */

static int read_file(struct parse *parse, const char *path, const char *origin,
		     struct ebb_msg_error *ret_error)
{
	static const struct ebb_ini_ops ops = { .section = on_section,
						.pair = on_pair };

	parse->file++;
	parse->domain = NULL;
	memset(parse->seen, 0, sizeof(parse->seen));
	snprintf(parse->origin, sizeof(parse->origin), "%.*s",
		 (int)sizeof(parse->origin) - 1, origin);
	/* It is shown; and cut, it may be no UTF-8. */
	ebb_plain(parse->origin);
	return ebb_ini_read(path, &ops, parse, ret_error);
}

static int is_conf(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return *entry->d_name != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* By bytes: the order does not depend on who starts ebbd. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void free_entries(struct dirent **entries, int count)
{
	while (count > 0)
		free(entries[--count]);
	free(entries);
}

/* The length of the directory's part of a path, with its slash. */
static int directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash + 1 - path) : 0;
}

static int read_conf_d(struct parse *parse, const char *path,
		       struct ebb_msg_error *ret_error)
{
	char directory[PATH_MAX], file[PATH_MAX + NAME_MAX + 2];
	char origin[NAME_MAX + sizeof(CONF_D) + 1];
	struct dirent **entries = NULL;
	int count, r = 0;

	snprintf(directory, sizeof(directory), "%.*s" CONF_D,
		 directory_length(path), path);
	count = scandir(directory, &entries, is_conf, by_bytes);
	if (count < 0 && errno != ENOENT) {
		r = -errno;
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "%.100s: cannot be read: %s", directory, strerror(-r));
		return r;
	}
	for (int i = 0; i < count && r == 0; i++) {
		snprintf(file, sizeof(file), "%s/%s", directory,
			 entries[i]->d_name);
		snprintf(origin, sizeof(origin), CONF_D "/%s",
			 entries[i]->d_name);
		r = read_file(parse, file, origin, ret_error);
		/* One that goes meanwhile is not the one that must be there. */
		if (r == -ENOENT)
			r = -EIO;
	}
	free_entries(entries, count);
	return r;
}

/* Whether a min and a max, maybe of two files, exclude each other. */
static int check_settings(const char *path, const char *section,
			  const char *name, const struct ebb_settings *settings,
			  struct ebb_msg_error *ret_error)
{
	const char *max_origin = settings->origins[EBB_SETTING_MAX].text;
	int directory = directory_length(path);
	struct ebb_msg_error error;
	size_t used;

	if (ebb_settings_check(&settings->values, 0, &error) == 0)
		return 0;
	used = (size_t)snprintf(
		ret_error->text, sizeof(ret_error->text),
		"%.*s%.60s: %s%.30s.min: ", directory > 60 ? 0 : directory,
		path, settings->origins[EBB_SETTING_MIN].text, section, name);
	snprintf(ret_error->text + used, sizeof(ret_error->text) - used,
		 "%s (max is set in %s)", error.text, max_origin);
	return -EINVAL;
}

static int check_all(const char *path, const struct ebb_config *config,
		     struct ebb_msg_error *ret_error)
{
	int r = check_settings(path, "policy", "", &config->policy.settings,
			       ret_error);

	for (size_t i = 0; i < config->policy.domain_count && r == 0; i++) {
		const struct ebb_config_domain *domain =
			&config->policy.domains[i];
		struct ebb_settings settings = config->policy.settings;

		ebb_settings_overlay(&settings, &domain->settings);
		r = check_settings(path, DOMAIN_SECTION, domain->name,
				   &settings, ret_error);
	}
	return r;
}

int ebb_config_load(const char *path, enum ebb_config_presence presence,
		    struct ebb_config *ret_config,
		    struct ebb_msg_error *ret_error)
{
	struct parse parse = { 0 };
	struct ebb_policy_config *policy = &parse.config.policy;
	int r;

	ebb_config_default(&parse.config);
	r = read_file(&parse, path, path + directory_length(path), ret_error);
	if (r == -ENOENT && presence == EBB_CONFIG_OPTIONAL)
		r = 0;
	if (r == 0)
		r = read_conf_d(&parse, path, ret_error);
	if (r == 0)
		r = check_all(path, &parse.config, ret_error);
	if (r < 0) {
		ebb_config_clear(&parse.config);
		return r;
	}
	if (policy->domain_count > 0)
		qsort(policy->domains, policy->domain_count,
		      sizeof(*policy->domains), by_name);
	*ret_config = parse.config;
	return 0;
}

bool ebb_config_keeps_much(const struct ebb_config *config,
			   uint64_t memory_bytes)
{
	return config->policy.host_free_bytes > memory_bytes / 2;
}

void ebb_config_clear(struct ebb_config *config)
{
	free(config->policy.domains);
	config->policy.domains = NULL;
	config->policy.domain_count = 0;
}

/* Of keys that are texts or 32 bits. */
static bool is_same(const struct ebb_config_key *key,
		    const struct ebb_config *a, const struct ebb_config *b)
{
	const char *of_a = (const char *)a + key->offset;
	const char *of_b = (const char *)b + key->offset;

	return key->capacity ? strcmp(of_a, of_b) == 0
			     : memcmp(of_a, of_b, sizeof(uint32_t)) == 0;
}

void ebb_config_adopt(struct ebb_config *config, struct ebb_config *fresh,
		      char *ret_fixed, size_t fixed_bytes)
{
	size_t used = 0;

	ebb_config_clear(config);
	config->policy = fresh->policy;
	fresh->policy.domains = NULL;
	config->log_level = fresh->log_level;
	config->reclaim_timeout_ms = fresh->reclaim_timeout_ms;
	config->grant_window_ms = fresh->grant_window_ms;
	*ret_fixed = '\0';
	for (size_t i = 0; i < ebb_config_key_count; i++) {
		const struct ebb_config_key *key = &ebb_config_keys[i];

		if (strcmp(key->section, "policy") == 0 ||
		    is_same(key, config, fresh) || used >= fixed_bytes)
			continue;
		used += (size_t)snprintf(ret_fixed + used, fixed_bytes - used,
					 "%s%s.%s", used ? ", " : "",
					 key->section, key->name);
	}
	ebb_config_clear(fresh);
}

/* ---- what holds ---- */

static void overlay_domain(const struct ebb_policy_config *policy,
			   const char *name, struct ebb_settings *settings)
{
	const struct ebb_config_domain *found = NULL;
	struct ebb_config_domain key = { 0 };

	snprintf(key.name, sizeof(key.name), "%s", name);
	if (policy->domain_count > 0)
		found = bsearch(&key, policy->domains, policy->domain_count,
				sizeof(*policy->domains), by_name);
	if (found)
		ebb_settings_overlay(settings, &found->settings);
}

void ebb_config_settings(const struct ebb_config *config, const char *name,
			 const char *uuid, struct ebb_settings *ret_settings)
{
	*ret_settings = config->policy.settings;
	overlay_domain(&config->policy, name, ret_settings);
	overlay_domain(&config->policy, uuid, ret_settings);
}
