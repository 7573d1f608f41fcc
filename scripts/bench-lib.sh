# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the benchmarks share: the guests of a run by the name of what they stand
# for (their kind), what is measured of them, and the table of it.
#
# Before: set -u, source_dir and build, as for scripts/rig.sh, which this sources.
# The raw data are lines "PART WHAT KIND ROUND VALUE", by tabs, in the file $data.
# A value that is not a number says what failed. Ratios are made of values of one
# round, so of the same minutes of the same machine.

: "${source_dir:?}" "${build:?}"

# shellcheck source=scripts/rig.sh
. "$source_dir/scripts/rig.sh"
# What is timed by polling is to be seen when it happens.
RIG_PAUSE_MAX_US=50000

part=
kind=
round=1
data=
declare -A guest_of=()

say()
{
	printf "%(%T)T %s\n" -1 "$part: $*" >&2
}

# measure WHAT VALUE: of the guest in use.
measure()
{
	printf '%s\t%s\t%s\t%s\t%s\n' "$part" "$1" "$kind" "$round" "$2" >>"$data"
}

# ratio A B: A / B, or that there is none.
ratio()
{
	awk -v a="$1" -v b="$2" 'BEGIN {
		if (a !~ /^[0-9.]+$/ || b !~ /^[0-9.]+$/ || b == 0) print "failed"
		else printf "%.3f\n", a / b }'
}

# ms MICROSECONDS
ms()
{
	awk -v us="$1" 'BEGIN { printf "%.3f\n", us / 1000 }'
}

# ms_or_failed STATUS MICROSECONDS
ms_or_failed()
{
	if [ "$1" = 0 ]; then
		ms "$2"
	else
		echo "failed (exit $1)"
	fi
}

# gib_per_s BYTES MICROSECONDS
gib_per_s()
{
	awk -v b="$1" -v us="$2" \
		'BEGIN { printf "%.4f\n", b / 1073741824 / (us / 1000000) }'
}

# ---- guests ----

# use KIND: what is said of the guest is said of that one.
use()
{
	kind=$1
	GUEST=${guest_of[$kind]}
}

remove_all()
{
	local name

	for name in ${guest_of+"${guest_of[@]}"}; do
		guest_remove "$name"
	done
	guest_of=()
}

# The guest's clocks and counters: "BUSY-MS DAEMONS-MS STALLS REFAULTS KERNEL-MS
# PSI-US SWITCHES INTERRUPTS". A tick is 10 ms; PSI is the time that some task
# waited for memory.
counters()
{
	guest_run 120 "cat /proc/stat /proc/vmstat /proc/pressure/memory \
			/proc/[0-9]*/stat 2>/dev/null" |
		awk '$1 == "cpu" { busy = $2 + $3 + $4 + $7 + $8 + $9
				kernel = $4 + $7 + $8 }
			$1 == "ctxt" { switches = $2 }
			$1 == "intr" { interrupts = $2 }
			$1 == "some" { sub("total=", "", $5); psi = $5 }
			$2 ~ /^\((kswapd|kcompactd)/ { daemons += $14 + $15 }
			/^allocstall_/ { stalls += $2 }
			/^workingset_refault_/ { refaults += $2 }
			END { print busy * 10, daemons * 10, stalls + 0,
				refaults + 0, kernel * 10, psi + 0, switches, interrupts }'
}

# Allocations that stalled, ms of waiting for memory, and kills, within the guest.
guest_figures()
{
	guest_run 60 "cat /proc/vmstat /proc/pressure/memory" |
		awk '/^allocstall_/ { stalls += $2 } $1 == "oom_kill" { kills = $2 }
			$1 == "some" { sub("total=", "", $5); psi = $5 }
			END { if (NR) print stalls + 0, int(psi / 1000), kills + 0 }'
}

# ---- a load that reads a file ----

# load_disk MIB: an image with the file "load". On a file system, as a guest's cache is:
# of the bare disk it is memory that the kernel does not move.
load_disk()
{
	mkdir "$RIG_DIR/tree"
	yes ebb | head -c "${1}M" >"$RIG_DIR/tree/load"
	mke2fs -q -t ext4 -O ^has_journal -d "$RIG_DIR/tree" "$RIG_DIR/load.disk" \
		$(($1 + 32))M >/dev/null ||
		rig_die "no disk of $1 MiB can be made in $RIG_DIR"
	rm -r "$RIG_DIR/tree"
}

# load_options MIB: of guest_define, for a guest that has such a disk.
load_options()
{
	echo --disk $(($1 + 32)) --disk-file "$RIG_DIR/load.disk"
}

# In the guest: /run/disk/load.
load_mount()
{
	# shellcheck disable=SC2016 # for the guest
	guest_run 60 'while read -r module; do
			insmod /lib/modules/$module.ko
		done </lib/modules/spare
		mkdir -p /run/disk && mount -t ext4 -o ro /dev/vda /run/disk' ||
		rig_die "$GUEST does not mount its disk"
}

# ---- the host's books ----

# swapped pswpin|pswpout: MiB by the host since it booted.
swapped()
{
	awk -v name="$1" -v page="$(getconf PAGESIZE)" \
		'$1 == name { printf "%d", $2 * page / 1048576 }' /proc/vmstat
}

