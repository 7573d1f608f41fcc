# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The rig: libvirt, guests and ebbd for the integration tests, the benchmark
# and the quickstart, which source this file. Everything that it starts is
# ended by rig_cleanup, by pid; what was there before is left as it was.
#
# Before: set -u, source_dir (this tree) and build (its build tree).
# Errors: rig_die with the remedy. Where a machine cannot do what is asked
# (no huge pages): rig_skip. Both may be replaced.

: "${source_dir:?}" "${build:?}"

URI=qemu:///system
RIG_DIR=
RIG_GUESTS=()
RIG_PIDS=()
RIG_HUGEPAGES=
RIG_LIBVIRT_STARTED=${RIG_LIBVIRT_STARTED:-}
RIG_KVM_OPENED=
RIG_SHELL=
RIG_SHELL_OF=
RIG_PAUSE_MAX_US=500000
EBBD_PID=
EBBD_SOCKET=
GUEST=

rig_die()
{
	echo "$*" >&2
	exit 1
}

rig_skip()
{
	echo "skip: $*"
	exit 77
}

# wait_for SECONDS COMMAND...: polls, as few things here can be waited on. A command
# that is at work for all of its time, but not for long, has a third of a CPU.
wait_for()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000)) start now pause
	shift

	while true; do
		start=${EPOCHREALTIME/./}
		! "$@" || return 0
		now=${EPOCHREALTIME/./}
		[ "$now" -lt $end ] || return 1
		pause=$((2 * (now - start)))
		[ $pause -ge 50000 ] || pause=50000
		[ $pause -le "$RIG_PAUSE_MAX_US" ] || pause=$RIG_PAUSE_MAX_US
		pause_us $pause
	done
}

# A sleep without a process, on what is never readable.
pause_us()
{
	local seconds

	[ -n "${RIG_NEVER:-}" ] || exec {RIG_NEVER}<> <(:)
	printf -v seconds %d.%06d $(($1 / 1000000)) $(($1 % 1000000))
	read -r -t "$seconds" -u "$RIG_NEVER"
	return 0
}

# One rig at a time, or one run of the tests, each in a world of its own
# (rig-world): an ebbd serves all guests of a libvirtd. Daemons that outlive the
# rig close the lock's fd 8.
rig_lock()
{
	[ -z "${RIG_LOCKED:-}" ] || return 0
	exec 8>/run/ebb-rig.lock || rig_die "cannot write to /run"
	if ! flock -n 8; then
		echo "waiting for another run to end (/run/ebb-rig.lock)" >&2
		flock 8
	fi
	export RIG_LOCKED=1
}

rig_init()
{
	[ "$(id -u)" = 0 ] || rig_skip "must be root: starts guests under libvirt"
	[ -x "$build/tests/integration/guest-run" ] ||
		rig_die "no $build/tests/integration/guest-run: make test-programs"
	rig_lock
	RIG_DIR=$(mktemp -d "${TMPDIR:-/tmp}/ebb-rig.XXXXXX")
	chmod 755 "$RIG_DIR"
	mkdir "$RIG_DIR/run" "$RIG_DIR/log"
	EBBD_SOCKET=$RIG_DIR/run/ebbd.sock
}

pid_gone()
{
	local stat

	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ $stat = *") Z "* ]]
}

