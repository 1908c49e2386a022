#!/bin/sh
# Boots a Debian tree with its own systemd as first process of namespaces of its own, so that nothing
# outlives it, and ends with the status of /try.sh, which it runs there; what that says is in
# /try.log. Argument: tree.
set -eu
tree=$1
mount --make-rprivate /
mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
mount -t sysfs sysfs "$tree/sys"
mount -t cgroup2 cgroup2 "$tree/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$tree/run"
mount -t tmpfs -o mode=755 tmpfs "$tree/dev"
for device in null zero full random urandom tty; do
  touch "$tree/dev/$device"
  mount --bind "/dev/$device" "$tree/dev/$device"
done
# As udev makes it on Debian: everybody may open it, and CAP_NET_ADMIN is what counts.
mkdir "$tree/dev/net"
mknod -m 0666 "$tree/dev/net/tun" c 10 200
mkdir "$tree/dev/pts" "$tree/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$tree/dev/pts"
ln -s pts/ptmx "$tree/dev/ptmx"
cat > "$tree/etc/systemd/system/try.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/bin/sh /try.sh; systemctl exit $?'
StandardOutput=file:/try.log
StandardError=inherit
UNIT
cat > "$tree/etc/systemd/system/try.target" <<'UNIT'
[Unit]
Requires=multi-user.target try.service
After=multi-user.target
UNIT
exec chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=quicether \
  /lib/systemd/systemd --unit=try.target --log-target=null --show-status=0
