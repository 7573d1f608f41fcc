# SPDX-License-Identifier: GPL-2.0-only
# Completion of ebbctl(1) for fish.

# Names of domains, as the ebbd tells them that the line asks; with --all also of those
# that are off.
function __ebbctl_domains
	set -l words (commandline -opc)
	set -l connection
	for i in (seq 2 (count $words))
		if contains -- $words[$i] -s --socket -c --connect; and set -q words[(math $i + 1)]
			set -a connection $words[$i] $words[(math $i + 1)]
		end
	end
	ebbctl $connection list $argv --json 2>/dev/null |
		sed -n 's/^ \{6\}"name": "\([^"\\]*\)",*$/\1/p'
end

set -l commands list top show reclaim deflate set explain policy history events doctor reload version help
set -l no_command "not __fish_seen_subcommand_from $commands"

complete -c ebbctl -f
complete -c ebbctl -n "$no_command" -a list -d 'List the domains'
complete -c ebbctl -n "$no_command" -a top -d 'Watch the host and the domains'
complete -c ebbctl -n "$no_command" -a show -d 'Show what is known of a domain'
complete -c ebbctl -n "$no_command" -a reclaim -d 'Take memory of a domain'
complete -c ebbctl -n "$no_command" -a deflate -d 'Give back what a balloon holds'
complete -c ebbctl -n "$no_command" -a set -d 'Set what a domain keeps free, and its part in the policy'
complete -c ebbctl -n "$no_command" -a explain -d 'Explain what the policy does'
complete -c ebbctl -n "$no_command" -a policy -d 'Pause, resume or try the policy, or show how it is'
complete -c ebbctl -n "$no_command" -a history -d 'Show what a domain or the host had'
complete -c ebbctl -n "$no_command" -a events -d 'Show what happened'
complete -c ebbctl -n "$no_command" -a doctor -d 'Check what the host or a domain lacks'
complete -c ebbctl -n "$no_command" -a reload -d 'Have ebbd read its configuration anew'
complete -c ebbctl -n "$no_command" -a version -d 'Show the versions of ebbctl and ebbd'
complete -c ebbctl -n "$no_command" -a help -d 'Show help on a command'

# Operands.
complete -c ebbctl -n '__fish_seen_subcommand_from reclaim deflate explain' -a '(__ebbctl_domains)'
complete -c ebbctl -n '__fish_seen_subcommand_from show set history events doctor' -a '(__ebbctl_domains --all)'
complete -c ebbctl -n '__fish_seen_subcommand_from policy; and not __fish_seen_subcommand_from status pause resume test' -a 'status pause resume test'
complete -c ebbctl -n '__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from pause resume' -a '(__ebbctl_domains)'
complete -c ebbctl -n '__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from test' -F
complete -c ebbctl -n '__fish_seen_subcommand_from help' -a "$commands"

# Options of every command.
complete -c ebbctl -s c -l connect -x -a 'qemu:///system qemu:///session' -d 'libvirt that ebbd must be connected to'
complete -c ebbctl -s s -l socket -r -F -d 'socket of ebbd'
complete -c ebbctl -l json -d 'print what ebbd answers, and errors, as JSON'
complete -c ebbctl -s h -l help -d 'show help and exit'
complete -c ebbctl -s V -l version -d 'show the version of ebbctl and exit'

complete -c ebbctl -n '__fish_seen_subcommand_from list' -l all -d 'domains that are shut off, too'

complete -c ebbctl -n '__fish_seen_subcommand_from top' -l interval -x -a '1s 2s 10s 1m' -d 'ask ebbd each T'
complete -c ebbctl -n '__fish_seen_subcommand_from top' -l once -d 'print one picture as text, and exit'

complete -c ebbctl -n '__fish_seen_subcommand_from history' -l csv -d 'print numbers, a line each'
complete -c ebbctl -n '__fish_seen_subcommand_from history' -l since -x -d 'from this time on'
complete -c ebbctl -n '__fish_seen_subcommand_from history' -l last -x -a '10m 1h 6h 2d' -d 'the time until now'
complete -c ebbctl -n '__fish_seen_subcommand_from history' -l budget -x -d 'of this budget'

complete -c ebbctl -n '__fish_seen_subcommand_from events' -l follow -d 'go on with what happens'
complete -c ebbctl -n '__fish_seen_subcommand_from events' -l since -x -d 'from this time on'
complete -c ebbctl -n '__fish_seen_subcommand_from events' -l last -x -a '10m 1h 6h 2d' -d 'the time until now'

complete -c ebbctl -n '__fish_seen_subcommand_from reclaim' -l all -d 'all that is free'
complete -c ebbctl -n '__fish_seen_subcommand_from reclaim' -l dry-run -d 'say what would be reclaimed, and leave it'
complete -c ebbctl -n '__fish_seen_subcommand_from reclaim' -l timeout -x -a '10s 60s 5m' -d 'stop after this time'
complete -c ebbctl -n '__fish_seen_subcommand_from reclaim' -l compact -d 'have the guest make contiguous what it has free'
complete -c ebbctl -n '__fish_seen_subcommand_from reclaim' -l no-compact -d 'take only what is contiguous already'
complete -c ebbctl -n '__fish_seen_subcommand_from reclaim' -l free-only -d 'take only what is free'
complete -c ebbctl -n '__fish_seen_subcommand_from reclaim' -l gentle -d 'spread it over up to 10 s'

complete -c ebbctl -n '__fish_seen_subcommand_from doctor' -l fix -d 'print a patch of the definition, and change nothing'

complete -c ebbctl -n '__fish_seen_subcommand_from set' -l free-target -x -a '25% 50% auto none' -d 'keep that much free'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l mode -x -a 'performance balanced density default' -d 'what it returns'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l min -x -a '25% 50% none default' -d 'keep at least that'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l max -x -a '25% 50% none default' -d 'have at most that'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l shares -x -a '500 1000 2000 default' -d 'weight when memory is short'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l rungs -x -a 'all none lease report balloon pageout default' -d 'how memory may be taken'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l reserved -x -a 'keep share default' -d 'if resident memory was paid for'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l live -d 'of the domain that runs alone'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l config -d 'of its definition alone, from its next start on'
complete -c ebbctl -n '__fish_seen_subcommand_from set' -l current -d 'as virsh has it'
