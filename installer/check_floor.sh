#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_floor.sh FILE...: fails where an ELF file asks for a newer C or C++ library than Ubuntu 22.04, Debian 12 and
# Fedora 36 have.
set -euo pipefail
declare -A floor=([GLIBC]=2.35 [GLIBCXX]=3.4.30 [CXXABI]=1.3.13)
failed=0
for library in "${!floor[@]}"; do
  newest=$(objdump -T "$@" | grep -oE "\(${library}_[0-9.]+" | sed "s/.*_//" | sort -uV | tail -1 || true)
  if [ "$(printf '%s\n' "$newest" "${floor[$library]}" | sort -V | tail -1)" != "${floor[$library]}" ]; then
    echo "check_floor.sh: the newest allowed is ${library}_${floor[$library]}, but ${library}_$newest is asked for by:" >&2
    for file in "$@"; do
      if objdump -T "$file" | grep -q "(${library}_$newest)"; then echo "  $file" >&2; fi
    done
    failed=1
  fi
done
exit $failed
