# SPDX-License-Identifier: Apache-2.0
"""Engram layers as in the paper (arXiv 2601.07372), for a base with one residual stream.

    e     = the rows of the token's n-grams, one after another          [M]
    gate  = sigmoid(signed sqrt(RMSNorm(Wk e + bk) . RMSNorm(h) / sqrt(D)))
    v     = gate * (Wv e + bv)
    added = v + SiLU(causal depthwise convolution of RMSNorm(v))        [D]

Tables start at zero and the value projection does not, so that training starts from the untouched
model and the first gradient reaches the rows; a row that no training text touched stays zero.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

from base_model import rms_norm

GATE_EPS = 2.0 ** -23  # torch's default for float32; stored in the pack, because others differ
CONV_EPS = 1e-5
CONV_TAPS = 4


class EngramLayer(nn.Module):
    """One layer: table [rows, d], projections [D, M] with M = columns * d.

    stream_rms: size of the base's residual stream at this block; sets the scale of the values."""

    def __init__(self, rows, columns, d, width, dilation, stream_rms, generator):
        super().__init__()
        memory_width = columns * d
        random = lambda *shape: torch.randn(*shape, generator=generator)
        self.table = nn.Embedding(rows, d, sparse=True)
        nn.init.zeros_(self.table.weight)
        self.key = nn.Linear(memory_width, width)
        self.value = nn.Linear(memory_width, width)
        with torch.no_grad():
            self.key.weight.copy_(random(width, memory_width) / math.sqrt(memory_width))
            self.value.weight.copy_(random(width, memory_width) * stream_rms / math.sqrt(memory_width))
        nn.init.zeros_(self.key.bias)
        nn.init.zeros_(self.value.bias)
        self.key_norm = nn.Parameter(torch.ones(width))
        self.query_norm = nn.Parameter(torch.ones(width))
        self.conv = nn.Parameter(torch.zeros(width, CONV_TAPS))
        self.conv_norm = nn.Parameter(torch.ones(width))
        self.dilation = dilation

    def gate(self, e, x):
        """e: [B, T, M], x: [B, T, D] -> [B, T]."""
        key = rms_norm(self.key(e), self.key_norm, GATE_EPS)
        query = rms_norm(x, self.query_norm, GATE_EPS)
        score = (key * query).sum(-1) / math.sqrt(x.shape[-1])
        return torch.sigmoid(score.sign() * score.abs().clamp(min=1e-6).sqrt())

    def forward(self, x, rows):
        """x: [B, T, D] at the entry of the block; rows: [B, T, columns]. What is added, and the gates [B, T]."""
        e = self.table(rows).flatten(-2)
        gate = self.gate(e, x)
        v = gate[..., None] * self.value(e)
        past = F.pad(rms_norm(v, self.conv_norm, CONV_EPS).transpose(1, 2), ((CONV_TAPS - 1) * self.dilation, 0))
        mixed = F.conv1d(past, self.conv[:, None, :], dilation=self.dilation, groups=v.shape[-1]).transpose(1, 2)
        return v + F.silu(mixed), gate


class Memory(nn.Module):
    """All Engram layers of a model; `hash` is an NgramHash."""

    def __init__(self, hash, width, d, stream_rms, seed):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.hash, self.d, self.width = hash, d, width
        self.layers = nn.ModuleList(
            EngramLayer(rows, hash.columns, d, width, hash.max_ngram, rms, generator)
            for rows, rms in zip(hash.table_rows, stream_rms))

    def at(self, tokens):
        """Binds the memory to sequences (numpy ids [B, T]): the function that BaseModel.run calls.
        Its attribute `gates` collects [B, T] for every layer that was asked."""
        def added(block, x):
            if block not in self.hash.layers:
                return None
            slot = self.hash.layers.index(block)
            layer = self.layers[slot]
            rows = torch.from_numpy(self.hash.rows(slot, tokens)).to(x.device)
            out, gate = layer(x.to(layer.conv.dtype), rows)
            added.gates.append(gate)
            return out.to(x.dtype)
        added.gates = []
        return added

    def tables(self):
        return [layer.table.weight for layer in self.layers]

    def dense_parameters(self):
        tables = {id(t) for t in self.tables()}
        return [p for p in self.parameters() if id(p) not in tables]
