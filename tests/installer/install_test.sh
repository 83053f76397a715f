#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install_test.sh SOURCE SHARE: installer/run/install.sh for one user, whose home has a name that needs quoting: it installs,
# updates, and removes all but the user's own. SHARE holds the desktop's files as the build made them.
set -euo pipefail
source=$1 share=$2
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
fail() { echo "install_test.sh: $*" >&2; exit 1; }

home="$top/a home \$HOME \"x\""
tree="$home/.local/lib/mneme"
make_version() {  # VERSION
  local new=$top/$1
  mkdir -p "$new/bin" "$new/lib" "$new/share/doc/mneme" "$new/share/man/man1"
  cp -r "$share/applications" "$share/metainfo" "$share/mime" "$new/share"
  mkdir -p "$new/share/icons/hicolor/scalable/apps"
  touch "$new/share/icons/hicolor/scalable/apps/x.svg" "$new/share/man/man1/only-$1.1.gz" "$new/lib/only-$1.so"
  for program in mneme mneme-cli; do
    printf '#!/bin/sh\necho "%s %s $*"\n' "$program" "$1" >"$new/bin/$program"
    chmod 755 "$new/bin/$program"
  done
  cp "$source/installer/run/install.sh" "$new"
}
make_version 1
make_version 2

# Not as root: that would change the system.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
  as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
  chmod 755 "$top"
fi
mkdir -p "$home/.local/share/mneme" "$home/.local/share/icons/hicolor/scalable/apps"
echo chat >"$home/.local/share/mneme/chats.db"
echo other >"$home/.local/share/icons/hicolor/scalable/apps/other.svg"
[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$home"
run() { "${as_user[@]}" env -u XDG_DATA_HOME HOME="$home" "$@"; }
files() { (cd "$home" && find . -printf '%y %P\n' | sort); }
before=$(files)

said=$(run "$top/1/install.sh" --silent 2>&1) || fail "did not install: $said"
[ -z "$said" ] || fail "--silent said: $said"
[ "$("$home/.local/bin/mneme" a b)" = "mneme 1 a b" ] || fail "the link in bin does not start the program"
desktop=$(echo "$home"/.local/share/applications/*.desktop)
desktop-file-validate "$desktop"
grep -qF "Exec=\"$top/a home \\\\\$HOME \\\\\"x\\\\\"/.local/lib/mneme/bin/mneme\" %f" "$desktop" || fail "quoted wrongly: $(grep ^Exec "$desktop")"

run "$top/2/install.sh" --silent || fail "did not update"
[ "$("$home/.local/bin/mneme-cli")" = "mneme-cli 2 " ] || fail "still the version before"
! files | grep -q 'only-1' || fail "files of the version before are left: $(files | grep only-1)"

run "$tree/install.sh" --silent --uninstall || fail "did not uninstall"
after=$(files | grep -v 'icons/hicolor/icon-theme.cache$')  # of a folder that is not ours
[ "$after" = "$before" ] || { diff <(echo "$before") <(echo "$after") >&2 || true; fail "left behind, or taken, as above"; }

# What is not ours is not overwritten, and what is not there is not removed.
run mkdir -p "$tree"
run touch "$tree/precious"
! run "$top/1/install.sh" --silent 2>/dev/null || fail "installed over a folder that is not its own"
! run "$top/1/install.sh" --silent --uninstall 2>/dev/null || fail "removed what it had not installed"
[ -e "$tree/precious" ] || fail "a file of the user is gone"
