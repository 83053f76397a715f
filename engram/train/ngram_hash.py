# SPDX-License-Identifier: Apache-2.0
"""From tokens to table rows: token classes, multipliers, primes, offsets, row ids.

The rules are those of the Engram paper's code: token compression, per-layer odd multipliers from
numpy's generator, one growing list of primes over all layers, orders and heads, running XOR.
"""
import re
import unicodedata

import numpy as np

_GUARD = "\ue000"
# Unicode White_Space, which differs from what str.strip() takes (U+001C to U+001F are not in it).
_WHITE = "".join(map(chr, [*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
                           0x205F, 0x3000]))


def _byte_alphabet():
    """The printable character that stands for each byte in a byte-level vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        if byte not in characters:
            characters[byte] = chr(256 + len(characters) - len(plain))
    return characters


BYTE_OF = {character: byte for byte, character in _byte_alphabet().items()}


def decode_token(raw):
    """The text of one token, as its vocabulary spells it (byte-level alphabet)."""
    if all(c in BYTE_OF for c in raw):
        return bytes(BYTE_OF[c] for c in raw).decode("utf-8", errors="replace")
    return raw


def normalise(text):
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    text = "".join(c for c in text if not unicodedata.category(c).startswith("M"))
    text = "".join(c.lower() for c in text)
    text = re.sub("[ \t\r\n]+", " ", text)
    if text == " ":
        text = _GUARD
    return text.strip(_WHITE).replace(_GUARD, " ")


def token_classes(raws, special):
    """raws: vocabulary spellings in id order; special: ids whose spelling is their text.
    Returns the class of every id (int32), classes numbered in order of appearance."""
    classes, numbers = np.empty(len(raws), dtype=np.int32), {}
    for i, raw in enumerate(raws):
        text = raw if i in special else decode_token(raw)
        key = raw if "\ufffd" in text else normalise(text) or text
        classes[i] = numbers.setdefault(key, len(numbers))
    return classes


def _is_prime(n):
    if n < 2:
        return False
    witnesses = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)  # enough for 64 bits (Miller-Rabin)
    for p in witnesses:
        if n % p == 0:
            return n == p
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in witnesses:
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def bucket_primes(layers, orders, heads, base):
    """[layer][order * heads + head]: all different, each order's search starts at `base`."""
    taken, result = set(), []
    for _ in range(layers):
        columns = []
        for _ in range(orders):
            candidate = base - 1
            for _ in range(heads):
                candidate += 1
                while candidate in taken or not _is_prime(candidate):
                    candidate += 1
                taken.add(candidate)
                columns.append(candidate)
        result.append(columns)
    return result


class NgramHash:
    """Row addresses of a set of Engram layers.

    layers: ids of the blocks, from 0; max_ngram: N, orders 2 to N; heads: H for each order;
    base: the primes are searched from here; one_row: every head has a single row (the control)."""

    def __init__(self, classes, pad_token, layers, max_ngram=3, heads=8, base=20000, seed=0, one_row=False):
        self.classes = np.asarray(classes, dtype=np.int64)
        self.pad_class = int(self.classes[pad_token])
        self.layers, self.max_ngram, self.heads = list(layers), max_ngram, heads
        self.columns = (max_ngram - 1) * heads
        count = int(self.classes.max()) + 1
        bound = max(1, (2 ** 63 - 1) // count // 2)
        self.multipliers = [2 * np.random.default_rng(seed + 10007 * layer).integers(0, bound, max_ngram, np.int64) + 1
                            for layer in self.layers]
        primes = bucket_primes(len(self.layers), max_ngram - 1, heads, base)
        self.primes = np.ones((len(layers), self.columns), np.int64) if one_row else np.array(primes, np.int64)
        self.offsets = np.concatenate([np.zeros((len(layers), 1), np.int64), self.primes.cumsum(1)[:, :-1]], 1)
        self.table_rows = [int(p.sum()) for p in self.primes]

    def rows(self, slot, tokens):
        """tokens: [..., T] ids of whole sequences -> [..., T, columns] rows of layer `slot`'s table.
        What stands before the first token is the pad class."""
        x = self.classes[np.asarray(tokens)]
        out = np.empty((*x.shape, self.columns), dtype=np.int64)
        mix = x * self.multipliers[slot][0]
        for k in range(1, self.max_ngram):
            back = np.full_like(x, self.pad_class)
            back[..., k:] = x[..., :-k]
            mix = mix ^ (back * self.multipliers[slot][k])
            part = slice((k - 1) * self.heads, k * self.heads)
            out[..., part] = mix[..., None] % self.primes[slot][part] + self.offsets[slot][part]
        return out