# Ends a process of ours, and is sure of it.
rig_kill()
{
	kill "$1" 2>/dev/null
	wait_for 5 pid_gone "$1" || kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

rig_cleanup()
{
	local pid name

	stop_ebbd
	for pid in ${RIG_PIDS+"${RIG_PIDS[@]}"}; do
		rig_kill "$pid"
	done
	for name in ${RIG_GUESTS+"${RIG_GUESTS[@]}"}; do
		guest_remove "$name"
	done
	[ -z "$RIG_HUGEPAGES" ] ||
		echo "$RIG_HUGEPAGES" >/proc/sys/vm/nr_hugepages
	[ "$RIG_LIBVIRT_STARTED" != $$ ] || libvirt_stop
	[ -n "$RIG_DIR" ] || return 0
	[ ! -d "$RIG_DIR/ram" ] || umount "$RIG_DIR/ram"
	rm -rf --one-file-system "$RIG_DIR"
}

# ---- libvirt ----

virsh()
{
	command virsh -q -c "$URI" "$@"
}

libvirt_answers()
{
	timeout 10 virsh -q -c "$URI" version >/dev/null 2>&1
}

# Where no udev gave /dev/kvm to its group, QEMU's user may not open it, but the
# QEMU that libvirt asks for its capabilities may. So libvirt never believes what
# it has cached of them, and asks again at each call: 10 s and more.
kvm_open()
{
	[ "$(stat -c '%a %G' /dev/kvm 2>/dev/null)" = "600 root" ] || return 0
	chgrp kvm /dev/kvm && chmod 660 /dev/kvm && RIG_KVM_OPENED=yes
}

kvm_close()
{
	[ -n "$RIG_KVM_OPENED" ] || return 0
	chgrp root /dev/kvm && chmod 600 /dev/kvm
	RIG_KVM_OPENED=
}

# A machine without systemd has no libvirtd running; then it is ours to end.
libvirt_start()
{
	! libvirt_answers || return 0
	local daemon

	# libvirt locks a channel there, and where no systemd made /run it may
	# be missing: no channel could be opened.
	[ -d /var/lock/. ] || mkdir -p /run/lock
	kvm_open
	for daemon in virtlogd libvirtd; do
		command -v $daemon >/dev/null ||
			rig_die "no $daemon: scripts/install-deps"
		[ ! -e "/run/$daemon.pid" ] || pid_gone "$(cat "/run/$daemon.pid")" ||
			continue
		LIBVIRT_LOG_OUTPUTS="3:file:/var/log/libvirt/$daemon.log" \
			$daemon -d 8>&- || rig_die "$daemon did not start: /var/log/libvirt/$daemon.log"
	done
	RIG_LIBVIRT_STARTED=$$
	export RIG_LIBVIRT_STARTED
	wait_for 20 libvirt_answers ||
		rig_die "libvirtd does not answer: /var/log/libvirt/libvirtd.log"
}

libvirt_stop()
{
	local daemon pid

	for daemon in libvirtd virtlogd; do
		pid=$(cat "/run/$daemon.pid" 2>/dev/null) || continue
		rig_kill "$pid"
	done
	kvm_close
	RIG_LIBVIRT_STARTED=
}

# ---- huge pages ----

# Makes room for $1 MiB of 2 MiB pages beside those in use or promised; given back
# at the end. Never takes one away: what a guest has lent may be in the pool. The
# pool is this rig's alone until it ends.
hugepages_reserve()
{
	local want before pool=/sys/kernel/mm/hugepages/hugepages-2048kB

	[ -n "$RIG_HUGEPAGES" ] || [ ! -d $pool ] ||
		{ exec 7<$pool && flock 7; } || rig_die "cannot lock $pool"
	before=$(cat /proc/sys/vm/nr_hugepages 2>/dev/null) ||
		rig_skip "the host's kernel has no huge pages"
	RIG_HUGEPAGES=${RIG_HUGEPAGES:-$before}
	want=$((before - $(hugepages_free) + $1 / 2))
	[ "$(sed -n 's/^Hugepagesize: *\([0-9]*\) kB/\1/p' /proc/meminfo)" = 2048 ] ||
		rig_skip "the host's huge pages are not of 2 MiB"
	[ "$want" -gt "$before" ] || return 0
	echo 1 >/proc/sys/vm/compact_memory 2>/dev/null
	echo "$want" >/proc/sys/vm/nr_hugepages 2>/dev/null
	[ "$(cat /proc/sys/vm/nr_hugepages)" -ge "$want" ] ||
		rig_skip "the host has no $1 MiB of huge pages to give"
}

# Pages of the pool that are neither in use nor promised.
hugepages_free()
{
	awk '$1 == "HugePages_Free:" { free = $2 } $1 == "HugePages_Rsvd:" { rsvd = $2 }
		END { print free - rsvd }' /proc/meminfo
}

# A tmpfs, $RIG_DIR/ram, that gives transparent huge pages to who asks, as QEMU
# does.
huge_tmpfs()
{
	[ ! -d "$RIG_DIR/ram" ] || return 0
	mkdir "$RIG_DIR/ram"
	mount -t tmpfs -o huge=advise,mode=1777 ebb "$RIG_DIR/ram" || {
		rmdir "$RIG_DIR/ram"
		rig_skip "the host's tmpfs has no transparent huge pages"
	}
}

# ---- guests ----

# domain_type: kvm where a guest really boots under it, else qemu.
domain_type()
{
	if "$source_dir/scripts/probe-kvm" --build "$build" >/dev/null; then
		echo kvm
	else
		echo qemu
	fi
}

xml_memory()
{
	case $backing in
	memfd) echo "<source type='memfd'/><access mode='shared'/>" ;;
	hugetlb)
		echo "<hugepages><page size='2' unit='M'/></hugepages>" \
			"<source type='memfd'/><access mode='shared'/>" ;;
	file) echo "<source type='file'/><access mode='shared'/>" ;;
	private-memfd) echo "<source type='memfd'/><access mode='private'/>" ;;
	private | thp) ;;
	*) rig_die "unknown backing $backing" ;;
	esac
}

