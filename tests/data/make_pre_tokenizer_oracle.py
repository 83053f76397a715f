#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes pre_tokenizer.json: lines, and the pieces that the `tokenizers` package cuts them into with
each published pre-tokenizer. Pieces are stored as lengths in bytes. Run once; the result is committed.
"""
import json
import os
import random

from tokenizers import Regex
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

from make_tokenizer_oracle import make_lines, make_snippets

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
MODERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = ("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
            "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")


def stages(*patterns):
    return Sequence([Split(Regex(p), "isolated") for p in patterns])


KINDS = {
    "gpt-2": stages(GPT2),
    "smollm": Sequence([Digits(individual_digits=True), stages(GPT2)]),
    "llama-bpe": stages(MODERN % r"\p{N}{1,3}"),
    "qwen2": stages(MODERN % r"\p{N}"),
    "deepseek-v3": stages(r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", DEEPSEEK),
}


def main():
    rng = random.Random(7)
    snippets, lines = make_lines(rng, make_snippets(rng), 400)
    texts = [b"".join(snippets[p] for p in parts).decode("utf-8", errors="replace") for parts in lines]
    # ByteLevel's own expression is the one written out above.
    for text in texts:
        ours = [piece for _, piece in ByteLevel(add_prefix_space=False).pre_tokenize_str(text)]
        assert len(ours) == len(KINDS["gpt-2"].pre_tokenize_str(text)), text
    pieces = {}
    for name, kind in KINDS.items():
        pieces[name] = [[len(piece.encode()) for piece, _ in kind.pre_tokenize_str(text)] for text in texts]
        for text, sizes in zip(texts, pieces[name]):
            assert sum(sizes) == len(text.encode())
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pre_tokenizer.json")
    with open(path, "w") as out:
        json.dump({"lines": texts, "pieces": pieces}, out, separators=(",", ":"))
    print(len(texts), "lines,", os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
