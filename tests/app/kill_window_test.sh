#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 in the middle of an answer: what was typed, and what of the answer was on the screen for a
# second, is in the database. Drives the program from outside, as a person would; run under
# with_display.sh. The program's log tells what was painted when.
# kill_window_test.sh MNEME MODEL [KILLS [SECONDS]]: the promise is one second; a test on a machine
# that others use gives it more room, and prints what it measured.
set -euo pipefail
mneme=$1 model=$2 kills=${3:-3} seconds=${4:-10}
question="Write a very long story about a lighthouse keeper and the sea."
[ -f "$model" ] || { echo "skipped: the default model is not here: ./dev run fetches it"; exit 77; }
data=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT
export QT_LOGGING_RULES="mneme.shown.debug=true"

fail() { echo "kill_window_test: $*" >&2; exit 1; }
wait_for() {  # wait_for SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "gave up waiting for: $*"
    sleep 0.1
  done
}
start() {
  rm -f "$data/mneme.log"
  "$mneme" --data-dir "$data" --model "$model" --memory off &
  pid=$!
  wait_for 120 window
}
end() {
  kill -9 "$pid"
  wait "$pid" 2>/dev/null || true
  pid=
}
window() { xdotool search --onlyvisible --pid "$pid" --name Mneme >/dev/null 2>&1; }
# The program locks its database, so this is asked only while it does not run.
query() { sqlite3 "$data/chats.db" "$1"; }
# Of the message $1, what was painted: "seconds characters" a line.
shown() {
  sed -n "s/^\[\(.*\)\] \[qt\] \[debug\] .*characters of message $1 : \([0-9]*\)$/\1\t\2/p" "$data/mneme.log" |
    while IFS=$'\t' read -r time characters; do echo "$(date -d "$time" +%s.%N) $characters"; done
}

worst=0 checked=0
for ((kill = 1; kill <= kills; ++kill)); do
  start
  wait_for 120 grep -q 'opened ' "$data/mneme.log"
  xdotool windowactivate --sync "$(xdotool search --onlyvisible --pid "$pid" --name Mneme | head -n 1)"
  xdotool key ctrl+n
  xdotool type --delay 15 "$question"
  xdotool key Return
  wait_for 120 grep -q 'characters of message' "$data/mneme.log"
  sleep "$((RANDOM % 5)).$((RANDOM % 10))"
  end
  at=$(date +%s.%N)
  [ "$(query 'PRAGMA integrity_check')" = ok ] || fail "kill $kill: the database is damaged"
  read -r id stored <<<"$(query "SELECT id || ' ' || length(text) FROM message WHERE role = 2 ORDER BY id DESC LIMIT 1")"
  [ "$(query "SELECT text FROM message WHERE role = 1 ORDER BY id DESC LIMIT 1")" = "$question" ] ||
    fail "kill $kill: the user's text is not in the database"
  # How long what is missing had been on the screen.
  age=$(shown "$id" | awk -v at="$at" -v stored="$stored" '$2 > stored { print at - $1; found = 1; exit } END { if (!found) print 0 }')
  painted=$(shown "$id" | tail -n 1 | cut -d' ' -f2)
  echo "kill $kill: $stored of ${painted:-0} characters that were shown are on disk; the oldest that is missing was shown for $age s"
  awk -v age="$age" -v most="$seconds" 'BEGIN { exit !(age <= most) }' || fail "kill $kill: text that was shown for $age s is lost"
  worst=$(awk -v a="$age" -v b="$worst" 'BEGIN { print (a > b ? a : b) }')
  checked=$((checked + 1))
done
echo "$checked kills: no text was lost that had been shown for more than $worst s"

# The next start finds the chat and calls a half answer interrupted; a second one raises its window.
start
timeout 20 "$mneme" --data-dir "$data" || fail "a second start did not end by itself"
sleep 1
end
state=$(query "SELECT state FROM message WHERE id = $id")
[ "$state" = 4 ] || [ "$state" = 0 ] || fail "after a restart the half answer is in state $state"
[ "$(query "SELECT length(text) FROM message WHERE id = $id")" = "$stored" ] || fail "the reply changed"
