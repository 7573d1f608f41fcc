# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The parts of scripts/bench about memory over time:
# footprint, of a real job in a guest, and shifted, of three guests that need
# their memory one after the other.
#
# The job builds Ebb with the host's own gcc, which comes with sources and headers
# on an ext4 disk: unpack, build, sort, clean, drop caches. A contender that must
# be asked is asked each second, by the same rule: what is free beyond a slack.
#
# Before: as for scripts/bench-guests.sh, which this sources, $files and
# $phase_rest.

: "${source_dir:?}" "${build:?}" "${files:?}" "${phase_rest:?}"

# shellcheck source=scripts/bench-guests.sh
. "$source_dir/scripts/bench-guests.sh"

JOB_DISK_MIB=384
# With fewer to build, there is less to unpack and to sort, too.
JOB_FILES_MANY=12
PHASES="unpack build sort clean drop"
SHIFTED_REST_SECONDS=2

# ---- the job's disk ----

job_sources()
{
	(cd "$source_dir" && ls protocol/*.c common/*.c host/*.c guest/*.c) |
		head -n "$files"
}

# As configure asks for them.
job_flags()
{
	echo "-O1 -g -I. -D_GNU_SOURCE" \
		"-DEBB_SYSCONFDIR='\"/etc\"' -DEBB_RUNSTATEDIR='\"/run\"'" \
		"-DEBB_LIBEXECDIR='\"/usr/libexec\"'" \
		"$(pkg-config --cflags json-c libvirt libxml-2.0 inih numa \
			libcap-ng libseccomp libsystemd)"
}

# job_copy TREE PATH...: with all directories, and what links point to.
job_copy()
{
	local tree=$1
	shift

	realpath -s "$@" | sort -u | tar -c -h -T - -P |
		tar -x -C "$tree" 2>/dev/null
}

# All files that the build reads, and the compiler itself with its libraries.
job_tree()
{
	local tree=$1 programs cc=${CC:-gcc} libraries name headers

	mkdir -p "$tree"/{src,tmp,dev,work}
	(cd "$source_dir" && tar -c protocol common host guest) | tar -x -C "$tree/src"
	cp "$build/config.h" "$tree/src/"
	job_sources >"$tree/src/files"
	job_flags >"$tree/src/flags"
	programs="$(command -v "$cc") $("$cc" -print-prog-name=cc1)
		$(command -v as) $(command -v ar)"
	# shellcheck disable=SC2086 # words
	libraries=$(ldd $programs | awk '$2 == "=>" { print $3 } NF == 2 { print $1 }' |
		grep '^/')
	# shellcheck disable=SC2046,SC2086 # words
	job_copy "$tree" $programs $libraries "$(command -v busybox)" \
		$(cd "$tree/src" && while read -r file; do
			eval "$cc -M $(cat flags) $file"
		done <files | tr -s '[:space:]' '\n' | grep '^/')
	mkdir -p "$tree/bin"
	for name in sh cat tr; do
		[ -e "$tree/bin/$name" ] ||
			ln -s "$(command -v busybox)" "$tree/bin/$name"
	done
	# Data to unpack and to sort: headers, as they are on each such machine.
	headers=$(printf '%s\n' /usr/src/linux-headers-*-common/include | tail -n 1)
	[ -d "$headers" ] || headers=/usr/include
	[ "$files" -ge $JOB_FILES_MANY ] || headers=$headers/linux
	tar -c -C "$headers" . >"$tree/headers.tar"
	gzip -1 "$tree/headers.tar"
}

# Makes $RIG_DIR/job.disk, once. 1: there is none to be had, $WHY.
job_disk()
{
	local tree=$RIG_DIR/job

	[ ! -e "$RIG_DIR/job.disk" ] || return 0
	WHY="no disk for the job"
	command -v mke2fs pkg-config gcc >/dev/null || return 1
	mkdir -p "$tree"
	job_tree "$tree" &&
		mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -d "$tree" \
			"$RIG_DIR/job.new" "${JOB_DISK_MIB}M" >/dev/null || return 1
	rm -rf "$tree"
	mv "$RIG_DIR/job.new" "$RIG_DIR/job.disk"
}

# In the guest. The compiler runs from the disk, as a root of its own.
job_script()
{
	cat <<-'END'
	work=/run/disk/work
	case $1 in
	mount)
		while read -r module; do
			insmod /lib/modules/$module.ko
		done </lib/modules/spare
		mkdir -p /run/disk
		mount -t ext4 /dev/vda /run/disk && mount -t devtmpfs dev /run/disk/dev ;;
	unpack) zcat /run/disk/headers.tar.gz | tar -x -C $work ;;
	build)
		mkdir -p $work/out
		xargs -P 2 -n 1 chroot /run/disk /bin/sh -c 'cd /src &&
			eval gcc $(cat flags) -c $0 -o /work/out/$(echo $0 | tr / -).o' \
			</run/disk/src/files &&
			chroot /run/disk /bin/sh -c 'cd /work/out && ar rcs all.a *.o' ;;
	sort) find $work -type f -name '*.h' | xargs cat | sort >$work/sorted ;;
	clean) rm -rf $work/* ;;
	drop) sync; echo 3 >/proc/sys/vm/drop_caches ;;
	esac
	END
}

# ---- who asks ----

# Leaves the guest $1 MiB in all, of those that have a size; in steps of 2 MiB.
resize()
{
	local mib=$(($1 / 2 * 2)) least=$((memory - give))

	# The rest of such a guest is no virtio-mem; a balloon knows no such end.
	[ "$kind" != virtio-mem ] || [ $mib -ge $least ] || mib=$least
	[ $mib -le "$memory" ] || mib=$memory
	request_size "$mib"
}

# What it has now: a guest follows slowly.
size_mib()
{
	case $kind in
	balloon) balloon_mib ;;
	virtio-mem) echo $((memory - give + $(virtio_mem_mib))) ;;
	esac
}

# attend FREE-MIB: what an operator would have a script do.
attend()
{
	local slack=$((memory / 5)) over=$(($1 - memory / 5))

	case $kind in
	ebb*) "$ctl" --socket "$EBBD_SOCKET" reclaim "$GUEST" --all ;;
	balloon | virtio-mem)
		if [ $over -lt -$((slack / 4)) ] || [ $over -gt $((slack / 4)) ]; then
			resize $(($(size_mib) - over))
		fi ;;
	esac
}

# "STATUS FREE-MIB" of the guest: STATUS is - while the phase runs.
phase_state()
{
	guest "cat /run/job.status 2>/dev/null || echo -
		awk '\$1 == \"MemFree:\" { print int(\$2 / 1024) }' /proc/meminfo" | xargs
}

# phase NAME: starts it, attends to the guest till it has ended, and for a while.
phase()
{
	local status=- free end=

	say "$kind, $1"
	guest "rm -f /run/job.status
		{ sh /run/job $1 >>/run/job.out 2>&1; echo \$? >/run/job.new
			mv /run/job.new /run/job.status; } &" || return 1
	while [ -z "$end" ] || [ $SECONDS -lt "$end" ]; do
		sleep 1
		read -r status free < <(phase_state) || return 1
		attend "$free" >/dev/null 2>&1
		[ "$status" = - ] || [ -n "$end" ] ||
			end=$((SECONDS + phase_rest))
	done
	[ "$status" = 0 ]
}

# ---- footprint ----

# "GIB-MINUTES PEAK-MIB MEAN-MIB": of what books printed.
footprint_of()
{
	awk 'NR == 1 { start = $1 }
		NR > 1 { sum += bytes * ($1 - us) }
		{ us = $1; bytes = $2; if (bytes > peak) peak = bytes }
		END { printf "%.3f %.0f %.0f\n", sum / 1073741824 / 60000000,
			peak / 1048576, sum / (us - start + 1) / 1048576 }' "$1"
}

# footprint_data NAME LOG: seconds and MiB, for the plot, at most ten a second.
footprint_data()
{
	[ -n "${data_dir:-}" ] || return 0
	awk 'NR == 1 { start = $1 }
		NR == 1 || $1 - last >= 100000 {
			printf "%.1f\t%.0f\n", ($1 - start) / 1e6, $2 / 1048576
			last = $1
		}' "$2" >"$data_dir/$1.tsv"
}

# "TOTAL FREE" of the guest's books, in MiB.
guest_books()
{
	guest "awk '\$1 == \"MemTotal:\" { t = \$2 } \$1 == \"MemFree:\" { f = \$2 }
		END { print int(t / 1024), int(f / 1024) }' /proc/meminfo"
}

footprint_of_kind()
{
	local log=$RIG_DIR/run/books start=$SECONDS name sum peak mean resident
	local kernel total free

	boot "$kind" "" --disk $JOB_DISK_MIB --disk-file "$RIG_DIR/job.disk" ||
		{ measure "GiB*min of the job" "$WHY"; return; }
	# What its kernel keeps from the first is in no book of the guest's.
	read -r total free < <(guest_books)
	kernel=$((memory - total))
	guest "echo $(job_script | base64 -w 0) | base64 -d >/run/job && sh /run/job mount" >&2 ||
		{ measure "GiB*min of the job" "failed: mount"; return; }
	books_begin "$log" --every 100
	start=$SECONDS
	for name in $PHASES; do
		if ! phase "$name"; then
			rig_kill "$BOOKS_PID"
			say "$(guest "tail -n 5 /run/job.out; dmesg | tail -n 5")"
			measure "GiB*min of the job" "failed in $name"
			return
		fi
		resident=$(backing_bytes)
		measure "MiB resident after $name" $((resident >> 20))
	done
	rig_kill "$BOOKS_PID"
	read -r total free < <(guest_books)
	measure "MiB that the guest uses in the end" $((kernel + total - free))
	measure "resident, of what the guest uses" \
		"$(ratio $((resident >> 20)) $((kernel + total - free)))"
	read -r sum peak mean < <(footprint_of "$log")
	measure "GiB*min of the job" "$sum"
	measure "MiB at the peak" "$peak"
	measure "MiB on average" "$mean"
	measure "s, with $phase_rest s of rest after each phase" $((SECONDS - start))
	footprint_data "footprint-$kind" "$log"
}

part_footprint()
{
	remove_all
	if ! job_disk; then
		for kind in $(guests_of_contenders); do
			measure "GiB*min of the job" "$WHY"
		done
		return
	fi
	echo "footprint: the job is to unpack, to build $(job_sources | wc -l)" \
		"files of C with gcc, to sort, to clean and to drop caches" |
		tee -a "$RIG_DIR/run/preamble"
	for kind in $(guests_of_contenders ebb-hugetlb); do
		footprint_of_kind
		remove_all
	done
	add_ratios footprint "GiB*min of the job" nothing "GiB*min, of nothing's"
}

# ---- shifted ----

# Each guest in its turn uses $give MiB for 2 s and frees them; who can be asked is
# asked then, and must be given back first.
shifted_turn()
{
	give_back || return 1
	guest_run 300 "fill --hold $give >/run/fill.pid && sleep 2
		kill \$(cat /run/fill.pid)" >&2 || return 1
	sleep 0.5
	ask >/dev/null 2>&1 || say "$kind: not all came"
}

shifted_of_kind()
{
	local log=$RIG_DIR/run/books i paths=() sum peak mean

	boot_several "$kind" 3 || { measure "GiB*min of three guests" "$WHY"; return; }
	for i in 1 2 3; do
		GUEST=${guest_of[$kind-$i]}
		ask >/dev/null 2>&1
		mapfile -t -O ${#paths[@]} paths < <(backing_paths | cut -d ' ' -f 2)
	done
	"$build/tests/bench/books" --every 100 "${paths[@]}" >"$log" 8>&- &
	BOOKS_PID=$!
	for i in 1 2 3; do
		GUEST=${guest_of[$kind-$i]}
		shifted_turn || { rig_kill "$BOOKS_PID"
			measure "GiB*min of three guests" "failed"; return; }
		sleep $SHIFTED_REST_SECONDS
	done
	rig_kill "$BOOKS_PID"
	read -r sum peak mean < <(footprint_of "$log")
	measure "GiB*min of three guests" "$sum"
	measure "MiB at the peak" "$peak"
	measure "MiB on average" "$mean"
	measure "MiB in the end" "$(tail -n 1 "$log" | awk '{ printf "%.0f\n", $2 / 1048576 }')"
	measure "s" "$(awk 'NR == 1 { s = $1 } END { printf "%.0f\n", ($1 - s) / 1e6 }' "$log")"
	footprint_data "shifted-$kind" "$log"
}

part_shifted()
{
	remove_all
	for kind in $(guests_of_contenders ebb-hugetlb); do
		say "three guests, $kind"
		shifted_of_kind
		remove_all
	done
	add_ratios shifted "MiB at the peak" nothing "peak, of nothing's"
	add_ratios shifted "GiB*min of three guests" nothing "GiB*min, of nothing's"
}