# What libvirt has no words for: memory that QEMU maps at a multiple of 2 MiB. Its
# own private memory is there, too, and never touched.
xml_qemu()
{
	[ "$backing" = thp ] || return 0
	cat <<-END
	<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
	<qemu:arg value='-object'/>
	<qemu:arg value='memory-backend-file,id=ram,size=${memory}M,mem-path=$RIG_DIR/ram,share=on,align=2M'/>
	<qemu:arg value='-machine'/>
	<qemu:arg value='memory-backend=ram'/>
	</qemu:commandline>
	END
}

# What memory devices may be plugged up to; libvirt wants a cell then.
xml_max_memory()
{
	[ "$max_memory" -gt 0 ] || return 0
	echo "<maxMemory slots='8' unit='MiB'>$max_memory</maxMemory>"
}

xml_numa()
{
	local cell cpus

	[ "$nodes" -gt 1 ] || [ "$max_memory" -gt 0 ] || return 0
	echo "<numa>"
	for ((cell = 0; cell < nodes; cell++)); do
		[ "$nodes" -gt 1 ] && cpus=$cell || cpus=0-1
		echo "<cell id='$cell' cpus='$cpus' unit='MiB' memory='$((memory / nodes))'/>"
	done
	echo "</numa>"
}

xml_channels()
{
	local channel target

	for channel in $channels; do
		case $channel in
		ebb) target=org.ebb.agent.0 ;;
		qga) target=org.qemu.guest_agent.0 ;;
		shell) target=org.ebb.test.0 ;;
		*) rig_die "unknown channel $channel" ;;
		esac
		echo "<channel type='unix'><target type='virtio' name='$target'/></channel>"
	done
}

xml_balloon()
{
	case $balloon in
	none) echo "<memballoon model='none'/>" ;;
	plain) echo "<memballoon model='virtio'/>" ;;
	reporting) echo "<memballoon model='virtio' freePageReporting='on'/>" ;;
	*) rig_die "unknown balloon $balloon" ;;
	esac
}

# QEMU's user may read it: libvirt gives it the file. Kept in the host's page
# cache only, as nothing of it is to last.
xml_disk()
{
	[ "$disk" -gt 0 ] || return 0
	cat <<-END
	<disk type='file' device='disk'>
	<driver name='qemu' type='$disk_format' cache='unsafe'/>
	<source file='$RIG_DIR/$GUEST.disk'/>
	<target dev='vda' bus='virtio'/>
	</disk>
	END
}

