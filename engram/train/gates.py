# SPDX-License-Identifier: Apache-2.0
"""Do gates open where a fixed phrase completes? The gate at the last token of a WordNet lemma of
several words, against the gates at the other tokens of the same sentences of held-out text: the area
under the ROC curve, 0.5 = chance. Gate = the maximum over layers."""
import collections
import json
import pathlib
import re

import numpy as np
import torch

from base_model import RecipeError
from token_data import read_documents

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?;:]\s|\n")
_SEEN = 5  # times in training, at least
_LONGEST = 5  # words


def lemmas_in(text, lemmas):
    """(first, last + 1, lemma) of the longest lemmas, left to right, none overlapping."""
    words = [(m.start(), m.end(), m.group().lower()) for m in _WORD.finditer(text)]
    found, i = [], 0
    while i < len(words):
        for count in range(min(_LONGEST, len(words) - i), 1, -1):
            phrase = " ".join(w[2] for w in words[i:i + count])
            # Words of a lemma stand next to one another, with nothing but blanks between.
            if phrase in lemmas and text[words[i][0]:words[i + count - 1][1]].lower().split() == phrase.split():
                found.append((words[i][0], words[i + count - 1][1], phrase))
                i += count
                break
        else:
            i += 1
    return found


def area_under_roc(positive, negative):
    """P(a positive is larger than a negative), ties counted half."""
    values = np.concatenate([positive, negative])
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    for value, count in zip(*np.unique(values, return_counts=True)):
        if count > 1:
            ranks[values == value] = ranks[values == value].mean()
    return (ranks[:len(positive)].sum() - len(positive) * (len(positive) + 1) / 2) / len(positive) / len(negative)


def measure(evaluation):
    run, memory = evaluation.run, evaluation.packed
    file = pathlib.Path(run.corpus) / "lemmas.json"
    if not file.exists():
        raise RecipeError(f"{file} is not there: make the corpus first (engram/train/corpus.py)")
    lemmas = set(json.loads(file.read_text(encoding="utf-8")))
    train = run.windows("train", "train")
    counts = collections.Counter(lemma for window in train.tokens
                                 for _, _, lemma in lemmas_in(run.tokenizer.decode(window), lemmas))
    known = {lemma for lemma, count in counts.items() if count >= _SEEN}
    completing, others, examples = [], [], collections.defaultdict(list)
    for source in run.settings["heldout"]:
        for document in read_documents(pathlib.Path(run.corpus) / f"{source}.heldout.jsonl"):
            text = document.get("text", "")
            found = lemmas_in(text, known)
            if not found:
                continue
            ids, spans = run.tokenizer.encode_with_spans(text)
            ids, spans = ids[:run.settings["window"]], spans[:run.settings["window"]]
            gate = gates_of(run, memory, ids)
            ends = {end: lemma for _, end, lemma in found}
            cuts = [0, *(m.end() for m in _SENTENCE_END.finditer(text)), len(text)]
            for first, last in zip(cuts, cuts[1:]):
                inside = [i for i, (a, b) in enumerate(spans) if first <= a < last]
                marked = {i: ends[spans[i][1]] for i in inside if spans[i][1] in ends}
                if not marked:
                    continue
                for i in inside:
                    (completing if i in marked else others).append(gate[i])
                for i, lemma in marked.items():
                    examples[lemma].append(float(gate[i]))
    if not completing:
        raise RecipeError("no lemma that training saw occurs in the held-out text")
    area = float(area_under_roc(np.array(completing), np.array(others)))
    result = {"auc": area, "completing_tokens": len(completing), "lemmas": len(examples),
              "other_tokens": len(others), "mean_gate_completing": float(np.mean(completing)),
              "mean_gate_others": float(np.mean(others))}
    print(json.dumps(result, indent=1))
    print("widest open:", ", ".join(sorted(examples, key=lambda l: -np.mean(examples[l]))[:20]))
    print("least open:", ", ".join(sorted(examples, key=lambda l: np.mean(examples[l]))[:20]))
    return result


def gates_of(run, memory, ids):
    """[T]: the maximum over layers."""
    tokens = np.array(ids)[None]
    added = memory.at(tokens)
    with torch.no_grad():
        last = run.hash.layers[-1]
        x = run.model.run(run.states(tokens), run.first, last, added)
        added(last, x)
    return torch.stack(added.gates).amax(0)[0].float().cpu().numpy()
