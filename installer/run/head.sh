#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mneme @VERSION@ for Linux: a script with a tar.xz behind it. Options are those of install.sh in it, and:
#   --extract FOLDER   unpack into FOLDER and install nothing
set -eu
self=$0
fail() { echo "mneme: $*" >&2; exit 1; }
packed() { tail -n +"$(($(grep -an '^# ---- end of script' "$self" | head -n 1 | cut -d: -f1) + 1))" "$self"; }
unpack() {
  said=$({ packed | xz -dc | tar -xf - -C "$1"; } 2>&1) ||
    fail "$self could not be unpacked into $1: is there room?${2:-} ($(printf '%s\n' "$said" | head -n 1))"
}
main() {  # called at the end, so that half a script does nothing
  command -v xz >/dev/null || fail "xz is missing; your system's package of it is xz or xz-utils"
  case "$(packed | sha256sum)" in
    "@SHA256@ "*) ;;
    *) fail "$self is not whole: a part is missing or was changed. Nothing was installed; download it again" ;;
  esac
  if [ "${1:-}" = --extract ]; then
    [ -n "${2:-}" ] || { echo "mneme: --extract needs the name of a folder" >&2; exit 2; }
    mkdir -p "$2" || fail "$2 cannot be made"
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
  unpack "$folder" " TMPDIR may name another place"
  "$folder/mneme-@VERSION@/install.sh" "$@"
  exit
}
main "$@"
# ---- end of script
