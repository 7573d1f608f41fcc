# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The contenders of scripts/bench: how a guest of each kind is
# made, asked for memory and given it back. Where one cannot be had (no huge pages,
# a peer that this libvirt does not know), its cells fail, not the run: $WHY.
#
# Before: as for scripts/bench-lib.sh, which this sources, and $contenders.

: "${source_dir:?}" "${build:?}" "${contenders:?}"

# shellcheck source=scripts/bench-lib.sh
. "$source_dir/scripts/bench-lib.sh"

# Memory that a guest keeps: less, and a balloon drives a small one out of memory.
KEPT_MIB_MIN=320
# Of Linux's virtio-mem: parts of memory blocks are not plugged.
BLOCK_MIB=128
ASK_SECONDS=180
# Free page reporting looks each 2 s, and takes a list by parts.
REPORTING_REST_MS=6000

WHY=
US=
BYTES=
# Of Ebb's command, what passed within ebbd.
INSIDE_US=
memory=${memory:-}
give=
ctl=$(program ebbctl)
# Of Ebb's command.
ask_options=()
declare -A dead=() paused=()

# set_memory MIB: of the guests that are booted from now on; $give of it are used,
# freed and asked for.
set_memory()
{
	local kept=$(($1 / 5))

	memory=$1
	[ $kept -ge $KEPT_MIB_MIN ] || kept=$KEPT_MIB_MIN
	give=$(((memory - kept) / BLOCK_MIB * BLOCK_MIB))
	[ $give -gt 0 ] ||
		rig_die "a guest of $memory MiB is too small: $((KEPT_MIB_MIN + BLOCK_MIB)) at least"
}

contends()
{
	[[ " $contenders " = *" $1 "* ]]
}

# contending [WITHOUT]...: contenders but those.
contending()
{
	local one

	for one in $contenders; do
		[[ " $* " = *" $one "* ]] || echo "$one"
	done
}

# guests_of_contenders [WITHOUT]...: of them, those that have a guest.
guests_of_contenders()
{
	contending bare bare-thp bare-hugetlb "$@"
}

# So many MiB of huge pages beside those in use? Given back by rig_cleanup; what
# rig_skip ends is only the subshell.
hugepages_can_be_had()
{
	RIG_HUGEPAGES=${RIG_HUGEPAGES:-$(cat /proc/sys/vm/nr_hugepages 2>/dev/null)}
	(hugepages_reserve "$1") >/dev/null
}

# "OPTION..." of guest_define
guest_options()
{
	case $1 in
	ebb | ebb-gentle | bare) ;;
	ebb-thp) echo --backing thp ;;
	ebb-hugetlb) echo --backing hugetlb ;;
	balloon) echo --balloon plain ;;
	reporting) echo --balloon reporting ;;
	virtio-mem) echo "--max-memory $((memory + BLOCK_MIB))" ;;
	esac
	[[ $1 = ebb* ]] || echo "--channels shell"
}

# begin_boot KIND [NUMBER [OPTION...]]: starts a guest, which is KIND or KIND-NUMBER
# in guest_of, and is there after end_boot. Several may boot at once. A rig_die in
# here ends the guest's part in the run, not the run.
begin_boot()
{
	local own mib=$memory key=$1${2:+-$2}
	local cmdline="ebb.no-module ebb.no-agent"
	kind=$1
	shift $(($# > 1 ? 2 : 1))

	if [ "$kind" = ebb-hugetlb ] && ! hugepages_can_be_had "$memory"; then
		WHY="no huge pages"
		return 1
	fi
	case $kind in
	ebb*) cmdline="" ;;
	virtio-mem) mib=$((memory - give))
		cmdline+=" memhp_default_state=online_movable" ;;
	esac
	mapfile -t own < <(guest_options "$kind" | tr ' ' '\n')
	GUEST=ebbtest-$$-$key-${#RIG_GUESTS[@]}
	RIG_GUESTS+=("$GUEST")
	WHY="no guest"
	(guest_define --name "$GUEST" --memory "$mib" --cmdline "$cmdline" \
		${own+"${own[@]}"} "$@" && virsh start "$GUEST" >/dev/null) >&2 ||
		return 1
	guest_of["$key"]=$GUEST
}

# end_boot KIND [NUMBER]: the guest is in use then.
end_boot()
{
	local key=$1${2:+-$2}

	kind=$1
	GUEST=${guest_of[$key]}
	(guest_wait &&
		case $kind in
		ebb*) wait_lease ;;
		virtio-mem) plug ;;
		esac) >&2 && return 0
	WHY="no guest"
	guest_remove "$GUEST"
	unset "guest_of[$key]"
	return 1
}

