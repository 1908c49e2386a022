#!/bin/sh
# Installs, runs and purges /quicether.deb in the Debian tree that this runs in, under its systemd.
set -eu
say() { echo "tree: $*"; }
fail() {
  echo "tree: FAILED: $*"
  systemctl --no-pager --full status 'quicether*' || true
  exit 1
}
# Waits up to 20 s for a command to succeed.
within() { for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return 0; sleep 0.2; done; return 1; }
files() { find /etc /usr /var -xdev | sort; }

ip link set lo up
files > /run/files-before
say 'installing'
dpkg -i /quicether.deb

say 'users, and who can look at the key'
id quicether
id quicether-engine
id quicether-web
within test -f /var/lib/quicether-engine/node.key || fail 'the engine made no key'
[ "$(stat -c '%a %U' /var/lib/quicether-engine)" = '700 quicether-engine' ] || fail 'the key directory is open'
[ "$(stat -c %a /var/lib/quicether-engine/node.key)" = 600 ] || fail 'the key is open'
su -s /bin/sh quicether -c 'ls /var/lib/quicether-engine' 2>/dev/null && fail 'the daemon can look at the key'
[ "$(stat -c '%a %U' /run/quicether-engine/engine.sock)" = '600 quicether' ] || fail 'the engine socket is open'

say 'both services run, with the rights they should have and no others'
within systemctl is-active --quiet quicether-engine.service || fail 'the engine is not running'
within systemctl is-active --quiet quicether.service || fail 'the daemon is not running'
within systemctl is-active --quiet quicether-web.service || fail 'the pages are not served'
rights() { sed -n 's/^CapEff:\t//p' "/proc/$(systemctl show -p MainPID --value "$1")/status"; }
[ "$(rights quicether.service)" = 0000000000000000 ] || fail "the daemon has $(rights quicether.service)"
[ "$(rights quicether-web.service)" = 0000000000000000 ] || fail "the pages have $(rights quicether-web.service)"
[ "$(rights quicether-engine.service)" = 0000000000001000 ] || fail "the engine has $(rights quicether-engine.service)"

say 'the daemon answers'
quicether --version
quicether config validate
within quicether status --json || fail "no status: $(quicether status --json 2>&1)"
quicether status
status=$(quicether status --json)
case $status in *'"node_id"'*qe1*) ;; *) fail "status says: $status" ;; esac
within ip link show quicether0 || fail 'there is no quicether0'
ip -brief address show quicether0
bash -n /usr/share/bash-completion/completions/quicether

say 'the pages answer, and their user can look at nothing'
page() {
  /usr/lib/quicether/node -e 'process.stdout.on("error", () => process.exit()); require("https").get({ host: "127.0.0.1", port: 8443, path: process.argv[1],
    rejectUnauthorized: false }, (said) => { console.log(said.statusCode); said.on("data", (part) => console.log(String(part))); })
    .on("error", (error) => { console.error(error.message); process.exitCode = 1; })' "$1"
}
within page / || fail "no page: $(page / 2>&1)"
page /claim | head -n 1 | grep -q 200 || fail "no claim page: $(page /claim 2>&1 | head -n 20)"
style=$(page /claim | grep -o '/assets/style[^"]*' | head -n 1)
page "$style" | head -n 1 | grep -q 200 || fail "no style at $style"
quicether web --fingerprint || fail 'no fingerprint'
[ "$(stat -c '%a %U' /var/lib/quicether-web)" = '700 quicether-web' ] || fail 'the certificate is open'
su -s /bin/sh quicether-web -c 'ls /var/lib/quicether' 2>/dev/null && fail 'the pages can look at the daemon'
said=$(su -s /bin/sh quicether-web -c 'quicether status' 2>&1) && fail 'the user of the pages may ask by itself'
case $said in *'signed in'*) ;; *) fail "the daemon says to the user of the pages: $said" ;; esac
memory=$(sed -n 's/^VmRSS:\t *\([0-9]*\) kB/\1/p' "/proc/$(systemctl show -p MainPID --value quicether-web.service)/status")
echo "the pages take $memory kB"
[ "$memory" -lt 110000 ] || fail 'the pages take 110 MB or more'

say 'what is for the appliance says so'
systemctl is-active --quiet quicether-system.socket && fail 'the root helper listens on no appliance'
quicether update status
quicether system reboot 2>&1 | grep -q 'systemctl reboot' || fail 'a reboot does not say how it is done here'

