# SPDX-License-Identifier: Apache-2.0
"""Held-out perplexity with the memory and without, and with the controls that tell memory from mere
adaptation to the domain: rows shuffled within their head, every row its head's mean, and a memory of
one row a head trained the same way."""
import math

import torch
from tqdm import tqdm

from base_model import token_losses
from hidden_states import KeptStates

BATCH = 8


def losses(evaluation, windows, kept, memory):
    """Mean loss in nats of every source."""
    run, sums = evaluation.run, {name: [0.0, 0.0] for name in windows.names}
    with torch.no_grad():
        for first in range(0, len(windows), BATCH):
            part = list(range(first, min(first + BATCH, len(windows))))
            tokens = windows.tokens[part]
            added = memory.at(tokens) if memory else None
            x = run.model.run(kept.take(part).to(run.device), run.first, run.model.blocks, added)
            weights = run.on_device(windows.weights[part])
            _, each = token_losses(run.model, x, run.on_device(windows.targets[part]), weights)
            for i, loss, weight in zip(part, (each * weights).sum(1), weights.sum(1)):
                entry = sums[windows.names[windows.source[i]]]
                entry[0] += float(loss)
                entry[1] += float(weight)
    return sums


def measure(evaluation):
    generator = torch.Generator().manual_seed(1)
    memories = {
        "base, memory off": None,
        "memory on": evaluation.packed,
        "memory on, float tables": evaluation.trained,
        "rows shuffled": evaluation.changed_rows(lambda rows: rows[torch.randperm(len(rows), generator=generator)]),
        "every row the mean row": evaluation.changed_rows(lambda rows: rows.mean(0, keepdim=True).expand_as(rows)),
    }
    if evaluation.one_row:
        memories["one row a head, trained alike"] = evaluation.one_row
    result = {}
    for part, title in (("heldout", "in domain"), ("elsewhere", "out of domain")):
        windows = evaluation.run.windows("heldout", part)
        kept = KeptStates(evaluation.run, windows, part)
        table = {}
        for name, memory in tqdm(memories.items(), desc=title):
            sums = losses(evaluation, windows, kept, memory)
            table[name] = {source: math.exp(loss / weight) for source, (loss, weight) in sums.items()}
            total = [sum(entry[i] for entry in sums.values()) for i in (0, 1)]
            table[name]["all"] = math.exp(total[0] / total[1])
        counted = {name: int(windows.weights[windows.of(name)].sum()) for name in windows.names}
        result[part] = {"perplexity": table, "tokens": counted}
        show(title, table, counted)
    return result


def show(title, table, counted):
    sources = [*counted, "all"]
    print(f"| {title} | " + " | ".join(f"{s} ({counted.get(s, sum(counted.values()))})" for s in sources) + " |")
    print("|---" * (len(sources) + 1) + "|")
    base = table["base, memory off"]
    for name, row in table.items():
        print(f"| {name} | " + " | ".join(f"{row[s]:.2f} ({100 * (row[s] / base[s] - 1):+.1f} %)" for s in sources)
              + " |")
    print(flush=True)
