#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install_test.sh SOURCE SHARE: installer/run for one user, whose home has a name that needs quoting: it installs, updates,
# and removes all but the user's own; half a file does nothing. SHARE holds the desktop's files as the build made them.
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
unchanged() { [ "$(files | grep -v 'icons/hicolor/icon-theme.cache$')" = "$before" ]; }  # an index of a folder that is not ours

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
unchanged || { diff <(echo "$before") <(files) >&2 || true; fail "left behind, or taken, as above"; }

# The same from one file.
tar -C "$top" --transform 's,^1,mneme-1,' -c 1 | xz >"$top/1.tar.xz"
whole=$top/whole.run
"$source/installer/run/make_run.sh" 1 "$top/1.tar.xz" "$whole"
said=$(run "$whole" --silent 2>&1) || fail "$whole did not install: $said"
[ "$("$home/.local/bin/mneme" c)" = "mneme 1 c" ] || fail "$whole installed a program that does not start"
run "$whole" --silent --uninstall || fail "$whole did not uninstall"
unchanged || fail "$whole left something behind"
run "$whole" --extract "$home/out" || fail "$whole was not unpacked"
[ -x "$home/out/mneme-1/install.sh" ] || fail "$whole unpacked something else"
rm -r "$home/out"

# Where a part is missing or changed it says so in one line and leaves everything as it was.
size=$(stat -c %s "$whole")
script=$((size - $(stat -c %s "$top/1.tar.xz")))
broken=$top/broken.run
refused() {
  chmod 755 "$broken"
  for how in --silent --uninstall "--extract $top/out"; do
    # shellcheck disable=SC2086
    ! said=$(run "$broken" $how 2>&1) || fail "accepted with $how: $1"
    [[ $said == "mneme: $broken is not whole"* && $(wc -l <<<"$said") -eq 1 ]] || fail "$how of $1 said: $said"
    unchanged || fail "$how of $1 changed something"
  done
}
for length in 200 1000 $((script - 100)); do  # not even the script is whole
  head -c "$length" "$whole" >"$broken"
  chmod 755 "$broken"
  run "$broken" --silent >/dev/null 2>&1 || true
  unchanged || fail "the first $length bytes changed something"
done
for length in "$script" $((script + 100)) $((size - 1)); do
  head -c "$length" "$whole" >"$broken"
  refused "the first $length of $size bytes"
done
{ head -c $((size - 200)) "$whole"; printf x; tail -c 199 "$whole"; } >"$broken"
refused "a changed byte"

# Where it cannot write it says so in one line, and can be used again: before the version before was touched nothing changed.
fails_with() {  # fails_with WORDS COMMAND ...
  local words=$1
  shift
  ! said=$(run "$@" 2>&1) || fail "did not fail: $words"
  [[ $said == "mneme: $words"* && $(wc -l <<<"$said") -eq 1 ]] || fail "not \"$words\" but: $said"
}
head -c 100000 /dev/zero >"$top/1/lib/large.so"
# shellcheck disable=SC2016
fails_with "$tree.new cannot be written: is there room?" bash -c 'ulimit -f 32; trap "" XFSZ; exec "$0" --silent' "$top/1/install.sh"
unchanged || fail "folders are left: $(diff <(echo "$before") <(files))"
run touch "$home/.local/share/man"
fails_with "$home/.local/share/man cannot be made" "$top/1/install.sh" --silent
run rm "$home/.local/share/man"
unchanged || fail "folders are left: $(diff <(echo "$before") <(files))"
run mkdir -p "$home/.local/share/metainfo"
run chmod 555 "$home/.local/share/metainfo"
fails_with "$home/.local/share/metainfo/" "$top/1/install.sh" --silent
run chmod 755 "$home/.local/share/metainfo"
run "$top/2/install.sh" --silent || fail "cannot be installed again"
[ "$("$home/.local/bin/mneme")" = "mneme 2 " ] || fail "not the version that was installed last"
run "$tree/install.sh" --silent --uninstall
run rmdir "$home/.local/share/metainfo"
unchanged || fail "left behind after an installation that failed: $(diff <(echo "$before") <(files))"

# What is not ours is not overwritten, and what is not there is not removed.
run mkdir -p "$tree"
run touch "$tree/precious"
! run "$top/1/install.sh" --silent 2>/dev/null || fail "installed over a folder that is not its own"
! run "$top/1/install.sh" --silent --uninstall 2>/dev/null || fail "removed what it had not installed"
[ -e "$tree/precious" ] || fail "a file of the user is gone"
