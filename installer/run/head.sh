#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mneme @VERSION@ for Linux: a script with a tar.xz behind it. Options are those of install.sh in it, and:
#   --extract FOLDER   unpack into FOLDER and install nothing
set -eu
self=$0
unpack() { tail -n +"$(($(grep -an '^# ---- end of script' "$self" | head -n 1 | cut -d: -f1) + 1))" "$self" | xz -dc | tar -xf - -C "$1"; }
command -v xz >/dev/null || { echo "mneme: xz is missing; your system's package of it is xz or xz-utils" >&2; exit 1; }
if [ "${1:-}" = --extract ]; then
  [ -n "${2:-}" ] || { echo "mneme: --extract needs the name of a folder" >&2; exit 2; }
  mkdir -p "$2"
  unpack "$2"
  exit
fi
case " $* " in
  *" --silent "* | *" --uninstall "* | *" --help "*) ;;
  *) printf 'Unpacking Mneme @VERSION@...\n' >&2 ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM HUP
unpack "$folder" || { echo "mneme: $self could not be unpacked into $folder: is there room? TMPDIR may name another place" >&2; exit 1; }
"$folder/mneme-@VERSION@/install.sh" "$@"
exit
# ---- end of script
