#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 in the middle of an answer: what was typed, and what was answered until a second before, is
# in the database. Drives the program from outside, as a person would; run under with_display.sh.
# kill_window_test.sh MNEME MODEL
set -euo pipefail
mneme=$1 model=$2
question="Write a very long story about a lighthouse keeper and the sea."
[ -f "$model" ] || { echo "skipped: the default model is not here: ./dev run fetches it"; exit 77; }
data=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT

fail() { echo "kill_window_test: $*" >&2; exit 1; }
wait_for() {  # wait_for SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "gave up waiting for: $*"
    sleep 0.2
  done
}
start() {
  "$mneme" --data-dir "$data" --model "$model" --memory off &
  pid=$!
  wait_for 60 window
}
end() {
  kill -9 "$pid"
  wait "$pid" 2>/dev/null || true
  pid=
}
window() { xdotool search --onlyvisible --pid "$pid" --name Mneme >/dev/null 2>&1; }
# The program locks its database, so this is asked only while it does not run.
query() { sqlite3 "$data/chats.db" "$1"; }

start
wait_for 120 grep -q 'opened ' "$data/mneme.log"
sleep 1
xdotool windowactivate --sync "$(xdotool search --onlyvisible --pid "$pid" --name Mneme | head -n 1)"
xdotool type --delay 15 "$question"
xdotool key Return
sleep 4
end
[ "$(query 'SELECT text FROM message WHERE role = 1')" = "$question" ] || fail "the user's text is not in the database"
before=$(query 'SELECT length(text) FROM message WHERE role = 2')
[ "${before:-0}" -gt 0 ] || fail "nothing of the reply is in the database"
echo "killed after 4 s: the reply kept $before characters, state $(query 'SELECT state FROM message WHERE role = 2')"

# The next start finds the chat and calls a half answer interrupted; a second one raises its window.
start
timeout 20 "$mneme" --data-dir "$data" || fail "a second start did not end by itself"
sleep 1
end
state=$(query 'SELECT state FROM message WHERE role = 2')
[ "$state" = 4 ] || [ "$state" = 0 ] || fail "after a restart the half answer is in state $state"
[ "$(query 'SELECT length(text) FROM message WHERE role = 2')" = "$before" ] || fail "the reply changed"
