#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Chats of a newer program: the window says so in a dialog and ends with 1, and nothing is changed.
# Run under with_display.sh. newer_chats_test.sh MNEME
set -euo pipefail
mneme=$1
data=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT
fail() { echo "newer_chats_test: $*" >&2; exit 1; }

# 1299080557 is "Mnem", see inference/store/schema.cpp.
sqlite3 "$data/chats.db" "PRAGMA application_id = 1299080557; PRAGMA user_version = 4000; CREATE TABLE chat (id)"
before=$(sha256sum "$data/chats.db")
"$mneme" --data-dir "$data" 2>"$data/said" &
pid=$!
end=$((SECONDS + 120))
until dialog=$(xdotool search --onlyvisible --pid "$pid" --name Mneme 2>/dev/null); do
  kill -0 "$pid" 2>/dev/null || fail "it ended without a dialog: $(cat "$data/said")"
  [ $SECONDS -lt $end ] || fail "there is no dialog"
  sleep 0.1
done
xdotool windowactivate --sync "$(head -n 1 <<<"$dialog")"
xdotool key Return
code=0
wait "$pid" || code=$?
pid=
[ "$code" = 1 ] || fail "it ended with $code"
grep -q 'chats.db was written by a newer Mneme (its version is 4000' "$data/mneme.log" || fail "the log does not say why"
[ "$(sha256sum "$data/chats.db")" = "$before" ] || fail "the file was changed"
[ -z "$(find "$data" -name 'chats.db?*')" ] || fail "there are new files beside it"
