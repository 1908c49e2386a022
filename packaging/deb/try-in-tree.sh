#!/bin/sh
# Installs, runs and purges the package inside a Debian tree. Runs as first process of its own
# process, mount and network namespaces, so that nothing outlives it. Arguments: tree, package file.
set -eu
tree=$1
deb=$2
say() { echo "tree: $*"; }
fail() { echo "tree: FAILED: $*" >&2; exit 1; }
inside() { chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }

mount --make-rprivate /
mount -t proc proc "$tree/proc"
mount -t tmpfs tmpfs "$tree/run"
mkdir -p "$tree/dev/net"
[ -e "$tree/dev/net/tun" ] || mknod "$tree/dev/net/tun" c 10 200
ip link set lo up

find "$tree/etc" "$tree/usr" "$tree/var" -xdev | sort > "$tree/../tree-before"
cp "$deb" "$tree/quicether.deb"
say 'installing'
inside dpkg -i /quicether.deb
rm "$tree/quicether.deb"

say 'users and their directories'
inside id quicether >/dev/null || fail 'user quicether is missing'
inside id quicether-engine >/dev/null || fail 'user quicether-engine is missing'
[ "$(stat -c %a "$tree/var/lib/quicether-engine")" = 700 ] || fail 'the key directory is open'
inside su -s /bin/sh quicether -c 'ls /var/lib/quicether-engine' 2>/dev/null && fail 'the daemon can look at the node key'

say 'the program answers'
inside quicether --version
inside /usr/lib/quicether/quicether-engine --version
inside quicether config validate

say 'the daemon starts, answers and stops'
inside quicether start --state-dir /var/lib/quicether > "$tree/run/start.log" 2>&1 &
daemon=$!
for attempt in $(seq 100); do
  inside quicether status --json > "$tree/run/status.json" 2>/dev/null && break
  [ "$attempt" = 100 ] && { cat "$tree/run/start.log"; fail 'no status within 20 s'; }
  sleep 0.2
done
grep -q '"node_id"' "$tree/run/status.json" || fail "status says: $(cat "$tree/run/status.json")"
inside quicether stop
wait "$daemon" || { cat "$tree/run/start.log"; fail 'the daemon ended with an error'; }
ip link show quicether0 >/dev/null 2>&1 && fail 'quicether0 is left behind'

say 'installing again keeps the key'
before=$(find "$tree/var/lib/quicether" -name node.key -exec sha256sum {} +)
cp "$deb" "$tree/quicether.deb"
inside dpkg -i /quicether.deb
rm "$tree/quicether.deb"
[ "$before" = "$(find "$tree/var/lib/quicether" -name node.key -exec sha256sum {} +)" ] || fail 'the key changed'

say 'purging'
inside dpkg --purge quicether
inside id quicether >/dev/null 2>&1 && fail 'user quicether is left behind'
inside id quicether-engine >/dev/null 2>&1 && fail 'user quicether-engine is left behind'
find "$tree/etc" "$tree/usr" "$tree/var" -xdev | sort > "$tree/../tree-after"
# Backups of the user database, and what dpkg and ld.so write for themselves.
left=$(comm -13 "$tree/../tree-before" "$tree/../tree-after" | sed "s#^$tree##" |
  grep -vE '^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|^/var/(lib/dpkg|log|cache|lib/systemd)/|^/etc/\.pwd\.lock$' || true)
[ -z "$left" ] || fail "left behind: $left"
say 'installed, ran and purged cleanly'
