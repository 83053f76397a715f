#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Man pages and shell completions of the two programs, from what they say themselves.

documents.py BIN VERSION OUT: BIN/mneme-cli and, where it was built, BIN/mneme; into OUT/share. Times in them are
$SOURCE_DATE_EPOCH's, so that two runs write the same bytes.
"""
import gzip
import os
import pathlib
import sys

import completions
import man_page
import program_help


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def main():
    programs, version, out = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]) / "share"
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    for name, also in (("mneme", "mneme-cli"), ("mneme-cli", "mneme")):
        if not (programs / name).exists():
            continue
        page = program_help.read_help(str(programs / name), [name])
        manual = man_page.man_page(page, version, also, epoch).encode()
        write(out / f"man/man1/{name}.1.gz", gzip.compress(manual, 9, mtime=0))
        write(out / f"bash-completion/completions/{name}", completions.bash(page).encode())
        write(out / f"zsh/vendor-completions/_{name}", completions.zsh(page).encode())
        link(out / f"zsh/site-functions/_{name}", f"../vendor-completions/_{name}")  # where others than Debian look
        write(out / f"fish/vendor_completions.d/{name}.fish", completions.fish(page).encode())


if __name__ == "__main__":
    main()
