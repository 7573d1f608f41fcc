# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A second libvirtd on this machine, with a /run of its own: another host, as far as the
# first can tell. Guests migrate to it.
: "${source_dir:?}"

WORLD_PID=

# In the second world.
there()
{
	nsenter --mount="/proc/$WORLD_PID/ns/mnt" -- "$@"
}

world_answers()
{
	there timeout 10 virsh -q -c "$URI" version >/dev/null 2>&1
}

# A sleep keeps the world; what libvirt would share is the world's own.
world_start()
{
	local daemon

	mkdir "$RIG_DIR/world"
	# shellcheck disable=SC2016 # of the shell there
	unshare --mount --propagation private "$source_dir/scripts/rig-world" \
		--inside "$RIG_DIR/world" sh -c 'touch "$0"; exec sleep 100000' \
		"$RIG_DIR/world-is-made" >/dev/null 8>&- &
	WORLD_PID=$!
	RIG_PIDS+=("$WORLD_PID")
	wait_for 90 test -e "$RIG_DIR/world-is-made" || rig_die "no second world"
	echo "host_uuid = \"$(cat /proc/sys/kernel/random/uuid)\"" >"$RIG_DIR/libvirtd.conf"
	for daemon in virtlogd libvirtd; do
		# shellcheck disable=SC2046 # two words
		there env LIBVIRT_LOG_OUTPUTS="3:file:$RIG_DIR/log/$daemon-2.log" \
			$daemon -d $([ $daemon = virtlogd ] ||
			echo --config "$RIG_DIR/libvirtd.conf") 8>&- ||
			rig_die "the second $daemon did not start"
		RIG_PIDS=("$(there cat /run/$daemon.pid)" "${RIG_PIDS[@]}")
	done
	wait_for 90 world_answers || rig_die "the second libvirtd does not answer"
	install -d -m 777 "$RIG_DIR/migration"
}

# world_migrate [OPTION]... (of virsh migrate): $GUEST, to the second world.
world_migrate()
{
	timeout 240 virsh migrate "$@" --undefinesource "$GUEST" \
		"qemu+unix:///system?socket=/proc/$WORLD_PID/root/run/libvirt/libvirt-sock" \
		--migrateuri "unix://$RIG_DIR/migration/socket"
}
