#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes logits_oracle.json: what the default model computes for a few passages, with and without the
untrained memory pack of seed 1, from a forward pass of its own in float64 over the dequantised
weights. Needs numpy and `gguf` (which only finds keys and bytes in the files); run once, the result
is committed.

    mneme-cli synth pack.gguf --pack
    make_logits_oracle.py model.gguf pack.gguf smollm2.tokenizer.json.gz logits_oracle.json

To compare the logits of every token, not only the stored ones, name files that `mneme-cli complete
--exact --logits` wrote: --compare PASSAGE:off|on=FILE (prints the largest difference).

Formulas: the Llama kind with GGUF's interleaved RoPE; the memory as in the paper (contexts, gate,
convolution), with sums, norms and the sigmoid written out here once more.
"""
import argparse
import gzip
import hashlib
import json

import gguf
import numpy as np

PASSAGES = [
    # name, text, tokens of greedy text with the memory off, and on
    ("prose", "The Milky Way is the galaxy that includes our Solar System. Alexander the Great was king of "
              "Macedon; his horse was called Bucephalus.", 100, 0),
    ("code", "def fibonacci(n):\n    \"\"\"Return the first n numbers.\"\"\"\n    a, b = 0, 1\n    for i in range(n):\n",
     0, 100),
    ("mixed", "Straße, 世界, नमस्ते 🙂 — the the the the answer is 42.", 0, 0),
]
TOP = 32
SAMPLED = 96


def dequantise(tensor):
    """Rows of float64. GGUF stores the fastest axis first, so data is [rows][bytes of a row]."""
    kind = tensor.tensor_type.name
    data = tensor.data
    if kind == "F32":
        return np.asarray(data, dtype=np.float64)
    if kind == "F16":
        return np.asarray(data).astype(np.float64)
    raw = np.asarray(data)
    rows = raw.shape[0]
    if kind == "Q8_0":  # f16 scale, 32 signed bytes
        blocks = raw.reshape(rows, -1, 34)
        scale = blocks[..., :2].copy().view("<f2").astype(np.float64)
        return (scale * blocks[..., 2:].view(np.int8)).reshape(rows, -1)
    if kind == "Q4_1":  # f16 scale, f16 minimum, 16 bytes: low halves are values 0-15, high 16-31
        blocks = raw.reshape(rows, -1, 20)
        scale = blocks[..., 0:2].copy().view("<f2").astype(np.float64)
        minimum = blocks[..., 2:4].copy().view("<f2").astype(np.float64)
        nibbles = np.concatenate([blocks[..., 4:] & 15, blocks[..., 4:] >> 4], axis=-1)
        return (scale * nibbles + minimum).reshape(rows, -1)
    raise SystemExit(f"tensor {tensor.name} has the type {kind}, which is not needed here")


def rms_norm(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


class Memory:
    """The paper's module with one residual stream, read from a pack."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        field = lambda key: reader.fields["engram." + key].contents()
        self.layers = [int(x) for x in field("layer_ids")]
        self.orders, self.heads = field("max_ngram_size"), field("head_count")
        self.width = field("key_length")
        self.map, self.pad = field("token_map"), field("pad_id")
        self.kernel, self.dilation = field("conv_kernel"), field("conv_dilation")
        self.gate_eps, self.conv_eps = field("gate_norm_eps"), field("conv_norm_eps")
        assert field("streams") == 1
        columns = (self.orders - 1) * self.heads
        cut = lambda values, size, slot: [int(v) for v in values[slot * size:(slot + 1) * size]]
        self.hash = [(cut(field("multipliers"), self.orders, s), cut(field("primes"), columns, s),
                      cut(field("offsets"), columns, s)) for s in range(len(self.layers))]
        self.tensors = {t.name: t for t in reader.tensors}
        self.w = {}
        for layer in self.layers:
            p = f"blk.{layer}.engram_"
            for name in ("key.weight", "value.weight", "conv.weight"):
                self.w[p + name] = dequantise(self.tensors[p + name])
            for name in ("key.bias", "value.bias", "key_norm.weight", "query_norm.weight", "conv_norm.weight"):
                self.w[p + name] = dequantise(self.tensors[p + name]).reshape(-1)

    def rows(self, slot, tokens, t):
        multipliers, primes, offsets = self.hash[slot]
        classes = [self.map[tokens[t - k]] if t - k >= 0 else self.pad for k in range(self.orders)]
        rows, mix = [], 0
        for k in range(self.orders):
            mix ^= int(classes[k]) * multipliers[k]
            for head in range(self.heads if k else 0):
                column = (k - 1) * self.heads + head
                rows.append(mix % primes[column] + offsets[column])
        return rows

    def decode(self, slot, rows):
        """e4m3 codes times one power of two per 32 of them."""
        table = np.asarray(self.tensors[f"blk.{self.layers[slot]}.engram_embd.weight"].data).view(np.uint8)
        raw = table[rows]
        codes, scales = raw[:, :self.width].astype(np.int64), raw[:, self.width:].astype(np.int64)
        exponent, mantissa = codes >> 3 & 15, codes & 7
        value = np.where(exponent > 0, (1 + mantissa / 8) * 2.0 ** (exponent - 7), mantissa / 8 * 2.0 ** -6)
        value = np.where(codes & 128, -value, value)
        return (value.reshape(len(rows), -1, 32) * (2.0 ** (scales - 127))[..., None]).reshape(-1)


