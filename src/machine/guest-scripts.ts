/**
 * The shell scripts that run inside the machine, all under busybox. PID 1 is busybox' `init`, which reaps
 * orphans, restarts what must stay up and powers off in order.
 */

/** Port of the worker's HTTP server inside the machine. */
export const guestWorkerPort = 7070;

/** Where the scripts are in the root image. */
export const guestScriptsDirectory = "lightbox/machine";

/** What the shell prints when it has ended, so that who is connected knows; no terminal shows it. */
export const shellEndedMark = "\x1b]777;lightbox-shell-ended\x07";

/** What {@link control} understands. */
export const powerOffRequest = "poweroff\n";

/** The command line of the worker inside, after the program's name. */
export function workerArguments(idleMinutes: number): readonly string[] {
  const listen = ["--address", "0.0.0.0", "--port", String(guestWorkerPort)];
  const idle = idleMinutes === 0 ? [] : ["--idle-timeout", String(idleMinutes)];
  return ["serve", ...listen, "--token-file", "/run/lightbox/token", "--store", "/data/store", ...idle];
}

/** The shell text of {@link settingsEntry}. */
export function guestSettings(token: string, worker: readonly string[]): string {
  const words = worker.map(shellQuoted).join(" ");
  return `LIGHTBOX_TOKEN=${shellQuoted(token)}\nLIGHTBOX_WORKER_ARGUMENTS=${shellQuoted(words)}\n`;
}

function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** fw_cfg entry with the settings of this start; the token is in it, so it is not on QEMU's command line. */
export const settingsEntry = "opt/org.lightbox/settings";

/**
 * First program of the initial RAM file system: finds the two disks and goes on from the first.
 * The root is read-only, so that a killed machine never leaves it half written.
 */
export function initramfsInit(modules: readonly string[]): string {
  return `#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for module in ${modules.join(" ")}; do
  busybox insmod /modules/$module.ko || echo "lightbox: cannot load the kernel module $module"
done
tries=0
while [ ! -b /dev/vdb ] && [ $tries -lt 100 ]; do busybox usleep 50000; tries=$((tries + 1)); done
busybox mount -t ext4 -o ro,noatime /dev/vda /new || echo "lightbox: cannot mount the root disk"
busybox mount -t ext4 -o noatime,noinit_itable,discard,errors=remount-ro /dev/vdb /new/data || {
  echo "lightbox: cannot mount the data disk"
  echo o > /proc/sysrq-trigger
  busybox sleep 60
}
busybox mount --move /proc /new/proc
busybox mount --move /sys /new/sys
busybox mount --move /dev /new/dev
exec busybox switch_root /new /sbin/init
`;
}

/** busybox init's table. `hvc0` is the shell, `hvc1` takes requests from the host. */
export const inittab = `::sysinit:/${guestScriptsDirectory}/boot
::respawn:/${guestScriptsDirectory}/serve
hvc0::respawn:/${guestScriptsDirectory}/shell
hvc1::respawn:/${guestScriptsDirectory}/control
::shutdown:/${guestScriptsDirectory}/shutdown
`;

/** Kernel modules in load order. Nothing waits for the `background` ones: the worker starts meanwhile. */
export interface BootModules {
  readonly foreground: readonly string[];
  readonly background: readonly string[];
}

/**
 * Temporary files are on the data disk: microsandbox needs user xattrs there, which tmpfs of Linux 6.1
 * does not have.
 */
export function boot(modules: BootModules): string {
  return `#!/bin/sh
mkdir -p /dev/pts /dev/shm
mount -t tmpfs -o mode=755 run /run
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mkdir -p -m 700 /run/lightbox
hostname lightbox
load() {
  for module in "$@"; do
    insmod /${guestScriptsDirectory}/modules/$module.ko || echo "lightbox: cannot load the kernel module $module" > /dev/console
  done
}
load ${modules.background.join(" ")} &
load ${modules.foreground.join(" ")}
umask 077
cat /sys/firmware/qemu_fw_cfg/by_name/${settingsEntry}/raw > /run/lightbox/settings
. /run/lightbox/settings
printf '%s' "$LIGHTBOX_TOKEN" > /run/lightbox/token
umask 022
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
rm -rf /data/tmp
mkdir -p -m 700 /data/home /data/store /data/msb /data/cache
mkdir -p -m 1777 /data/tmp
echo "lightbox: booted in $(cut -d' ' -f1 /proc/uptime) s" > /dev/console
`;
}

/** Sourced by whatever runs the worker or a shell. */
export const environment = `export PATH=/lightbox/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/data/home TMPDIR=/data/tmp
export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
export MSB_HOME=/data/msb
export MSB_PATH=/lightbox/node_modules/@superradcompany/microsandbox-linux-x64-gnu/bin/msb
export LIGHTBOX_HOME=/data/home/lightbox
export NODE_COMPILE_CACHE=/data/cache/node
`;

/**
 * Keeps the worker up. Exit code 0 means that it had nothing to do for the idle time: the machine powers off.
 * A worker that cannot stay up is given up on, and the console says so to the host.
 */
export const serve = `#!/bin/sh
. /${guestScriptsDirectory}/environment
. /run/lightbox/settings
unset LIGHTBOX_TOKEN
cd /data
read -r started _ < /proc/uptime
eval "exec /lightbox/bin/node /lightbox/dist/cli.js $LIGHTBOX_WORKER_ARGUMENTS" > /dev/console 2>&1 &
worker=$!
echo $worker > /run/lightbox/worker.pid
wait $worker
status=$?
[ -e /run/lightbox/stopping ] && exec sleep 3600
if [ $status -eq 0 ]; then
  echo "lightbox: idle, powering off" > /dev/console
  poweroff
  exec sleep 3600
fi
read -r ended _ < /proc/uptime
failures=0
[ $((\${ended%.*} - \${started%.*})) -lt 20 ] && read -r failures < /run/lightbox/failures
failures=$((failures + 1))
echo $failures > /run/lightbox/failures
echo "lightbox: the worker ended with exit code $status (failure $failures)" > /dev/console
if [ $failures -ge 4 ]; then
  echo "lightbox: giving up on the worker, powering off" > /dev/console
  poweroff
  exec sleep 3600
fi
sleep 1
`;

export const shell = `#!/bin/sh
. /${guestScriptsDirectory}/environment
export PS1='lightbox:\\w# ' TERM=xterm-256color
stty sane
cd /data
sh -i
printf '\\033]777;lightbox-shell-ended\\007'
`;

export const control = `#!/bin/sh
stty raw -echo
while read -r request; do
  case $request in
    poweroff) poweroff ;;
  esac
done
sleep 1
`;

/** The worker first, so that it can end its sandboxes; then everything; then the disk. */
export const shutdown = `#!/bin/sh
touch /run/lightbox/stopping
if read -r worker < /run/lightbox/worker.pid && kill -TERM $worker; then
  tries=0
  while [ -d /proc/$worker ] && [ $tries -lt 100 ]; do usleep 100000; tries=$((tries + 1)); done
fi
kill -TERM -1
usleep 200000
kill -KILL -1
cd /
sync
umount /data || mount -o remount,ro /data
echo "lightbox: powered off" > /dev/console
echo o > /proc/sysrq-trigger
sleep 60
`;
