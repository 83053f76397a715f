#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# in_release.sh RELEASE FOLDER [KIND ...]: packages of the last commit for another release of Debian (bookworm, trixie), made
# by `./dev package` in a root of that release, which is built in FOLDER and kept. As root, with debootstrap and the network.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '3,4s/^# //p' "$0"; exit 2; }
release=$1 root=$(realpath -m "$2")
shift 2
[ "$(id -u)" -eq 0 ] || { echo "in_release.sh: it needs root, to build the system that it works in" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "in_release.sh: debootstrap is missing" >&2; exit 1; }
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ ! -e "$root/complete" ]; then
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates,git "$release" "$root"
  touch "$root/complete"
fi
rm -rf "$root/root/mneme"
git clone --quiet "$source" "$root/root/mneme"
trap 'umount "$root/proc"' EXIT
mount --bind /proc "$root/proc"
cp /etc/resolv.conf "$root/etc/resolv.conf"
chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 /root/mneme/dev package "${@:-deb}"
echo "in_release.sh: the packages are in $root/root/mneme/build/package/packages"
