#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains Engram layers for a frozen Llama-type base.

    train.py RUN_FOLDER --base MODEL.gguf --corpus FOLDER --settings cpu.json [--device cuda] [--one-row]

Goes on from the last checkpoint when RUN_FOLDER has one. The same settings, corpus, base and device
give the same memory. --one-row trains the control: tables of one row a head."""
import argparse
import json
import math
import os
import pathlib
import sys
import time

import torch
from tqdm import tqdm

from base_model import RecipeError, token_losses
from hidden_states import KeptStates
from run_folder import Run
from run_settings import read_settings
from token_data import schedule

CHECKPOINT_SECONDS = 600
PROBES = 16  # held-out windows watched while training


class Trainer:
    def __init__(self, run):
        self.run, self.settings = run, run.settings
        s = self.settings
        self.windows = run.windows("train", "train")
        self.order = schedule(self.windows, {n: w["passes"] for n, w in s["train"].items()}, s["seed"])
        self.steps = len(self.order) // s["batch"]
        self.kept = KeptStates(run, self.windows, "train") if s["keep_states"] else None
        self.probes = self._probes()
        self.memory = run.memory(self._stream_rms())
        self.tables = torch.optim.SparseAdam(self.memory.tables(), lr=s["table_rate"])
        self.dense = torch.optim.Adam(self.memory.dense_parameters(), lr=s["dense_rate"])
        self.step, self.seconds = 0, 0.0
        self._resume()

    def _probes(self):
        held = self.run.windows("heldout", "heldout")
        count = min(PROBES, len(held))
        chosen = [i * len(held) // count for i in range(count)]
        return held.tokens[chosen], held.targets[chosen], held.weights[chosen]

    def _stream_rms(self):
        """Typical size of the residual stream where the memory writes: the median over tokens."""
        tokens = self.windows.tokens[self.order[:8]]
        x, sizes, at = self.run.states(tokens), [], self.run.first
        with torch.no_grad():
            for layer in self.run.hash.layers:
                x, at = self.run.model.run(x, at, layer), layer
                sizes.append(float(x.square().mean(-1).sqrt().median()))
        return sizes

    def _resume(self):
        found = self.run.checkpoint()
        if found is None:
            return
        self.memory.load_state_dict(found["memory"])
        self.tables.load_state_dict(found["tables"])
        self.dense.load_state_dict(found["dense"])
        self.step, self.seconds = found["step"], found["seconds"]
        print(f"going on from step {self.step} of {self.steps}", file=sys.stderr)

    def save(self):
        file = self.run.folder / "checkpoint.pt"
        part = file.with_suffix(".part")
        torch.save({"memory": self.memory.state_dict(), "tables": self.tables.state_dict(),
                    "dense": self.dense.state_dict(), "step": self.step, "steps": self.steps,
                    "seconds": self.seconds, "tokens": self.step * self.settings["batch"] * self.windows.length,
                    "torch": str(torch.__version__)}, part)
        os.replace(part, file)

    def _rates(self):
        """Warm-up over the first fiftieth, then a cosine down to a twentieth."""
        warm = max(1, self.steps // 50)
        done = max(0, self.step - warm) / max(1, self.steps - warm)
        scale = min(1, (self.step + 1) / warm) * (0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2)
        for optimizer, rate in ((self.tables, "table_rate"), (self.dense, "dense_rate")):
            for group in optimizer.param_groups:
                group["lr"] = self.settings[rate] * scale

    def probe(self, memory):
        """Mean loss of the held-out probes, memory on (given) or off (None)."""
        model, run = self.run.model, self.run
        losses = weights = 0.0
        with torch.no_grad():
            for tokens, targets, weight in zip(*self.probes):
                added = memory.at(tokens[None]) if memory else None
                x = model.run(run.states(tokens[None]), run.first, model.blocks, added)
                _, each = token_losses(model, x, run.on_device(targets[None]), run.on_device(weight[None]))
                losses += float((each * run.on_device(weight[None])).sum())
                weights += float(weight.sum())
        return losses / weights

    def one_step(self):
        run, model = self.run, self.run.model
        batch = self.settings["batch"]
        chosen = self.order[self.step * batch:(self.step + 1) * batch]
        tokens = self.windows.tokens[chosen]
        x = self.kept.take(chosen).to(run.device) if self.kept else run.states(tokens)
        added = self.memory.at(tokens)
        x = model.run(x, run.first, model.blocks, added)
        loss, _ = token_losses(model, x, run.on_device(self.windows.targets[chosen]),
                               run.on_device(self.windows.weights[chosen]))
        gates = torch.stack([g.mean() for g in added.gates]).mean()
        self._rates()
        self.tables.zero_grad(set_to_none=True)
        self.dense.zero_grad(set_to_none=True)
        (loss + self.settings["gate_cost"] * gates).backward()
        self.tables.step()
        self.dense.step()
        self.step += 1
        return float(loss.detach()), float(gates.detach())

    def train(self, until=None):
        started, saved = time.time() - self.seconds, time.time()
        off = self.probe(None)
        print(f"held-out loss with the memory off: {off:.4f}", file=sys.stderr)
        last = min(self.steps, until or self.steps)
        tokens = self.settings["batch"] * self.windows.length
        with open(self.run.folder / "log.jsonl", "a", encoding="utf-8") as log, \
                tqdm(total=last, initial=self.step, unit="step") as bar:
            while self.step < last:
                loss, gates = self.one_step()
                self.seconds = time.time() - started
                record = {"step": self.step, "tokens": self.step * tokens, "seconds": round(self.seconds, 1),
                          "loss": round(loss, 5), "gate": round(gates, 4)}
                if self.step % self.settings["probe_every"] == 0 or self.step == last:
                    record |= {"heldout_on": round(self.probe(self.memory), 5), "heldout_off": round(off, 5)}
                    bar.write(json.dumps(record))
                log.write(json.dumps(record) + "\n")
                log.flush()
                if not math.isfinite(loss):
                    raise RecipeError(f"the loss is no longer a number at step {self.step}: lower table_rate")
                if time.time() - saved > CHECKPOINT_SECONDS:
                    self.save()
                    saved = time.time()
                bar.set_postfix(loss=f"{loss:.3f}", gate=f"{gates:.2f}")
                bar.update()
        self.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--base", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--settings", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", help="change one setting")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--one-row", action="store_true")
    parser.add_argument("--until", type=int, help="stop after this step (the schedule stays that of the whole run)")
    options = parser.parse_args()
    try:
        for file in (options.base, options.settings):
            if not pathlib.Path(file).exists():
                raise RecipeError(f"{file} is not there")
        torch.use_deterministic_algorithms(True)
        if options.threads:
            torch.set_num_threads(options.threads)
        settings = read_settings(options.settings, options.set)
        Run.create(options.run, options.base, options.corpus, settings, options.one_row)
        Trainer(Run(options.run, options.device)).train(options.until)
    except (RecipeError, OSError) as error:
        sys.exit(f"train: {error}")


if __name__ == "__main__":
    main()