say 'the root helper works in its sandbox, for the daemon and nobody else'
printf 'gwslot=a\ngwdisk=/dev/vda\ngwesp=/dev/none\n' > /run/gw-slot
cp -a /usr/lib/os-release /run/os-release
echo IMAGE_VERSION=0.0.1 >> /usr/lib/os-release
mkdir -p /usr/share/quicether
echo amd64-uefi > /usr/share/quicether/board
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n' > /etc/systemd/system/ssh.service
systemctl daemon-reload
systemctl start quicether-system.socket
[ "$(stat -c '%a %U:%G' /run/quicether-system/system.sock)" = '660 root:quicether' ] || fail 'its socket is open'
systemctl restart quicether.service
within quicether status --json || fail 'the daemon did not come back'
quicether update status --json | grep -q '"appliance": true' || fail 'the daemon does not find it'
# There is no such partition: the mount was tried, not forbidden.
quicether update status --json | grep -q '/dev/none: cannot be mounted: No such' || fail "$(quicether update status --json)"
ssh_key='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ try'
echo "$ssh_key" > /run/key.pub
quicether system ssh on --keys /run/key.pub || fail 'SSH is not turned on'
systemctl is-active --quiet ssh.service || fail 'systemd was not asked for SSH'
grep -q "$ssh_key" /var/lib/quicether-ssh/authorized_keys || fail 'the key is not there'
quicether system ssh off
systemctl is-active --quiet ssh.service && fail 'SSH is still on'
mkdir /usr/share/quicether/release-keys
key_id=$(head -c 32 /dev/zero | sha256sum | cut -c1-16)
printf '%064d\n' 0 > "/usr/share/quicether/release-keys/$key_id.pub"
said=$(quicether update install /quicether.deb 2>&1) && fail 'a package is installed as a bundle'
case $said in *'not an update archive'*) ;; *) fail "the upload cannot be opened: $said" ;; esac
cat > /run/ask-helper.cjs <<'PROGRAM'
const line = require('net').connect('/run/quicether-system/system.sock');
line.on('error', (error) => console.log(error.code));
line.on('data', (said) => { console.log(String(said)); line.destroy(); });
line.write('{"id":1,"call":"reboot"}\n');
PROGRAM
su -s /bin/sh quicether-web -c '/usr/lib/quicether/node /run/ask-helper.cjs' | grep -q permission.system ||
  fail 'the user of the pages may ask the root helper'
rights_of=$(sed -n 's/^CapEff:\t//p' "/proc/$(systemctl show -p MainPID --value quicether-system.service)/status")
[ "$rights_of" = 0000000000200004 ] || fail "the root helper has $rights_of"
systemctl stop quicether-system.socket quicether-system.service
rm -rf /run/gw-slot /usr/share/quicether /etc/systemd/system/ssh.service /run/key.pub /run/ask-helper.cjs
rm -rf /var/lib/quicether-system /var/lib/quicether-ssh /var/lib/quicether-box
cp -a /run/os-release /usr/lib/os-release
systemctl daemon-reload
systemctl restart quicether.service
within quicether status --json || fail 'the daemon did not come back'

say 'a restarted daemon adopts the engine'
engine=$(systemctl show -p MainPID --value quicether-engine.service)
key=$(sha256sum /var/lib/quicether-engine/node.key)
systemctl kill --signal=KILL quicether.service
within quicether status --json || fail 'the daemon did not come back'
[ "$(systemctl show -p MainPID --value quicether-engine.service)" = "$engine" ] || fail 'the engine was restarted'
memory=$(sed -n 's/^VmRSS:\t *\([0-9]*\) kB/\1/p' "/proc/$(systemctl show -p MainPID --value quicether.service)/status")
echo "the daemon takes $memory kB, $(du -sk /var/cache/quicether | cut -f1) kB of compiled code on disk"
[ "$memory" -lt 120000 ] || fail 'the daemon takes 120 MB or more'

say 'an administrator has the daemon started again, and the tunnel goes on'
daemon=$(systemctl show -p MainPID --value quicether.service)
is_another() {
  now=$(systemctl show -p MainPID --value quicether.service)
  [ "$now" != 0 ] && [ "$now" != "$daemon" ]
}
quicether system restart
within is_another || fail 'the daemon was not started again'
within quicether status --json || fail 'the daemon did not come back'
[ "$(systemctl show -p MainPID --value quicether-engine.service)" = "$engine" ] || fail 'the engine was restarted'

say 'as a gateway it forwards'
printf '[node]\nrole = "gateway"\n[network]\nadvertise_subnets = ["192.168.77.0/24"]\n' > /etc/quicether/config.toml
systemctl restart quicether.service
within grep -q 1 /proc/sys/net/ipv4/ip_forward || fail 'the kernel does not forward IPv4'
within grep -q 1 /proc/sys/net/ipv6/conf/all/forwarding || fail 'the kernel does not forward IPv6'

say 'installing again keeps key and engine'
dpkg -i /quicether.deb
within quicether status --json || fail 'the daemon did not come back'
[ "$(sha256sum /var/lib/quicether-engine/node.key)" = "$key" ] || fail 'the key changed'
[ "$(systemctl show -p MainPID --value quicether-engine.service)" = "$engine" ] || fail 'the engine was restarted'

say 'removing stops it'
dpkg --remove quicether
ip link show quicether0 2>/dev/null && fail 'quicether0 is left behind'
[ -f /var/lib/quicether-engine/node.key ] || fail 'removing took the key'

say 'purging leaves nothing'
dpkg --purge quicether
id quicether 2>/dev/null && fail 'user quicether is left behind'
id quicether-engine 2>/dev/null && fail 'user quicether-engine is left behind'
id quicether-web 2>/dev/null && fail 'user quicether-web is left behind'
[ -e /var/cache/quicether ] && fail 'compiled code is left behind'
[ -e /run/quicether ] || [ -e /run/quicether-engine ] && fail 'something is left behind in /run'
files > /run/files-after
# Backups of the user database, and what dpkg, ld.so and systemd write for themselves.
left=$(comm -13 /run/files-before /run/files-after |
  grep -vE '^/etc/(passwd|group|shadow|gshadow)-$|^/etc/\.pwd\.lock$|^/var/(lib/dpkg|log|cache|tmp|lib/systemd)/' || true)
[ -z "$left" ] || fail "left behind: $left"
say 'installed, ran, restarted, removed and purged cleanly'
