#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# desktop_test.sh SHARE ID: the desktop's files are valid, and bear one id.
set -euo pipefail
share=$1 id=$2
fail() { echo "desktop_test.sh: $*" >&2; exit 1; }
desktop=$share/applications/$id.desktop
metainfo=$share/metainfo/$id.metainfo.xml

desktop-file-validate "$desktop"
appstreamcli validate --no-net --strict "$metainfo"
grep -qx "Icon=$id" "$desktop" || fail "the desktop file names another icon"
grep -q "<id>$id</id>" "$metainfo" || fail "the metainfo is of another id"
grep -q "<launchable type=\"desktop-id\">$id.desktop<" "$metainfo" || fail "the metainfo starts another desktop file"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/packages"
cp "$share/mime/packages/$id.xml" "$folder/packages"
update-mime-database "$folder" >/dev/null 2>&1
for type in $(sed -n 's/^MimeType=//p' "$desktop" | tr ';' ' '); do
  grep -q ":$type:" "$folder/globs2" || fail "no file name has the type $type"
done
grep -qa GGUF "$folder/magic" || fail "GGUF files are not known by their first bytes"