# Makes the disk: of known content, an empty one to keep snapshots in, or a copy.
make_disk()
{
	local path=$RIG_DIR/$GUEST.disk

	[ "$disk" -gt 0 ] || return 0
	case $disk_format-$disk_file in
	raw-) yes ebb | head -c "${disk}M" >"$path" ;;
	raw-*) head -c "${disk}M" "$disk_file" >"$path" ;;
	qcow2-) qemu-img create -q -f qcow2 "$path" "${disk}M" ;;
	*) rig_die "unknown disk $disk_format $disk_file" ;;
	esac || rig_die "no room for a disk of $disk MiB in $RIG_DIR"
}

# Two processors, of which EBB_GUEST_CPUS are there, or as many as there are nodes.
# Of one alone QEMU would emulate no locked instructions.
xml_cpus()
{
	local here=${EBB_GUEST_CPUS:-2}

	[ "$here" -ge "$nodes" ] || here=$nodes
	[ "$here" -ge 2 ] && echo "<vcpu>$here</vcpu>" ||
		echo "<vcpu current='$here'>2</vcpu>"
}

domain_xml()
{
	local type cpu features="" plain=""

	type=$(domain_type)
	if [ "$type" = kvm ]; then
		cpu=host-passthrough
	else
		cpu=maximum
		# Emulated, the string instructions take ten times as long as a loop.
		features="<feature policy='disable' name='erms'/>"
		plain=clearcpuid=rep_good
	fi
	cat <<-END
	<domain type='$type'>
	<name>$GUEST</name>
	$(xml_max_memory)
	<memory unit='MiB'>$memory</memory>
	<memoryBacking>$(xml_memory)</memoryBacking>
	$(xml_cpus)
	<os>
	<type arch='x86_64' machine='$machine'>hvm</type>
	<kernel>$image/vmlinux</kernel>
	<initrd>$image/initrd.img</initrd>
	<cmdline>console=ttyS0 quiet panic=0 $plain $cmdline ${EBB_GUEST_CMDLINE:-}</cmdline>
	</os>
	<features><acpi/></features>
	<cpu mode='$cpu'>$features$(xml_numa)</cpu>
	<on_reboot>restart</on_reboot>
	<on_crash>$on_crash</on_crash>
	<devices>
	<controller type='usb' model='none'/>
	<serial type='file'><source path='$RIG_DIR/log/$GUEST.console'/></serial>
	$(xml_disk)
	$(xml_channels)
	$(xml_balloon)
	$panic
	</devices>
	$(xml_qemu)
	</domain>
	END
}

# guest_define [--memory MIB] [--backing memfd|hugetlb|file|thp|private|
# private-memfd] [--nodes N] [--channels "ebb qga shell"] [--balloon
# none|plain|reporting] [--machine pc|q35] [--cmdline WORDS] [--name NAME]
# [--disk MIB] [--disk-format raw|qcow2] [--disk-file FILE] [--max-memory MIB]
# [--on-crash destroy|restart]
# Defines a guest. Its name is in GUEST, and all that is said below of "the
# guest" is said of the one that GUEST names. Its disk is /dev/vda and as
# tests/guest/disk.h says, unless it is an empty qcow2 or begins with FILE. With
# --on-crash it has a device to tell of its panic. On thp there is one node and
# nothing can be plugged.
guest_define()
{
	local memory=2048 backing=memfd nodes=1 channels="ebb shell" \
		balloon=none machine=pc cmdline="" disk=0 disk_format=raw disk_file="" \
		max_memory=0 on_crash=destroy panic="" image

	GUEST=ebbtest-${RIG_DIR##*.}-${#RIG_GUESTS[@]}
	while [ $# -gt 1 ]; do
		case $1 in
		--memory) memory=$2 ;;
		--backing) backing=$2 ;;
		--nodes) nodes=$2 ;;
		--channels) channels=$2 ;;
		--balloon) balloon=$2 ;;
		--machine) machine=$2 ;;
		--cmdline) cmdline=$2 ;;
		--name) GUEST=$2 ;;
		--disk) disk=$2 ;;
		--disk-format) disk_format=$2 ;;
		--disk-file) disk_file=$2 ;;
		--max-memory) max_memory=$2 ;;
		--on-crash) on_crash=$2 panic="<panic model='isa'/>" ;;
		*) rig_die "guest_define: unknown option $1" ;;
		esac
		shift 2
	done
	image=${RIG_IMAGE:-$("$source_dir/scripts/guest-image" --build "$build")}
	[ -n "$image" ] || rig_die "no image of a guest"
	[ "$backing" != hugetlb ] || hugepages_reserve "$memory"
	[ "$backing" != thp ] || huge_tmpfs
	make_disk
	domain_xml >"$RIG_DIR/$GUEST.xml"
	virsh define "$RIG_DIR/$GUEST.xml" >/dev/null ||
		rig_die "libvirt does not take $RIG_DIR/$GUEST.xml"
	RIG_GUESTS+=("$GUEST")
}

