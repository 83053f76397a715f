# SPDX-License-Identifier: Apache-2.0
"""Mneme in exact mode against PyTorch in float32, on held-out passages, memory on: logits, row ids,
and greedy text."""
import json
import pathlib
import tempfile

import numpy as np
import torch

from base_model import BaseModel, RecipeError
from mneme_cli import MnemeCli
from token_data import read_documents

PASSAGES, LENGTH, GREEDY = 3, 300, 64


def passages(run):
    """The first held-out documents that are long enough, each of another source: (source, text)."""
    for source in run.settings["heldout"]:
        for document in read_documents(pathlib.Path(run.corpus) / f"{source}.heldout.jsonl"):
            ids = run.tokenizer.encode(document.get("text", ""))
            if len(ids) < LENGTH + 8:
                continue
            text = run.tokenizer.decode(ids[:LENGTH])
            if len(run.tokenizer.encode(text)) == LENGTH:
                yield source, text
                break


def logits_of(model, memory, run, tokens):
    """[T, V] float32."""
    ids = np.array(tokens)[None]
    with torch.no_grad():
        x = model.run(model.embed(run.on_device(ids)), 0, model.blocks, memory.at(ids) if memory else None)
        return model.logits(x)[0].float().cpu().numpy()


def measure(evaluation):
    run, cli = evaluation.run, MnemeCli(evaluation)
    model = BaseModel(run.model.path, run.device, torch.float32)
    result = []
    chosen = list(passages(run))[:PASSAGES]
    if not chosen:
        raise RecipeError(f"no held-out document of {', '.join(run.settings['heldout'])} has {LENGTH} tokens")
    for source, text in chosen:
        tokens = run.tokenizer.encode(text)
        entry = {"source": source, "tokens": len(tokens)}
        with tempfile.TemporaryDirectory() as folder:
            for name, memory in (("on", evaluation.packed), ("off", None)):
                file = pathlib.Path(folder) / name
                cli("complete", "--exact", "-p", text, "--logits", file, memory=memory is not None)
                theirs = np.fromfile(file, "<f4").reshape(-1, run.model.vocabulary)
                if len(theirs) != len(tokens):
                    raise RecipeError(f"Mneme reads {len(theirs)} tokens where the recipe reads {len(tokens)}")
                ours = logits_of(model, memory, run, tokens)
                entry[f"largest_difference_{name}"] = float(np.abs(ours - theirs).max())
        records = cli.lines("inspect", "--exact", "--json", "-p", text, "-n", "0")
        entry["rows_compared"], entry["rows_different"] = compare_rows(run, tokens, records)
        answer = cli.lines("complete", "--exact", "--json", "--temp", "0", "--repeat-penalty", "1", "-n", str(GREEDY),
                           "-p", text)[0]
        entry["greedy_tokens"], entry["greedy_equal"] = compare_greedy(model, evaluation.packed, run, tokens, answer)
        print(json.dumps(entry))
        result.append(entry)
    return result


def compare_rows(run, tokens, records):
    ours = {layer: run.hash.rows(slot, np.array(tokens)) for slot, layer in enumerate(run.hash.layers)}
    different = 0
    for record in records:
        column = (record["order"] - 2) * run.hash.heads + record["head"]
        different += int(ours[record["layer"]][record["position"], column]) != record["row"]
    if len(records) != len(tokens) * run.hash.columns * len(run.hash.layers):
        raise RecipeError(f"inspect gave {len(records)} rows for {len(tokens)} tokens")
    return len(records), different


def compare_greedy(model, memory, run, tokens, answer):
    """Mneme's greedy tokens, checked in one pass: each must be the best after those before it."""
    given = answer["tokens"][len(tokens):]
    logits = logits_of(model, memory, run, tokens + given)[len(tokens) - 1:-1]
    return len(given), int((logits.argmax(-1) == np.array(given)).sum())
