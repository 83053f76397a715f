#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes table_rows.json, table_a.gguf and table_v41.safetensors with other people's code.

    pip install numpy gguf safetensors ml_dtypes
    python3 make_table_vectors.py

table_rows.json: for each row type a row of random blocks and its values, from the decoders of the `gguf` package
(hexadecimal, float32 little-endian). table_a.gguf: two tables of Q4_K rows in the dialect of llama.cpp PR 28696,
written by its GGUFWriter. table_v41.safetensors: one table of e4m3 rows whose e8m0 scales are a tensor of their own,
written by `safetensors`; the values of its rows, from ml_dtypes, are in table_rows.json too."""
import json
import pathlib

import gguf
import ml_dtypes
import numpy as np
import safetensors.numpy

FOLDER = pathlib.Path(__file__).parent
TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
         "IQ4_NL", "MXFP4"]
# Places of float16 scales in a block, which are drawn apart so that none is infinite or NaN.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0]}
random = np.random.default_rng(1)


def random_row(name, width):
    """Bytes of one row; every pattern of the quantised bits may occur."""
    kind = gguf.GGMLQuantizationType[name]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    if name in ("F32", "F16", "BF16"):
        return gguf.quants.quantize(random.standard_normal((1, width)).astype(np.float32), kind).view(np.uint8)
    row = random.integers(0, 256, (width // block, size), dtype=np.uint8)
    for at in HALVES.get(name, []):
        row[:, at:at + 2] = (random.standard_normal((len(row), 1)) / 16).astype(np.float16).view(np.uint8)
    if name == "MXFP4":
        row[:, 0] = np.resize([0, 1, 2, 120, 127, 140, 200, 250], len(row))
    return row.reshape(1, -1)


def decode(name, row):
    return gguf.quants.dequantize(row, gguf.GGMLQuantizationType[name]).astype("<f4").reshape(-1)


def write_gguf(vectors):
    layers, order_max, heads, width = [1, 14], 3, 2, 256
    primes = [7, 11, 13, 17, 19, 23, 29, 31]
    writer = gguf.GGUFWriter(FOLDER / "table_a.gguf", "deepseek41")
    writer.add_array("deepseek41.engram.layer_ids", layers)
    writer.add_uint32("deepseek41.engram.head_count", heads)
    writer.add_uint32("deepseek41.engram.key_length", width)
    writer.add_uint32("deepseek41.engram.max_ngram_size", order_max)
    u64 = gguf.GGUFValueType.UINT64
    writer.add_key_value("deepseek41.engram.multipliers", [2**61 + 1, 3, 5, 7, 9, 11], gguf.GGUFValueType.ARRAY, u64)
    writer.add_key_value("deepseek41.engram.primes", primes, gguf.GGUFValueType.ARRAY, u64)
    writer.add_key_value("deepseek41.engram.offsets", [0, 7, 18, 31, 0, 19, 42, 71], gguf.GGUFValueType.ARRAY, u64)
    writer.add_array("deepseek41.engram.token_map", [0, 1, 2, 1, 3])
    writer.add_uint32("deepseek41.engram.pad_id", 2)
    for index, layer in enumerate(layers):
        rows = sum(primes[4 * index:4 * index + 4])
        table = np.concatenate([random_row("Q4_K", width) for _ in range(rows)])
        writer.add_tensor(f"blk.{layer}.engram_embd.weight", table, raw_dtype=gguf.GGMLQuantizationType.Q4_K)
        vectors[f"table_a.gguf {layer}:{rows - 1}"] = {"values": decode("Q4_K", table[-1:]).tobytes().hex()}
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_safetensors(vectors):
    rows, width = 48, 64
    values = random.integers(0, 256, (rows, width), dtype=np.uint8)
    scales = random.integers(100, 150, (rows, width // 32), dtype=np.uint8)
    tensors = {
        "layers.1.engram.embed.weight": values.view(ml_dtypes.float8_e4m3fn),
        "layers.1.engram.embed.scale": scales.view(ml_dtypes.float8_e8m0fnu),
        "layers.1.attn.odd": np.arange(10, dtype=np.uint8),
    }
    (FOLDER / "table_v41.safetensors").write_bytes(safetensors.numpy.save(tensors))
    numbers = values.view(ml_dtypes.float8_e4m3fn).astype(np.float64)
    numbers *= np.repeat(scales.view(ml_dtypes.float8_e8m0fnu).astype(np.float64), 32, axis=1)
    for row in (0, 17, rows - 1):
        vectors[f"table_v41.safetensors 1:{row}"] = {"values": numbers[row].astype("<f4").tobytes().hex()}


def main():
    vectors = {}
    for name in TYPES:
        row = random_row(name, 256)
        vectors[name] = {"row": row.tobytes().hex(), "values": decode(name, row).tobytes().hex()}
    write_gguf(vectors)
    write_safetensors(vectors)
    (FOLDER / "table_rows.json").write_text(json.dumps(vectors, indent=0) + "\n")


main()
