#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a program on a display of its own, with a window manager: with_display.sh PROGRAM [ARGUMENTS]
set -euo pipefail
for tool in Xvfb openbox; do
  command -v "$tool" >/dev/null || { echo "with_display.sh: $tool is missing; ./dev test installs it" >&2; exit 1; }
done
scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$scratch"' EXIT
exec 3<>"$scratch/display"
Xvfb -displayfd 3 -screen 0 1600x1000x24 -nolisten tcp >/dev/null 2>&1 &
for _ in $(seq 100); do
  [ -s "$scratch/display" ] && break
  sleep 0.1
done
number=$(head -n 1 "$scratch/display")
[ -n "$number" ] || { echo "with_display.sh: Xvfb did not start" >&2; exit 1; }
export DISPLAY=":$number" XDG_RUNTIME_DIR="$scratch" QT_QPA_PLATFORM=xcb
openbox --sm-disable >/dev/null 2>&1 &
sleep 0.5
"$@"
