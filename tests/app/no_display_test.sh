#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# no_display_test.sh APP: where no window can be opened the program ends with one sentence that says why.
set -euo pipefail
app=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "no_display_test.sh: $*" >&2; exit 1; }
says() {  # says WORDS VARIABLE=VALUE ...
  local words=$1 said code=0
  shift
  said=$(env -u DISPLAY -u WAYLAND_DISPLAY -u QT_QPA_PLATFORM XDG_STATE_HOME="$folder" XDG_RUNTIME_DIR="$folder" "$@" "$app" 2>&1) || code=$?
  [ "$code" -eq 1 ] || fail "$*: the exit code is $code"
  [ "$(wc -l <<<"$said")" -eq 1 ] || fail "$*: more than one line: $said"
  [[ $said == *"there is no display to open a window on: $words"*"; mneme-cli does the same in a terminal" ]] || fail "$*: $said"
}

says "DISPLAY and WAYLAND_DISPLAY name none"
says 'DISPLAY is ":9999", which' DISPLAY=:9999
says 'QT_QPA_PLATFORM asks for "nothing", which' QT_QPA_PLATFORM=nothing
plugins=$(qtpaths6 --query QT_INSTALL_PLUGINS 2>/dev/null || /usr/lib/qt6/bin/qtpaths6 --query QT_INSTALL_PLUGINS)
if compgen -G "$plugins/platforms/libqwayland*.so" >/dev/null; then
  says 'WAYLAND_DISPLAY is "none", which' WAYLAND_DISPLAY=none
else
  says "the display is Wayland's (WAYLAND_DISPLAY is \"none\"), and Qt's plugin for it is not installed" WAYLAND_DISPLAY=none
fi
