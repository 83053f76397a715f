# SPDX-License-Identifier: Apache-2.0
"""What a run of the recipe is made of, opened the same way by train, export and evaluate."""
import json
import pathlib

import numpy as np
import torch

from base_model import BaseModel, RecipeError, open_gguf, sha256_of
from gguf_tokenizer import Tokenizer
from memory import Memory
from ngram_hash import NgramHash
from run_settings import check_settings
from token_data import load_windows


def usable_device(name):
    try:
        torch.zeros(1, device=name)
        return name
    except (RuntimeError, AssertionError) as error:
        raise RecipeError(f"PyTorch cannot use the device {name}: {str(error).splitlines()[0]}") from None


class Run:
    """A folder with run.json (settings, base, corpus) and, once begun, checkpoint.pt and log.jsonl."""

    def __init__(self, folder, device="cpu", dtype=torch.bfloat16):
        self.folder = pathlib.Path(folder)
        try:
            about = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
            check_settings(about["settings"], f"{folder}/run.json")
        except FileNotFoundError:
            raise RecipeError(f"{folder} is not the folder of a run: train.py makes one") from None
        except (ValueError, KeyError, TypeError) as error:
            raise RecipeError(f"{folder}/run.json is damaged ({error}): train into another folder") from None
        self.settings, self.corpus, self.one_row = about["settings"], about["corpus"], about["one_row"]
        self.device = usable_device(device)
        if sha256_of(about["base"]) != about["base_sha256"]:
            raise RecipeError(f"{about['base']} is not the file that this run began with")
        self.base_sha256 = about["base_sha256"]
        self.tokenizer = Tokenizer(open_gguf(about["base"]))
        self.model = BaseModel(about["base"], device, dtype)
        s = self.settings
        for layer in s["layers"]:
            if not 0 <= layer < self.model.blocks:
                raise RecipeError(f"the settings ask for block {layer}, but {self.model.name} has {self.model.blocks}")
        self.hash = NgramHash(self.tokenizer.classes(self.model.vocabulary), self.tokenizer.pad, s["layers"],
                              s["max_ngram"], s["heads"], s["bucket_base"], one_row=self.one_row)
        self.first = s["layers"][0]

    @staticmethod
    def create(folder, base, corpus, settings, one_row):
        """Writes run.json; that of a run that has begun must say the same."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        about = {"base": str(pathlib.Path(base).resolve()), "base_sha256": sha256_of(base),
                 "corpus": str(pathlib.Path(corpus).resolve()), "one_row": one_row, "settings": settings}
        file = folder / "run.json"
        text = json.dumps(about, indent=2) + "\n"
        if not (folder / "checkpoint.pt").exists():
            file.write_text(text, encoding="utf-8")
        elif file.read_text(encoding="utf-8") != text:
            raise RecipeError(f"{folder} holds another run (run.json differs): name another folder")

    def windows(self, split, part):
        """part: "train", "heldout" or "elsewhere" of the settings."""
        return load_windows(self.corpus, split, self.settings[part], self.tokenizer, self.settings)

    def memory(self, stream_rms):
        s = self.settings
        return Memory(self.hash, self.model.width, s["row_width"], stream_rms, s["seed"]).to(self.device)

    def trained_memory(self):
        """What the last checkpoint holds, its values scaled by the setting `strength`: a memory trained on
        little text writes too boldly where it knows nothing."""
        checkpoint = self.checkpoint()
        if checkpoint is None:
            raise RecipeError(f"{self.folder} has no checkpoint yet")
        memory = self.memory([1.0] * len(self.hash.layers))
        memory.load_state_dict(checkpoint["memory"])
        with torch.no_grad():
            for layer in memory.layers:
                layer.value.weight *= self.settings["strength"]
                layer.value.bias *= self.settings["strength"]
        return memory, checkpoint

    def checkpoint(self):
        file = self.folder / "checkpoint.pt"
        try:
            return torch.load(file, map_location=self.device) if file.exists() else None
        except Exception as error:
            raise RecipeError(f"{file} cannot be read ({error}): delete it to begin anew") from None

    def on_device(self, array):
        return torch.from_numpy(np.ascontiguousarray(array)).long().to(self.device)

    def states(self, tokens):
        """The residual stream at the entry of the first Engram block: [B, T] ids -> [B, T, D]."""
        with torch.no_grad():
            return self.model.run(self.model.embed(self.on_device(tokens)), 0, self.first)