# boot KIND [NUMBER [OPTION...]]
boot()
{
	begin_boot "$@" && end_boot "$1" "${2:-}"
}

# boot_several KIND COUNT
boot_several()
{
	local i

	for ((i = 1; i <= $2; i++)); do
		begin_boot "$1" "$i" || return 1
	done
	for ((i = 1; i <= $2; i++)); do
		end_boot "$1" "$i" || return 1
	done
}

# boot_all KIND...: those that are not there, as pick does, and sooner.
boot_all()
{
	local one fresh=()

	for one; do
		[ -z "${guest_of[$one]:-}${dead[$one]:-}" ] || continue
		say "$one: a guest of $memory MiB"
		if begin_boot "$one"; then
			fresh+=("$one")
		else
			dead[$one]=$WHY
		fi
	done
	for one in ${fresh+"${fresh[@]}"}; do
		end_boot "$one" || dead[$one]=$WHY
	done
}

# pick KIND: what is said of the guest is said of that one, which is booted if it
# is not there. 1: none can be had.
pick()
{
	boot_all "$1"
	kind=$1
	GUEST=${guest_of[$kind]:-}
	[ -z "$GUEST" ] || return 0
	WHY=${dead[$kind]}
	measure "a guest" "$WHY"
	return 1
}

# use KIND: the same, and the other guests pause: what they do with nothing to do is
# no part of what is measured, and takes some of a CPU where guests are emulated.
use()
{
	local name

	pick "$1" || return 1
	for name in "${guest_of[@]}"; do
		[ "$name" = "$GUEST" ] || pause "$name"
	done
	go_on "$GUEST"
}

pause()
{
	[ -z "${paused[$1]:-}" ] || return 0
	virsh suspend "$1" >/dev/null && paused[$1]=1
}

go_on()
{
	[ -n "${paused[$1]:-}" ] || return 0
	virsh resume "$1" >/dev/null && unset "paused[$1]"
}

# ---- virtio-mem ----

virtio_mem_mib()
{
	virsh dumpxml "$GUEST" |
		sed -n "s/.*<current unit='KiB'>\([0-9]*\)<.*/\1/p" |
		awk '{ print int($1 / 1024) }'
}

virtio_mem_is()
{
	[ "$(virtio_mem_mib)" = "$1" ]
}

# request_size MIB: what the guest is to have in all; it follows slowly.
request_size()
{
	case $kind in
	balloon) virsh setmem "$GUEST" "${1}M" --live >/dev/null ;;
	virtio-mem) virsh update-memory-device "$GUEST" \
		--requested-size "$(($1 - memory + give))M" --live >/dev/null ;;
	esac
}

# virtio_mem_resize MIB: of the device, and waits for it.
virtio_mem_resize()
{
	request_size $((memory - give + $1)) &&
		wait_for $ASK_SECONDS virtio_mem_is "$1"
}

plug()
{
	cat >"$RIG_DIR/$GUEST.device" <<-END
	<memory model='virtio-mem'>
	<target><size unit='MiB'>$give</size><node>0</node>
	<block unit='MiB'>2</block><requested unit='MiB'>$give</requested></target>
	</memory>
	END
	virsh attach-device "$GUEST" "$RIG_DIR/$GUEST.device" --live >/dev/null &&
		wait_for 60 virtio_mem_is "$give"
}

# ---- populate, ask, give back ----

# Uses $give MiB and frees them. FREED_US is when.
populate()
{
	WHY="failed: cannot use $give MiB"
	guest_run 600 "fill $give" >&2 || return 1
	FREED_US=${EPOCHREALTIME/./}
}