class Model:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        field = lambda key: reader.fields["llama." + key].contents()
        self.n_layers, self.dim = field("block_count"), field("embedding_length")
        self.heads, self.kv_heads = field("attention.head_count"), field("attention.head_count_kv")
        self.head_dim = self.dim // self.heads
        self.eps, self.base = field("attention.layer_norm_rms_epsilon"), field("rope.freq_base")
        self.w = {t.name: dequantise(t) for t in reader.tensors}


class Timeline:
    """Keys, values and convolution inputs of one sequence; reads tokens in any portions."""

    def __init__(self, model, memory):
        self.m, self.memory = model, memory
        self.tokens = []
        self.keys = [np.zeros((0, model.kv_heads, model.head_dim)) for _ in range(model.n_layers)]
        self.values = [k.copy() for k in self.keys]
        self.conv = {s: np.zeros((0, model.dim)) for s in range(len(memory.layers) if memory else 0)}
        self.seen = {"rows": [], "gates": [], "writes": []}  # [slot][position]
        for part in self.seen.values():
            part.extend([] for _ in self.conv)

    def rotate(self, x, position):
        """Pairs (2i, 2i+1) of each head turn by position * base^(-2i / head_dim)."""
        half = np.arange(self.m.head_dim // 2)
        angle = np.arange(position, position + len(x))[:, None] * self.m.base ** (-2.0 * half / self.m.head_dim)
        cosine, sine = np.cos(angle)[:, None, :], np.sin(angle)[:, None, :]
        out = np.empty_like(x)
        out[..., 0::2] = x[..., 0::2] * cosine - x[..., 1::2] * sine
        out[..., 1::2] = x[..., 0::2] * sine + x[..., 1::2] * cosine
        return out

    def engram(self, x, slot, first):
        mem = self.memory
        p = f"blk.{mem.layers[slot]}.engram_"
        rows = [mem.rows(slot, self.tokens, first + t) for t in range(len(x))]
        e = np.stack([mem.decode(slot, r) for r in rows])
        key = rms_norm(e @ mem.w[p + "key.weight"].T + mem.w[p + "key.bias"], mem.w[p + "key_norm.weight"],
                       mem.gate_eps)
        query = rms_norm(x, mem.w[p + "query_norm.weight"], mem.gate_eps)
        score = np.sum(key * query, axis=-1) / np.sqrt(x.shape[-1])
        gate = sigmoid(np.sign(score) * np.sqrt(np.maximum(np.abs(score), 1e-6)))
        v = gate[:, None] * (e @ mem.w[p + "value.weight"].T + mem.w[p + "value.bias"])
        self.conv[slot] = np.concatenate(
            [self.conv[slot], rms_norm(v, mem.w[p + "conv_norm.weight"], mem.conv_eps)])
        y = np.zeros_like(v)
        for t in range(len(x)):
            for tap in range(mem.kernel):
                at = first + t - (mem.kernel - 1 - tap) * mem.dilation
                if at >= 0:
                    y[t] += self.conv[slot][at] * mem.w[p + "conv.weight"][:, tap]
        added = v + y * sigmoid(y)
        self.seen["rows"][slot] += rows
        self.seen["gates"][slot] += gate.tolist()
        self.seen["writes"][slot] += (np.linalg.norm(added, axis=-1) / np.linalg.norm(x, axis=-1)).tolist()
        return x + added

    def read(self, tokens):
        """Logits after each of the tokens."""
        m, w = self.m, self.m.w
        first, count = len(self.tokens), len(tokens)
        self.tokens += tokens
        x = w["token_embd.weight"][tokens]
        mask = np.arange(first + count)[None, :] > first + np.arange(count)[:, None]
        for i in range(m.n_layers):
            if self.memory and i in self.memory.layers:
                x = self.engram(x, self.memory.layers.index(i), first)
            p = f"blk.{i}."
            h = rms_norm(x, w[p + "attn_norm.weight"], m.eps)
            split = lambda name, heads: (h @ w[p + name].T).reshape(count, heads, m.head_dim)
            q = self.rotate(split("attn_q.weight", m.heads), first)
            self.keys[i] = np.concatenate([self.keys[i], self.rotate(split("attn_k.weight", m.kv_heads), first)])
            self.values[i] = np.concatenate([self.values[i], split("attn_v.weight", m.kv_heads)])
            mixed = np.empty_like(q)
            for head in range(m.heads):
                group = head // (m.heads // m.kv_heads)
                score = q[:, head] @ self.keys[i][:, group].T / np.sqrt(m.head_dim)
                score[mask] = -np.inf
                weight = np.exp(score - score.max(axis=-1, keepdims=True))
                mixed[:, head] = weight / weight.sum(axis=-1, keepdims=True) @ self.values[i][:, group]
            x = x + mixed.reshape(count, -1) @ w[p + "attn_output.weight"].T
            h = rms_norm(x, w[p + "ffn_norm.weight"], m.eps)
            gate, up = h @ w[p + "ffn_gate.weight"].T, h @ w[p + "ffn_up.weight"].T
            x = x + (gate * sigmoid(gate) * up) @ w[p + "ffn_down.weight"].T
        return rms_norm(x, w["output_norm.weight"], m.eps) @ w["token_embd.weight"].T


def log_sum_exp(logits):
    top = logits.max(axis=-1, keepdims=True)
    return (top + np.log(np.exp(logits - top).sum(axis=-1, keepdims=True)))[..., 0]


def rounded(values, digits=5):
    return [round(float(v), digits) for v in values]


def describe(model, memory, tokens, sampled, greedy_count):
    timeline = Timeline(model, memory)
    logits = timeline.read(list(tokens))
    best = np.argsort(-logits, axis=-1, kind="stable")[:, :TOP]
    run = {
        "log_sum_exp": rounded(log_sum_exp(logits)),
        "norm": rounded(np.linalg.norm(logits, axis=-1), 4),
        "top": [[int(i) for i in row] for row in best],
        "top_logits": [rounded(logits[t, row]) for t, row in enumerate(best)],
        "sampled_logits": [rounded(row[sampled]) for row in logits],
        "gates": [rounded(g, 6) for g in timeline.seen["gates"]],
        "writes": [rounded(w, 7) for w in timeline.seen["writes"]],
        "rows": [list(map(list, rows)) for rows in timeline.seen["rows"]],
    }
    greedy, margins = [], []
    last = logits[-1]
    for _ in range(greedy_count):
        first, second = np.argsort(-last, kind="stable")[:2]
        greedy.append(int(first))
        margins.append(last[first] - last[second])
        last = timeline.read([int(first)])[-1]
    if greedy:
        run["greedy"] = greedy
        run["smallest_margin"] = round(float(min(margins)), 5)
    return run, logits


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("pack")
    parser.add_argument("tokenizer")
    parser.add_argument("out")
    parser.add_argument("--compare", action="append", default=[])
    options = parser.parse_args()
    import tokenizers
    with gzip.open(options.tokenizer, "rt", encoding="utf-8") as file:
        tokenizer = tokenizers.Tokenizer.from_str(file.read())
    compare = dict(item.split("=", 1) for item in options.compare)
    model, memory = Model(options.model), Memory(options.pack)
    vocabulary = len(model.w["token_embd.weight"])
    sampled = sorted(int(i) for i in np.random.default_rng(1).choice(vocabulary, SAMPLED, replace=False))
    digest = lambda path: hashlib.sha256(open(path, "rb").read()).hexdigest()
    result = {"model_sha256": digest(options.model), "pack_sha256": digest(options.pack), "sampled": sampled,
              "passages": []}
    for name, text, greedy_off, greedy_on in PASSAGES:
        tokens = tokenizer.encode(text, add_special_tokens=False).ids
        passage = {"name": name, "text": text, "tokens": tokens}
        for state, used, greedy in (("off", None, greedy_off), ("on", memory, greedy_on)):
            passage[state], logits = describe(model, used, tokens, sampled, greedy)
            print(name, state, len(tokens), "tokens, smallest margin", passage[state].get("smallest_margin"))
            if f"{name}:{state}" in compare:
                ours = np.fromfile(compare[f"{name}:{state}"], "<f4").reshape(-1, vocabulary).astype(np.float64)
                difference = np.abs(ours[:len(tokens)] - logits)
                cosine = (ours * logits).sum(-1) / np.linalg.norm(ours, axis=-1) / np.linalg.norm(logits, axis=-1)
                log_p, log_q = (v - log_sum_exp(v)[:, None] for v in (logits, ours))
                kl = (np.exp(log_p) * (log_p - log_q)).sum(-1)
                print(f"  largest difference {difference.max():.2e}, mean {difference.mean():.2e}, "
                      f"smallest cosine {cosine.min():.7f}, mean KL {kl.mean():.2e}")
        result["passages"].append(passage)
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(result, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
