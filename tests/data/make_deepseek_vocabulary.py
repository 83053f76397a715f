#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes deepseek_v3_vocabulary.txt: the raw vocabulary string of every id, one a line, in id order.

    ENGRAM_TOKENIZER=tokenizer.json python3 make_deepseek_vocabulary.py
"""
import os

import engram_ref

here = os.path.dirname(os.path.abspath(__file__))
tokens = engram_ref.tokens_of_bytelevel_tokenizer(os.environ["ENGRAM_TOKENIZER"])
with open(os.path.join(here, "deepseek_v3_vocabulary.txt"), "w", encoding="utf-8", newline="\n") as out:
    for _, raw in tokens:
        assert "\n" not in raw
        out.write(raw + "\n")