# ask [NAME]: $give MiB of what is free; 0 when they are given. Nothing and free
# page reporting cannot be asked.
# shellcheck disable=SC2120 # most have no name
ask()
{
	local file=$RIG_DIR/run/result${1:+-$1} how=()

	case $kind in
	ebb*) [ "$kind" != ebb-gentle ] || how=(--gentle)
		"$build/tests/bench/timed" "$file.us" \
		"$ctl" --socket "$EBBD_SOCKET" --json reclaim "$GUEST" --all \
		"${how[@]}" "${ask_options[@]}" >"$file" 2>"$file.stderr" ||
		{ say "$kind: exit $?: $(cat "$file.stderr" "$file")"; return 1; } ;;
	balloon) guest_balloon $((memory - give)) $ASK_SECONDS ;;
	virtio-mem) virtio_mem_resize 0 ;;
	esac
}

# Ebb's guest, and one that reports, take what they need.
give_back()
{
	case $kind in
	balloon) guest_balloon "$memory" $ASK_SECONDS ;;
	virtio-mem) virtio_mem_resize "$give" ;;
	esac
}

# books_begin FILE [OPTION]... (of tests/bench/books): of the guest in use.
# BOOKS_PID is who keeps them.
books_begin()
{
	local log=$1 paths
	shift

	mapfile -t paths < <(backing_paths | cut -d ' ' -f 2)
	"$build/tests/bench/books" "$@" "${paths[@]}" >"$log" 8>&- &
	BOOKS_PID=$!
	wait_for 5 test -s "$log"
}

# books_read FILE: "BYTES US": by how much they fell, and when the last hundredth
# of that was reached.
books_read()
{
	awk '{ us[NR] = $1; bytes[NR] = $2 }
		END {
			fell = bytes[1] - bytes[NR]
			for (i = NR; i > 1 && bytes[i - 1] <= bytes[NR] + fell / 100; i--)
				;
			printf "%.0f %.0f\n", fell, us[i]
		}' "$1"
}

# Asks, and has in BYTES what the host got and in US how long it took. 1: it did
# not give all.
timed_ask()
{
	local status=0

	case $kind in
	ebb*) timed_command || status=1 ;;
	*) timed_by_books || status=1 ;;
	esac
	WHY="failed: $((BYTES >> 20)) of $give MiB came"
	return $status
}

# Ebb's command ends when all is done; nothing of ours runs beside it.
timed_command()
{
	local before status=0

	before=$(backing_bytes)
	ask || status=1
	US=$(<"$RIG_DIR/run/result.us")
	BYTES=$((before - $(backing_bytes)))
	# shellcheck disable=SC2034 # for who asks
	INSIDE_US=$(jq '."elapsed-us" // empty' "$RIG_DIR/run/result")
	return $status
}

# Others have no such end: it is when the books say so.
timed_by_books()
{
	local log=$RIG_DIR/run/books start end status=0 done_us options=()

	[ "$kind" != reporting ] || options=(--settle "$REPORTING_REST_MS")
	books_begin "$log" ${options+"${options[@]}"}
	start=${EPOCHREALTIME/./}
	# shellcheck disable=SC2034 # for who asks
	INSIDE_US=
	if [ "$kind" = reporting ]; then
		start=$FREED_US
		wait_for $ASK_SECONDS pid_gone "$BOOKS_PID" || status=1
	else
		ask || status=1
		# The books are looked at each millisecond.
		sleep 0.05
	fi
	end=${EPOCHREALTIME/./}
	rig_kill "$BOOKS_PID"
	read -r BYTES done_us < <(books_read "$log")
	US=$((done_us - start))
	# Of what was untouched the books know nothing.
	[ "$US" -gt 0 ] || US=$((end - start))
	return $status
}

# What of the memory that is there for the guest is in huge pages of the host, in %.
huge_share()
{
	awk '$1 == "ShmemPmdMapped:" || $1 ~ /_Hugetlb:$/ { huge += $2 }
		$1 == "Pss_Shmem:" || $1 ~ /_Hugetlb:$/ { all += $2 }
		END { if (all) printf "%.1f\n", 100 * huge / all; else print "none" }' \
		"/proc/$(guest_pid)/smaps_rollup"
}
