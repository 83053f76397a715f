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


QWEN35 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CAPITAL, SMALL = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
BY_CASE = (r"[^\r\n\p{L}\p{N}]?" + CAPITAL + "*" + SMALL + r"+%s|[^\r\n\p{L}\p{N}]?" + CAPITAL + "+" + SMALL
           + r"*%s|%s| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
CASED = ("A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af"
         "\u0370-\u0373\u0376-\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5"
         "\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba"
         "\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45"
         "\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe"
         "\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102"
         "\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
         "\u213c-\u213f\u2145-\u2149\u214e\u2183-\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2-\u2cf3"
         "\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06"
         "\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3"
         "\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df"
         "\U0001e900-\U0001e943")

KINDS = {
    "gpt-2": stages(GPT2),
    "smollm": Sequence([Digits(individual_digits=True), stages(GPT2)]),
    "llama-bpe": stages(MODERN % r"\p{N}{1,3}"),
    "qwen2": stages(MODERN % r"\p{N}"),
    "qwen35": stages(QWEN35),
    "gpt-4o": stages(BY_CASE % (CONTRACTION, CONTRACTION, r"\p{N}{1,3}")),
    "tekken": stages(BY_CASE % ("", "", r"\p{N}")),
    "deepseek-llm": stages(r"[\r\n]", rf"\s?[{CASED}]+",
                           "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", r"\s+$",
                           "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", r"\p{N}"),
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
