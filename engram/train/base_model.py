# SPDX-License-Identifier: Apache-2.0
"""A frozen dense Llama-type model, read from a GGUF: the base that the memory is trained for.

Weights are dequantised once. RoPE turns the pairs (2i, 2i+1) of a head: the order in which GGUF
converters store the rows of attn_q and attn_k (the published checkpoints pair i with i + half).
"""
import hashlib
import math

import gguf
import numpy as np
import torch
import torch.nn.functional as F


class RecipeError(Exception):
    """A message for a person: what is wrong, where, and what to do."""


def open_gguf(path):
    try:
        return gguf.GGUFReader(path)
    except FileNotFoundError:
        raise RecipeError(f"{path} is not there") from None
    except Exception as error:  # the reader fails in many ways on a file that is cut short
        raise RecipeError(f"{path} cannot be read as GGUF: it is damaged, cut short or another kind of file "
                          f"({type(error).__name__}: {error})") from None


def field(reader, key):
    if key not in reader.fields:
        raise RecipeError(f"the GGUF lacks the key {key}")
    return reader.fields[key].contents()


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def rms_norm(x, weight, eps):
    """Over the last axis, in the precision of x (float32 wherever the recipe calls it)."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def linear(x, weight):
    return F.linear(x.to(weight.dtype), weight)


class BaseModel:
    """Blocks are counted from 0. Matrices are kept in `dtype`; the residual stream is float32 (or
    float64 where dtype is)."""

    def __init__(self, path, device="cpu", dtype=torch.float32):
        reader = open_gguf(path)
        self.path = path
        if field(reader, "general.architecture") != "llama":
            raise RecipeError(f"{path} is a {field(reader, 'general.architecture')} model; the recipe knows dense "
                              "Llama-type models")
        number = lambda key: field(reader, "llama." + key)
        self.name = field(reader, "general.name")
        self.blocks, self.width = number("block_count"), number("embedding_length")
        self.heads, self.kv_heads = number("attention.head_count"), number("attention.head_count_kv")
        self.head_width = self.width // self.heads
        self.eps = number("attention.layer_norm_rms_epsilon")
        self.rope_base = number("rope.freq_base")
        self.device, self.dtype = device, dtype
        self.stream_dtype = torch.float64 if dtype == torch.float64 else torch.float32
        self.weights = {}
        for tensor in reader.tensors:
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            kept = dtype if values.ndim > 1 else self.stream_dtype
            self.weights[tensor.name] = torch.from_numpy(np.array(values)).to(device=device, dtype=kept)
        for name in self.tensor_names():
            if name not in self.weights:
                raise RecipeError(f"{path} lacks the tensor {name}: the recipe knows dense Llama-type models")
        self.output = self.weights.get("output.weight", self.weights["token_embd.weight"])
        self.vocabulary = self.output.shape[0]
        self._rope = {}

    def tensor_names(self):
        yield from ("token_embd.weight", "output_norm.weight")
        for block in range(self.blocks):
            for part in ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up",
                         "ffn_down"):
                yield f"blk.{block}.{part}.weight"

    def embed(self, tokens):
        """[B, T] ids -> [B, T, D]."""
        return self.weights["token_embd.weight"][tokens].to(self.stream_dtype)

    def _angles(self, length):
        if length not in self._rope:
            pair = torch.arange(self.head_width // 2, dtype=torch.float64)
            angle = torch.arange(length, dtype=torch.float64)[:, None] * self.rope_base ** (-2 * pair / self.head_width)
            self._rope[length] = tuple(f(angle).to(self.device, self.stream_dtype) for f in (torch.cos, torch.sin))
        return self._rope[length]

    def _rotate(self, x):
        """x: [B, heads, T, head_width]."""
        cosine, sine = self._angles(x.shape[2])
        even, odd = x[..., 0::2].to(self.stream_dtype), x[..., 1::2].to(self.stream_dtype)
        turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1)
        return turned.flatten(-2).to(x.dtype)

    def block(self, i, x):
        """One transformer block on the residual stream x: [B, T, D]."""
        w = lambda part: self.weights[f"blk.{i}.{part}.weight"]
        batch, length, _ = x.shape
        h = rms_norm(x, w("attn_norm"), self.eps).to(self.dtype)
        split = lambda part, heads: linear(h, w(part)).view(batch, length, heads, self.head_width).transpose(1, 2)
        q, k = self._rotate(split("attn_q", self.heads)), self._rotate(split("attn_k", self.kv_heads))
        v = split("attn_v", self.kv_heads)
        groups = self.heads // self.kv_heads
        mixed = causal_attention(q, k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1))
        x = x + linear(mixed.transpose(1, 2).reshape(batch, length, self.width), w("attn_output"))
        h = rms_norm(x, w("ffn_norm"), self.eps).to(self.dtype)
        return x + linear(F.silu(linear(h, w("ffn_gate"))) * linear(h, w("ffn_up")), w("ffn_down"))

    def run(self, x, first, last, memory=None):
        """Blocks first to last - 1; memory(layer, x) gives what is added at the entry of a block."""
        for i in range(first, last):
            if memory is not None:
                added = memory(i, x)
                if added is not None:
                    x = x + added
            x = self.block(i, x)
        return x

    def final_norm(self, x):
        return rms_norm(x, self.weights["output_norm.weight"], self.eps)

    def logits(self, x):
        return linear(self.final_norm(x), self.output)


def causal_attention(q, k, v):
    """[B, heads, T, head_width] each. On a processor the plain form is twice as fast as torch's fused one."""
    if q.is_cuda and hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    length = q.shape[-2]
    later = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
    scores = (q @ k.transpose(-1, -2)).mul(1 / math.sqrt(q.shape[-1])).masked_fill(later, -math.inf)
    return scores.softmax(-1) @ v


