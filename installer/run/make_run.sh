#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make_run.sh VERSION PACKED RUN: the self-extracting file RUN, of head.sh and the tar.xz PACKED. head.sh knows PACKED's digest.
set -euo pipefail
digest=$(sha256sum "$2" | cut -d' ' -f1)
sed "s/@VERSION@/$1/; s/@SHA256@/$digest/" "$(dirname "${BASH_SOURCE[0]}")/head.sh" | cat - "$2" >"$3"
chmod 755 "$3"
