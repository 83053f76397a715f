# SPDX-License-Identifier: Apache-2.0
"""The tokenizer that a GGUF carries, as the `tokenizers` package runs it, and its digest."""
import hashlib
import struct

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from base_model import RecipeError, field
from ngram_hash import token_classes

_NORMAL = 1  # tokenizer.ggml.token_type
_MODERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|NUMBERS| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")


def _split(numbers):
    pattern = tokenizers.Regex(_MODERN.replace("NUMBERS", numbers))
    return [pre_tokenizers.Split(pattern, "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]


# tokenizer.ggml.pre -> (stages, a piece that is a token needs no merges, text is brought to NFC)
_KINDS = {
    "smollm": ([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)], False, False),
    "gpt-2": ([pre_tokenizers.ByteLevel(False)], False, False),
    "llama-bpe": (_split(r"\p{N}{1,3}"), True, False),
    "qwen2": (_split(r"\p{N}"), False, True),
}


class Tokenizer:
    def __init__(self, reader):
        self.raws = field(reader, "tokenizer.ggml.tokens")
        merges = field(reader, "tokenizer.ggml.merges")
        types = field(reader, "tokenizer.ggml.token_type")
        kind = field(reader, "tokenizer.ggml.pre")
        if field(reader, "tokenizer.ggml.model") != "gpt2" or kind not in _KINDS:
            raise RecipeError(f"the pre-tokenizer {kind} is not among those the recipe knows: {', '.join(_KINDS)}")
        stages, ignore_merges, compose = _KINDS[kind]
        ids = {raw: i for i, raw in reversed(list(enumerate(self.raws)))}
        model = models.BPE(ids, [tuple(m.split(" ", 1)) for m in merges], ignore_merges=ignore_merges)
        self._bpe = tokenizers.Tokenizer(model)
        if compose:
            self._bpe.normalizer = normalizers.NFC()
        self._bpe.pre_tokenizer = pre_tokenizers.Sequence(stages)
        self._bpe.decoder = decoders.ByteLevel()
        self.special = {i for i, kind in enumerate(types) if kind != _NORMAL}
        self.ids = ids
        self.eos = field(reader, "tokenizer.ggml.eos_token_id")
        self.pad = (field(reader, "tokenizer.ggml.padding_token_id")
                    if "tokenizer.ggml.padding_token_id" in reader.fields else self.eos)
        self.separator = ids.get("<|endoftext|>", self.eos)  # stands between documents
        self.sha256 = self._digest(types, merges)

    def _digest(self, types, merges):
        """As inference/text/tokenizer.h defines it."""
        digest = hashlib.sha256(b"mneme-tokenizer-1" + struct.pack("<I", len(self.raws)))
        for raw, kind in zip(self.raws, types):
            spelled = raw.encode()
            digest.update(struct.pack("<I", len(spelled)) + spelled + bytes([kind]))
        digest.update(struct.pack("<I", len(merges)))
        for merge in merges:
            digest.update(struct.pack("<I", len(merge.encode())) + merge.encode())
        return digest.hexdigest()

    def classes(self, vocabulary):
        """Token classes for `vocabulary` ids; those beyond the tokenizer are classes of their own."""
        classes = list(token_classes(self.raws, self.special))
        while len(classes) < vocabulary:
            classes.append(max(classes) + 1)
        return classes

    def encode(self, text):
        """Ordinary text: "<|im_end|>" in it is ten characters."""
        return self._bpe.encode(text, add_special_tokens=False).ids

    def encode_with_spans(self, text):
        """ids, and the characters of the text that each stands for, a leading blank left out."""
        found = self._bpe.encode(text, add_special_tokens=False)
        return found.ids, [(a + (len(text[a:b]) - len(text[a:b].lstrip())), b) for a, b in found.offsets]

    def encode_all(self, texts):
        return [e.ids for e in self._bpe.encode_batch(texts, add_special_tokens=False)]

    def decode(self, ids):
        return self._bpe.decode([i for i in ids if i not in self.special], skip_special_tokens=False)
