#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a trained memory, on text that no training step saw. Prints a report and writes the
figures as JSON beside the run.

    evaluate.py RUN_FOLDER PACK.gguf [--one-row-run FOLDER] [--mneme-cli PATH] [--only PART,...]

Parts: perplexity (with the controls), gates, facts, parity. The last two compare with Mneme itself."""
import argparse
import copy
import json
import pathlib
import sys

import torch

import facts
import gates
import parity
import perplexity
from base_model import RecipeError
from pack_file import read_pack
from run_folder import Run


class Evaluation:
    """What the parts share: the run, its memory as trained and as the pack holds it."""

    def __init__(self, options):
        self.options = options
        self.run = Run(options.run, options.device)
        self.trained, self.checkpoint = self.run.trained_memory()
        self.packed = read_pack(options.pack, self.run).to(options.device)
        self.pack = options.pack
        self.one_row = None
        if options.one_row_run:
            other = Run(options.one_row_run, options.device)
            if not other.one_row:
                raise RecipeError(f"{options.one_row_run} was not trained with --one-row")
            self.one_row, found = other.trained_memory()
            if found["step"] != self.checkpoint["step"]:
                raise RecipeError("the control was trained for another number of steps: the comparison would be unfair")

    def changed_rows(self, change):
        """A copy of the packed memory, `change(rows)` applied to the rows of each head."""
        memory, hash = copy.deepcopy(self.packed), self.run.hash
        with torch.no_grad():
            for slot, table in enumerate(memory.tables()):
                for first, count in zip(hash.offsets[slot], hash.primes[slot]):
                    part = slice(int(first), int(first + count))
                    table[part] = change(table[part].clone())
        return memory


PARTS = {"perplexity": perplexity.measure, "gates": gates.measure, "facts": facts.measure, "parity": parity.measure}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("pack")
    parser.add_argument("--one-row-run", help="the run of the control, trained with --one-row")
    parser.add_argument("--mneme-cli", default="build/release/bin/mneme-cli")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", default=",".join(PARTS), help="which parts, separated by commas")
    options = parser.parse_args()
    try:
        wanted = options.only.split(",")
        for part in wanted:
            if part not in PARTS:
                raise RecipeError(f"there is no part {part}: {', '.join(PARTS)}")
        evaluation = Evaluation(options)
        file = pathlib.Path(options.run) / "figures.json"
        figures = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        figures["training"] = {k: evaluation.checkpoint[k] for k in ("step", "steps", "tokens", "seconds", "torch")}
        for part in wanted:
            print(f"\n## {part}\n", flush=True)
            figures[part] = PARTS[part](evaluation)
            file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        print(f"\nwrote {file}")
    except (RecipeError, OSError) as error:
        sys.exit(f"evaluate: {error}")


if __name__ == "__main__":
    main()
