# SPDX-License-Identifier: Apache-2.0
"""Facts that the memory knows and the base does not: the start of a definition is given, and the
greedy text must go on with the definition's own words, with the memory on but not with it off."""
import json
import pathlib
import re
import shlex

import numpy as np
import torch

from mneme_cli import MnemeCli
from token_data import read_documents

WANTED = 10
ANSWER_TOKENS = 10  # that must be right, one after another; all of a shorter answer
CANDIDATES = 4000


def candidates(run):
    """(prompt, answer) from the fact pairs that training saw most often."""
    seen = set()
    for document in read_documents(pathlib.Path(run.corpus) / "facts.train.jsonl")[:CANDIDATES]:
        text = document.get("text") or document["messages"][-1]["content"]
        found = re.match(r"(.{3,60}?) (means|is|are|was) (.+)", text, re.DOTALL)
        if found and found.group(1).lower() not in seen:
            seen.add(found.group(1).lower())
            yield f"{found.group(1)} {found.group(2)}", " " + found.group(3)


def right_tokens(run, memory, prompt, answer):
    """How many of the answer's first tokens are the model's best guess, each after the right ones."""
    head, tail = run.tokenizer.encode(prompt), run.tokenizer.encode(answer)[:ANSWER_TOKENS]
    if len(tail) < 4:
        return 0, 0
    ids = np.array(head + tail)[None]
    with torch.no_grad():
        x = run.model.run(run.states(ids), run.first, run.model.blocks, memory.at(ids) if memory else None)
        best = run.model.logits(x[:, len(head) - 1:-1]).argmax(-1)[0].cpu().numpy()
    return int((best == np.array(tail)).sum()), len(tail)


def measure(evaluation):
    run, cli = evaluation.run, MnemeCli(evaluation)
    shown, tried, known_on, known_off = [], 0, 0, 0
    for prompt, answer in candidates(run):
        tried += 1
        on, count = right_tokens(run, evaluation.packed, prompt, answer)
        off, _ = right_tokens(run, None, prompt, answer)
        known_on += count > 0 and on == count
        known_off += count > 0 and off == count
        if len(shown) < WANTED and count > 0 and on == count and off <= count // 2:
            arguments = ["--exact", "--temp", "0", "--repeat-penalty", "1", "-n", "16", "-p", prompt]
            texts = [" ".join(cli("complete", *arguments, memory=memory).split()) for memory in (True, False)]
            start = " ".join(run.tokenizer.decode(run.tokenizer.encode(answer)[:count]).split())
            if start in texts[0] and start not in texts[1]:
                command = "mneme-cli complete " + shlex.join(arguments)
                shown.append({"command": command, "answer": answer.strip(), "on": texts[0], "off": texts[1]})
                print(json.dumps(shown[-1], ensure_ascii=False), flush=True)
    print(f"of {tried} facts, {known_on} are completed with the memory on, {known_off} with it off")
    return {"tried": tried, "completed_on": known_on, "completed_off": known_off, "examples": shown}