# Since $1 $2 $3 of backing_holes: MiB that the host has more, and how much of
# that is whole.
measure_taken()
{
	local resident holes huge resident_before=$1 holes_before=$2 huge_before=$3

	read -r resident holes huge < <(backing_holes)
	measure "MiB taken, by the host's books" \
		$(((resident_before - resident) >> 20))
	measure "% of it whole huge pages" "$(awk -v a=$((huge - huge_before)) \
		-v b=$((holes - holes_before)) \
		'BEGIN { if (b > 0) printf "%.1f\n", 100 * a / b; else print "none" }')"
}

# Waits until the books have not moved for 6 s; free page reporting takes its time.
books_rest()
{
	local now last=-1

	for _ in 1 2 3 4 5 6 7 8 9 10; do
		now=$(backing_bytes)
		[ "$now" != "$last" ] || return 0
		last=$now
		sleep 6
	done
}

# ---- what came of it ----

# add_ratios PART WHAT BASE NAME [KIND...]: rows of each kind's WHAT, or only of
# those, as ratios to that of the kind BASE in the same round; none if that is not
# in the run.
add_ratios()
{
	local in_part=$1 what=$2 base=$3 name=$4
	shift 4

	awk -F '\t' -v OFS='\t' -v part="$in_part" -v what="$what" -v base="$base" \
		-v name="$name" -v only=" $* " '
		function number(text) { return text ~ /^-?[0-9.]+$/ }
		$1 != part || $2 != what { next }
		$3 == base { of[$4] = $5; based = 1; next }
		only == "  " || index(only, " " $3 " ") { line[++lines] = $0 }
		END {
			for (i = 1; based && i <= lines; i++) {
				split(line[i], f, "\t")
				b = (f[4] in of) ? of[f[4]] : ""
				value = "failed"
				if (number(f[5]) && number(b) && b > 0)
					value = sprintf("%.4f", f[5] / b)
				print part, name, f[3], f[4], value
			}
		}' "$data" >"$data.ratios"
	cat "$data.ratios" >>"$data"
	rm "$data.ratios"
}

# table [--markdown] KIND...: a row for each thing measured, a column for each kind. A
# cell is the median of its rounds and, of more than one, the least and the most. In
# Markdown there is no column of parts.
table()
{
	local markdown=0

	[ "$1" != --markdown ] || { markdown=1; shift; }
	awk -F '\t' -v kinds="$*" -v markdown=$markdown '
	function short(number) {
		number += 0
		if (number == int(number) || number >= 1000 || number <= -1000)
			return sprintf("%.0f", number)
		if (number < 0.1 && number > -0.1)
			return sprintf("%.4f", number)
		return sprintf("%.2f", number)
	}
	function middle(text,    list, n, i, j, t) {
		n = split(text, list, " ")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j] + 0 < list[j - 1] + 0; j--) {
				t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
			}
		t = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
		if (n == 1 || list[1] == list[n])
			return short(t)
		return short(t) " [" short(list[1]) " " short(list[n]) "]"
	}
	function cell(key) {
		if (!(key in rounds)) return "-"
		if (!(key in good)) return why[key] (rounds[key] > 1 ? " x" rounds[key] : "")
		return middle(good[key]) (bad[key] ? " (" bad[key] " of " rounds[key] " failed)" : "")
	}
	function widen(column, text) {
		if (length(text) > width[column]) width[column] = length(text)
	}
	function print_markdown(    head, line, r, k, of) {
		head = "| |"; line = "|---|"
		for (k = 1; k <= columns; k++) {
			head = head " " kind[k] " |"; line = line "---|"
		}
		print head; print line
		for (r = 1; r <= count; r++) {
			split(rows[r], of, FS)
			line = "| " of[2] " |"
			for (k = 1; k <= columns; k++)
				line = line " " cell(rows[r] FS kind[k]) " |"
			print line
		}
	}
	{
		row = $1 FS $2; key = row FS $3
		if (!(row in seen)) { seen[row] = 1; rows[++count] = row }
		used[$3] = 1
		rounds[key]++
		if ($5 ~ /^-?[0-9.]+$/) good[key] = good[key] " " $5
		else { bad[key]++; why[key] = $5 }
	}
	END {
		all = split(kinds, name, " ")
		for (k = 1; k <= all; k++)
			if (name[k] in used) kind[++columns] = name[k]
		if (markdown) { print_markdown(); exit }
		widen(-1, "part"); widen(0, "what")
		for (k = 1; k <= columns; k++) widen(k, kind[k])
		for (r = 1; r <= count; r++) {
			split(rows[r], of, FS)
			widen(-1, of[1]); widen(0, of[2])
			for (k = 1; k <= columns; k++)
				widen(k, cell(rows[r] FS kind[k]))
		}
		printf "%-*s  %-*s", width[-1], "part", width[0], "what"
		for (k = 1; k <= columns; k++) printf "  %*s", width[k], kind[k]
		print ""
		for (r = 1; r <= count; r++) {
			split(rows[r], of, FS)
			printf "%-*s  %-*s", width[-1], of[1], width[0], of[2]
			for (k = 1; k <= columns; k++)
				printf "  %*s", width[k], cell(rows[r] FS kind[k])
			print ""
		}
	}' "$data"
}
