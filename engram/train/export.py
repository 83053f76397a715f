#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the memory of a run as a pack that Mneme loads.

    export.py RUN_FOLDER PACK.gguf --name "SmolLM2 reference memory" --license "..." """
import argparse
import os
import sys

from base_model import RecipeError
from pack_file import read_pack, write_pack
from run_folder import Run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("pack")
    parser.add_argument("--name", required=True)
    parser.add_argument("--license", required=True)
    options = parser.parse_args()
    try:
        run = Run(options.run)
        memory, checkpoint = run.trained_memory()
        if checkpoint["step"] < checkpoint["steps"]:
            print(f"export: the run is at step {checkpoint['step']} of {checkpoint['steps']}", file=sys.stderr)
        part = options.pack + ".part"
        write_pack(part, run, memory, options.name, options.license)
        read_pack(part, run)
        os.replace(part, options.pack)
        print(f"wrote {options.pack}, {os.path.getsize(options.pack) / 1e6:.1f} MB")
    except (RecipeError, OSError) as error:
        sys.exit(f"export: {error}")


if __name__ == "__main__":
    main()
