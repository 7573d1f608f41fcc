#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Each command and option that --help names is in the man page and in the completions
# of bash, zsh and fish, and the other way round; and each key of ebbd.conf is in its
# page.
set -eu

srcdir=${srcdir:-.}
failed=0

differ()
{
	echo "not the same: $1" >&2
	printf '%s\n' "--- help" "$2" "--- page" "$3" >&2
	failed=1
}

same()
{
	[ -n "$2" ] || differ "$1 (nothing found)" "$2" "$3"
	[ "$2" = "$3" ] || differ "$1" "$2" "$3"
}

# Long options below a heading of a help text.
help_options()
{
	sed -n "/^$1/,/^\$/p" | grep -oE '^ .{0,8}--[a-z-]+' |
		grep -oE -e '--[a-z-]+' | sort
}

# Long options of the items of a mdoc text.
page_options()
{
	sed -n '/^\.It Fl/s/\\-/-/gp' | grep -oE -e '( |^)-[a-z]+[a-z-]*' |
		sed 's/^ */-/' | sort
}

# Long options of _arguments, and of complete.
zsh_options()
{
	grep -oE "['\"{,]--[a-z-]+[['}]" | grep -oE -e '--[a-z-]+' | sort
}

fish_options()
{
	sed -n 's/^complete .* -l \([a-z-]*\) .*/--\1/p' | sort
}

page=$srcdir/docs/ebbctl.1
completion=$srcdir/host/ctl/ebbctl.bash
commands=$(./ebbctl help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p' |
	sort)
same "commands of ebbctl" "$commands" "$(sed -n '/^\.Sh COMMANDS/,/^\.Sh OPT/p' \
	"$page" | sed -n 's/^\.It Cm \([a-z]*\).*/\1/p' | sort -u)"
same "synopsis of ebbctl" "$commands" "$(sed -n '/^\.Sh SYN/,/^\.Sh DESC/p' \
	"$page" | sed -n 's/^\.Cm \([a-z]*\).*/\1/p' | sort -u)"
same "completion of commands" "$commands" \
	"$(sed -n "s/.*commands='\(.*\)'/\1/p" "$completion" | tr ' ' '\n' |
		sort)"

zsh=$srcdir/host/ctl/_ebbctl
same "zsh's completion of commands" "$commands" \
	"$(sed -n "/^\tcommands=(/,/^\t)/s/^\t\t'\([a-z]*\):.*/\1/p" "$zsh" |
		sort)"
same "zsh's completion of options" \
	"$(./ebbctl help | help_options 'Options of every')" \
	"$(sed -n '/^\teverywhere=(/,/^\t)/p' "$zsh" | zsh_options)"
fish=$srcdir/host/ctl/ebbctl.fish
same "fish's completion of commands" "$commands" \
	"$(sed -n 's/^complete .*no_command" -a \([a-z]*\) .*/\1/p' "$fish" | sort)"
same "fish's list of commands" "$commands" \
	"$(sed -n 's/^set -l commands //p' "$fish" | tr ' ' '\n' | sort)"
same "fish's completion of options" \
	"$(./ebbctl help | help_options 'Options of every')" \
	"$(grep -v -e ' -n ' "$fish" | fish_options)"

same "options of every command" \
	"$(./ebbctl help | help_options 'Options of every')" \
	"$(sed -n '/^\.Sh OPTIONS/,/^\.Sh ENV/p' "$page" | page_options)"
same "completion of options" \
	"$(./ebbctl help | help_options 'Options of every')" \
	"$(sed -n "s/.*options='\(.*\)'/\1/p" "$completion" | tr ' ' '\n' |
		sort)"

for command in $commands; do
	[ "$(./ebbctl "$command" --help)" = "$(./ebbctl help "$command")" ] ||
		differ "$command --help" '' ''
	options=$(./ebbctl help "$command" |
		help_options "Options of $command" || true)
	documented=$(sed -n "/^\.It Cm $command/,/^\.It Cm\|^\.Sh/p" "$page" |
		page_options || true)
	[ "$options" = "$documented" ] ||
		differ "options of $command" "$options" "$documented"
	completed=$(sed -n "s/^\t$command) options+=' \(.*\)' ;;/\1/p" \
		"$completion" | tr ' ' '\n' | sort)
	[ "$options" = "$completed" ] ||
		differ "completion of $command" "$options" "$completed"
	completed=$(sed -n "/^\t[a-z |]*\b$command\b[a-z |]*)\$/,/;;/p" "$zsh" |
		zsh_options || true)
	[ "$options" = "$completed" ] ||
		differ "zsh's completion of $command" "$options" "$completed"
	completed=$(grep "seen_subcommand_from $command'" "$fish" |
		fish_options || true)
	[ "$options" = "$completed" ] ||
		differ "fish's completion of $command" "$options" "$completed"
done

# What a shell itself says of its completion, where there is one.
if command -v zsh >/dev/null; then
	zsh -n "$zsh" || failed=1
fi
if command -v fish >/dev/null; then
	fish -n "$fish" || failed=1
	same "what fish completes after reclaim" \
		"$(./ebbctl help reclaim | help_options Options)" \
		"$(fish --no-config -c "source '$fish'
			complete -C 'ebbctl reclaim --'" 2>/dev/null | sed 's/[[:space:]].*//' | sort)"
fi
if command -v bash >/dev/null; then
	bash -n "$completion" || failed=1
fi

# The keys: in the example, in the page.
same "keys of ebbd.conf" \
	"$(sed -n 's/^#\([a-z-]*\) =.*/\1/p' "$srcdir/host/ebbd.conf" | sort)" \
	"$(sed -n 's/^\.It Ic //p' "$srcdir/docs/ebbd.conf.5" | sort)"

if [ -x ./ebbd ]; then
	same "options of ebbd" \
		"$(./ebbd --help | sed 's/^$/Options/' |
			help_options Options)" \
		"$(page_options <"$srcdir/docs/ebbd.8")"
fi

if [ -x ./ebb-exporter ]; then
	same "options of ebb-exporter" \
		"$(./ebb-exporter --help | sed 's/^$/Options/' |
			help_options Options)" \
		"$(page_options <"$srcdir/docs/ebb-exporter.8")"
fi

if [ -x tests/sim/ebb-sim ]; then
	same "options of ebb-sim" \
		"$(tests/sim/ebb-sim --help | sed 's/^$/Options/' |
			help_options Options)" \
		"$(page_options <"$srcdir/docs/ebb-sim.1")"
fi

# Roff that does not parse shows as a warning, if there is a tool to say so.
for text in ebbctl.1 ebb-sim.1 ebb.4 ebbd.conf.5 ebb-agent.8 ebbd.8 ebb-exporter.8; do
	if command -v mandoc >/dev/null; then
		mandoc -Tlint -W warning "$srcdir/docs/$text" || failed=1
	elif command -v groff >/dev/null; then
		warnings=$(groff -mdoc -ww -Tutf8 -z "$srcdir/docs/$text" 2>&1)
		[ -z "$warnings" ] || differ "$text" "$warnings" ''
	fi
done
exit $failed