# Without libvirtd, too, which a test may have ended.
guest_remove()
{
	local pid

	pid=$(cat "/run/libvirt/qemu/$1.pid" 2>/dev/null)
	timeout 20 virsh -q -c "$URI" destroy "$1" >/dev/null 2>&1 ||
		{ [ -z "$pid" ] ||
			! grep -qsza "guest=$1," "/proc/$pid/cmdline" ||
			rig_kill "$pid"; }
	virsh undefine "$1" >/dev/null 2>&1
	rm -f "$RIG_DIR/$1.disk"
	return 0
}

# guest_boot [as guest_define]: and waits until the guest's shell answers.
guest_boot()
{
	guest_define "$@"
	virsh start "$GUEST" >/dev/null || rig_die "$GUEST did not start"
	guest_wait
}

guest_wait()
{
	guest_run 120 true || rig_die "$GUEST did not boot:" \
		"$(tail -n 20 "$RIG_DIR/log/$GUEST.console" 2>/dev/null)"
}

# Finds the socket of the test shell: another one for each QEMU.
find_shell()
{
	local pid

	pid=$(guest_pid 2>/dev/null)
	[ -z "$pid" ] || [ "$RIG_SHELL_OF" != "$GUEST $pid" ] || return 0
	RIG_SHELL=$(virsh dumpxml "$GUEST" |
		sed -n "s/.*path='\([^']*org.ebb.test.0\)'.*/\1/p")
	RIG_SHELL_OF="$GUEST $pid"
	[ -n "$RIG_SHELL" ] || { echo "$GUEST has no test shell" >&2; return 1; }
}

# guest_run SECONDS COMMAND: as guest-run(1) of tests/integration.
guest_run()
{
	find_shell || return 125
	"$build/tests/integration/guest-run" "$RIG_SHELL" "$1" "$2"
}

guest()
{
	guest_run 120 "$1"
}

guest_pid()
{
	cat "/run/libvirt/qemu/$GUEST.pid"
}

# The files behind a guest's RAM: "INODE PATH" each.
backing_paths()
{
	local pid

	pid=$(guest_pid) || return 1
	find "/proc/$pid/fd" \( -lname '/memfd:memory-backend*' \
		-o -lname '/memfd:*ram-node*' -o -lname '/memfd:pc.ram*' \
		-o -lname '*/hugepages/*/qemu/*' -o -lname '*/libvirt/qemu/ram/*' \
		-o -lname '*/qemu_back_mem.*' \) -print0 |
		xargs -0r stat -L -c '%i %n' | sort -u -k 1,1
}

# The same: "INODE BYTES-RESIDENT BYTES" each.
backing_files()
{
	local paths

	paths=$(backing_paths | cut -d ' ' -f 2) && [ -n "$paths" ] || return 1
	# shellcheck disable=SC2086 # one word a path
	stat -L -c '%i %b %B %s' $paths | awk '{ print $1, $2 * $3, $4 }'
}