class _ChunkedLoss(torch.autograd.Function):
    """Cross entropy over the vocabulary whose logits never exist at once. The matrix is frozen, so
    the gradient of the states is all that is needed, and it is made in the same pass."""

    CHUNK = 1024

    @staticmethod
    def forward(ctx, states, output, targets, weights):
        """states [n, D], targets [n], weights [n]; a state of weight 0 costs nothing."""
        gradient = torch.zeros_like(states) if ctx.needs_input_grad[0] else None
        losses = torch.zeros(len(states), dtype=torch.float32, device=states.device)
        total = weights.sum().clamp(min=1)
        for part in weights.nonzero()[:, 0].split(_ChunkedLoss.CHUNK):
            target = targets[part, None]
            logits = linear(states[part], output).float()
            wanted = logits.gather(1, target)
            top = logits.amax(-1, keepdim=True)
            odds = logits.sub_(top).exp_()  # in place: these matrices are most of the traffic
            sums = odds.sum(-1, keepdim=True)
            losses[part] = (sums.log() + top - wanted)[:, 0]
            if gradient is not None:
                scale = (weights[part] / total)[:, None]
                odds.mul_(scale / sums).scatter_add_(1, target, -scale)
                gradient[part] = (odds.to(output.dtype) @ output).to(states.dtype)
        ctx.save_for_backward(gradient)
        return (losses * weights).sum() / total, losses

    @staticmethod
    def backward(ctx, scale, _):
        return ctx.saved_tensors[0] * scale, None, None, None


def token_losses(model, x, targets, weights):
    """x: [B, T, D] after the last block; targets: [B, T]; weights: [B, T], 0 = not counted.
    Returns the weighted mean (differentiable) and every token's loss in nats, [B, T]."""
    mean, each = _ChunkedLoss.apply(model.final_norm(x).flatten(0, 1), model.output, targets.flatten(),
                                    weights.flatten().float())
    return mean, each.view(targets.shape)
