#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# small_icu.sh LIBRARY: takes out of a copy of libicudata.so what neither Mneme nor Qt asks ICU for: names of currencies,
# languages, regions, units and time zones, numbers in words, transliteration. Qt has its own of these. 31 MB become 17.
set -euo pipefail
library=$(realpath "$1")
PATH=$PATH:/usr/sbin  # where Debian has icupkg
soname=$(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')
version=${soname##*.}
data=icudt${version}l.dat  # icupkg takes the name of the package in it from that of the file
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir small
objcopy -O binary --only-section=.rodata "$library" "$data"
icupkg -l "$data" | grep -E '^(curr|lang|region|unit|zone|rbnf|translit)/' >needless.txt
icupkg -r needless.txt "$data" "small/$data"
cat >data.s <<EOF
.section .rodata, "a"
.balign 16
.globl icudt${version}_dat
.type icudt${version}_dat, @object
icudt${version}_dat:
.incbin "small/$data"
.size icudt${version}_dat, . - icudt${version}_dat
.section .note.GNU-stack, "", @progbits
EOF
cc -shared -nostdlib -s -Wl,-soname,"$soname" -Wl,--build-id=none data.s -o small.so
cat small.so >"$library"