# "RESIDENT HOLES HUGE" of tests/bench/holes.c, in bytes.
backing_holes()
{
	backing_paths | cut -d ' ' -f 2 | xargs "$build/tests/bench/holes"
}

# What the host has given for a guest's RAM, by the host's own books.
backing_bytes()
{
	backing_files | awk '{ sum += $2 } END { printf "%.0f\n", sum }'
}

# Free memory in blocks of 2 MiB and more, as the guest counts it.
guest_free_huge()
{
	guest "awk '{ sum += (\$14 + 2 * \$15) * 2097152 }
		END { printf \"%.0f\\n\", sum }' /proc/buddyinfo"
}

# ---- a balloon ----

balloon_mib()
{
	virsh dommemstat "$GUEST" | awk '$1 == "actual" { print int($2 / 1024) }'
}

balloon_is()
{
	[ "$(balloon_mib)" = "$1" ]
}

# guest_balloon MIB SECONDS: leaves the guest so much by its balloon, and waits
# until it has given the rest; 1 if it did not in time.
guest_balloon()
{
	virsh setmem "$GUEST" "${1}M" --live >/dev/null || return 1
	wait_for "$2" balloon_is "$1"
}

# ---- ebbd ----

program()
{
	local path

	for path in "$build/host/$1" "$build/host/ctl/$1" "$build/$1"; do
		[ ! -x "$path" ] || break
	done
	echo "$path"
}

ebbd_ready()
{
	grep -qa READY=1 "$RIG_DIR/run/notify" 2>/dev/null
}

ebbd_ready_or_gone()
{
	ebbd_ready || pid_gone "$EBBD_PID"
}

# start_ebbd [OPTION]...: returns when it says that it is ready.
# shellcheck disable=SC2120 # most have none
start_ebbd()
{
	local listener ebbd=${EBBD_PROGRAM:-$(program ebbd)}

	[ -x "$ebbd" ] || rig_die "no ebbd in $build: make"
	rm -f "$RIG_DIR/run/notify" "$RIG_DIR/run/notify.sock"
	socat -u "UNIX-RECV:$RIG_DIR/run/notify.sock" \
		"OPEN:$RIG_DIR/run/notify,creat,append" &
	listener=$!
	wait_for 5 test -S "$RIG_DIR/run/notify.sock" || rig_die "socat did not start"
	[ -e "$RIG_DIR/ebbd.conf" ] ||
		printf '[daemon]\nstate-dir = %s\n' "$RIG_DIR/run" >"$RIG_DIR/ebbd.conf"
	NOTIFY_SOCKET=$RIG_DIR/run/notify.sock "$ebbd" -c "$URI" \
		--config "$RIG_DIR/ebbd.conf" --socket "$EBBD_SOCKET" \
		--log-level debug "$@" \
		>>"$RIG_DIR/log/ebbd.log" 2>&1 </dev/null 7<&- 8>&- &
	EBBD_PID=$!
	wait_for 15 ebbd_ready_or_gone
	rig_kill $listener
	ebbd_ready || rig_die "ebbd did not start: $(tail -n 5 "$RIG_DIR/log/ebbd.log")"
}

stop_ebbd()
{
	[ -z "$EBBD_PID" ] || rig_kill "$EBBD_PID"
	EBBD_PID=
}

ebbctl()
{
	"$(program ebbctl)" --socket "$EBBD_SOCKET" "$@"
}

ebbctl_json()
{
	ebbctl --json "$@"
}

# A member of what ebbd says of the guest.
guest_status()
{
	ebbctl_json show "$GUEST" 2>/dev/null | jq -r ".\"$1\""
}

guest_is()
{
	[ "$(guest_status "$1")" = "$2" ]
}

# Waits until the guest can be reclaimed from.
wait_lease()
{
	wait_for 30 guest_is rung lease ||
		rig_die "$GUEST is not on rung lease: $(ebbctl show "$GUEST" 2>&1)"
}
