# SPDX-License-Identifier: GPL-2.0-only
# Completion of ebbctl(1) for bash.

# Names of domains, as ebbd tells them. compgen -W expands its words like a
# command line, so those with other characters are left out.
_ebbctl_domains()
{
	ebbctl "$@" list --json 2>/dev/null |
		sed -n 's/^ \{6\}"name": "\([A-Za-z0-9._:+-]*\)",*$/\1/p'
}

_ebbctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands='list top show reclaim deflate set explain policy history events doctor reload version help'
	local options='--connect --socket --json --help --version'
	local i word command='' action='' operands=0 connection=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-s | --socket | -c | --connect)
			connection+=("$word" "${COMP_WORDS[++i]}")
			;;
		--timeout | --interval | --since | --last | --budget | --free-target | --mode | --min | --max | --shares | --rungs | --reserved)
			((i++))
			;;
		-*) ;;
		*)
			if [[ -z $command ]]; then
				command=$word
			else
				action=$word
				((operands++))
			fi
			;;
		esac
	done

	case $prev in
	-s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-c | --connect)
		mapfile -t COMPREPLY < <(compgen -W \
			'qemu:///system qemu:///session' -- "$cur")
		return
		;;
	--timeout)
		mapfile -t COMPREPLY < <(compgen -W '10s 60s 5m' -- "$cur")
		return
		;;
	--interval)
		mapfile -t COMPREPLY < <(compgen -W '1s 2s 10s 1m' -- "$cur")
		return
		;;
	--last)
		mapfile -t COMPREPLY < <(compgen -W '10m 1h 6h 24h 7d' -- "$cur")
		return
		;;
	--budget)
		mapfile -t COMPREPLY < <(compgen -W 'host' -- "$cur")
		return
		;;
	--since)
		return
		;;
	--free-target)
		mapfile -t COMPREPLY < <(compgen -W '25% 50% auto none' -- "$cur")
		return
		;;
	--mode)
		mapfile -t COMPREPLY < <(compgen -W \
			'performance balanced density default' -- "$cur")
		return
		;;
	--min | --max)
		mapfile -t COMPREPLY < <(compgen -W '25% 50% none default' -- "$cur")
		return
		;;
	--shares)
		mapfile -t COMPREPLY < <(compgen -W '500 1000 2000 default' -- "$cur")
		return
		;;
	--rungs)
		mapfile -t COMPREPLY < <(compgen -W \
			'all none lease report balloon pageout lease,report default' -- "$cur")
		return
		;;
	--reserved)
		mapfile -t COMPREPLY < <(compgen -W 'keep share default' -- "$cur")
		return
		;;
	esac

	case $command in
	list) options+=' --all' ;;
	top) options+=' --interval --once' ;;
	history) options+=' --csv --since --last --budget' ;;
	events) options+=' --follow --since --last' ;;
	doctor) options+=' --fix' ;;
	reclaim) options+=' --all --dry-run --free-only --gentle --compact --no-compact --timeout' ;;
	set) options+=' --free-target --mode --min --max --shares --rungs --reserved --live --config --current' ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case $command:$operands in
	:0 | help:0)
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
		;;
	policy:1)
		if [[ $action == test ]]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		elif [[ $action != status ]]; then
			mapfile -t COMPREPLY < <(compgen -W \
				"$(_ebbctl_domains "${connection[@]}")" -- "$cur")
		fi
		;;
	policy:0)
		mapfile -t COMPREPLY < <(compgen -W 'status pause resume test' -- "$cur")
		;;
	reclaim:0 | deflate:0 | explain:0)
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_ebbctl_domains "${connection[@]}")" -- "$cur")
		;;
	show:0 | set:0 | history:0 | events:0 | doctor:0)
		# Of domains that are off, too.
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_ebbctl_domains "${connection[@]}" --all)" -- "$cur")
		;;
	esac
}

complete -F _ebbctl ebbctl
