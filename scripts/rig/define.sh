# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What a guest is: guest_define, last here, and the XML, which is made from its
# variables.
: "${source_dir:?}" "${build:?}"

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
	local args=() arg

	[ "$backing" != thp ] || args+=(
		-object "memory-backend-file,id=ram,size=${memory}M,mem-path=$RIG_DIR/ram,share=on,align=2M"
		-machine "memory-backend=ram")
	[ -z "$network" ] || args+=(
		-netdev "stream,id=net,server=off,addr.type=unix,addr.path=$network"
		-device "virtio-net-pci,netdev=net,addr=0x1e")
	[ ${#args[@]} -gt 0 ] || return 0
	echo "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
	for arg in "${args[@]}"; do
		echo "<qemu:arg value='$arg'/>"
	done
	echo "</qemu:commandline>"
}

xml_partition()
{
	[ -z "$partition" ] ||
		echo "<resource><partition>$partition</partition></resource>"
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
	deflating) echo "<memballoon model='virtio' autodeflate='on'/>" ;;
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

xml_second_disk()
{
	[ -n "$second_disk" ] || return 0
	cat <<-END
	<disk type='file' device='disk'>
	<driver name='qemu' type='raw'/>
	<source file='$second_disk'/>
	<target dev='vdb' bus='virtio'/>
	<readonly/>
	</disk>
	END
}

xml_share()
{
	[ -n "$share" ] || return 0
	cat <<-END
	<filesystem type='mount' accessmode='passthrough'>
	<driver type='virtiofs'/>
	<source dir='$share'/>
	<target dir='share'/>
	</filesystem>
	END
}

# Makes the disk: of known content, an empty one to keep snapshots in, or a copy.
make_disk()
{
	local path=$RIG_DIR/$GUEST.disk

	[ "$disk" -gt 0 ] || return 0
	case $disk_format-$disk_file in
	raw-) yes ebb | head -c "${disk}M" >"$path" ;;
	raw-*) cp --sparse=always "$disk_file" "$path" &&
		truncate -s "<${disk}M" "$path" ;;
	qcow2-) qemu-img create -q -f qcow2 "$path" "${disk}M" ;;
	*) rig_die "unknown disk $disk_format $disk_file" ;;
	esac || rig_die "no room for a disk of $disk MiB in $RIG_DIR"
}

# Two processors, of which EBB_GUEST_CPUS are there, or as many as there are nodes.
# Of one alone QEMU would emulate no locked instructions.
xml_cpus()
{
	local here=${EBB_GUEST_CPUS:-2} set=""

	[ "$here" -ge "$nodes" ] || here=$nodes
	[ -z "$pinned" ] || set=" cpuset='$pinned'"
	[ "$here" -ge 2 ] && echo "<vcpu$set>$here</vcpu>" ||
		echo "<vcpu$set current='$here'>2</vcpu>"
	# Of an emulated guest libvirt knows no thread of a vCPU, and takes no other set.
	[ -z "$pinned" ] || echo "<cputune><vcpupin vcpu='0' cpuset='$pinned'/></cputune>"
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
		# And a host with much to do is late with ticks, which the kernel
		# takes for a broken timer, and panics.
		plain="clearcpuid=rep_good no_timer_check"
	fi
	cat <<-END
	<domain type='$type'>
	<name>$GUEST</name>
	$(xml_partition)
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
	$(xml_second_disk)
	$(xml_share)
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
# none|plain|deflating|reporting] [--machine pc|q35] [--cmdline WORDS] [--name NAME]
# [--disk MIB] [--disk-format raw|qcow2] [--disk-file FILE] [--max-memory MIB]
# [--on-crash destroy|restart] [--share DIR] [--network SOCKET]
# [--second-disk FILE] [--partition CGROUP] [--pinned CPUSET]
# Defines a guest. Its name is in GUEST, and all that is said below of "the
# guest" is said of the one that GUEST names. Its disk is /dev/vda and as
# tests/guest/disk.h says, unless it is an empty qcow2 or begins with FILE. With
# --on-crash it has a device to tell of its panic. DIR is shared by virtiofs, with
# the tag "share". Its network card is that of who listens on SOCKET, as passt does,
# for which this libvirt has no XML. FILE of a second disk, /dev/vdb, is only read.
# On thp there is one node and nothing can be plugged.
guest_define()
{
	local memory=2048 backing=memfd nodes=1 channels="ebb shell" \
		balloon=none machine=pc cmdline="" disk=0 disk_format=raw disk_file="" \
		max_memory=0 on_crash=destroy panic="" share="" network="" \
		second_disk="" partition="" pinned="" image

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
		--share) share=$2 ;;
		--network) network=$2 ;;
		--second-disk) second_disk=$2 ;;
		--partition) partition=$2 ;;
		--pinned) pinned=$2 ;;
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
