# SPDX-License-Identifier: Apache-2.0
"""Memory packs: written from a trained memory, and read back for measuring what was written.
The format is engram/PACK.md."""
import gguf
import numpy as np
import torch

from base_model import RecipeError, field, open_gguf
from memory import CONV_EPS, CONV_TAPS, GATE_EPS
from row_format import GROUP, decode_rows, encode_rows

_DENSE = {"key.weight": "engram_key.weight", "key.bias": "engram_key.bias", "value.weight": "engram_value.weight",
          "value.bias": "engram_value.bias", "key_norm": "engram_key_norm.weight",
          "query_norm": "engram_query_norm.weight", "conv": "engram_conv.weight",
          "conv_norm": "engram_conv_norm.weight"}


def write_pack(path, run, memory, name, license):
    """Matrices are stored as float16, everything else dense as float32."""
    hash, writer = run.hash, gguf.GGUFWriter(path, "engram-pack")
    writer.kv_data[0].clear()  # a pack has no architecture
    array = lambda key, values, kind: writer.add_key_value(key, [int(v) for v in values], gguf.GGUFValueType.ARRAY,
                                                           sub_type=kind)
    writer.add_type("engram-pack")
    writer.add_name(name)
    writer.add_license(license)
    writer.add_bool("engram.trained", True)
    writer.add_uint32("engram.version", 1)
    writer.add_string("engram.variant", "paper")
    writer.add_string("engram.encoding", "e4m3_e8m0_32")
    for key, value in (("max_ngram_size", hash.max_ngram), ("head_count", hash.heads), ("key_length", memory.d),
                       ("streams", 1), ("embedding_length", memory.width), ("block_count", run.model.blocks),
                       ("pad_id", hash.pad_class), ("conv_kernel", CONV_TAPS), ("conv_dilation", hash.max_ngram)):
        writer.add_uint32("engram." + key, value)
    writer.add_float32("engram.gate_norm_eps", GATE_EPS)
    writer.add_float32("engram.conv_norm_eps", CONV_EPS)
    writer.add_string("engram.tokenizer_sha256", run.tokenizer.sha256)
    writer.add_string("engram.base_sha256", run.base_sha256)
    array("engram.layer_ids", hash.layers, gguf.GGUFValueType.INT32)
    array("engram.multipliers", np.concatenate(hash.multipliers), gguf.GGUFValueType.UINT64)
    array("engram.primes", hash.primes.reshape(-1), gguf.GGUFValueType.UINT64)
    array("engram.offsets", hash.offsets.reshape(-1), gguf.GGUFValueType.UINT64)
    array("engram.token_map", hash.classes, gguf.GGUFValueType.INT32)
    for block, layer in zip(hash.layers, memory.layers):
        state = {k: v.detach().float().cpu().numpy() for k, v in layer.state_dict().items()}
        writer.add_tensor(f"blk.{block}.engram_embd.weight", encode_rows(state["table.weight"]).view(np.int8))
        for ours, theirs in _DENSE.items():
            kind = np.float16 if ours in ("key.weight", "value.weight") else np.float32
            writer.add_tensor(f"blk.{block}.{theirs}", state[ours].astype(kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_pack(path, run):
    """The memory that a pack holds, float32, after checking that it fits the run's base."""
    reader = open_gguf(path)
    get = lambda key: field(reader, "engram." + key)
    hash = run.hash
    wanted = {"tokenizer_sha256": ("another tokenizer", run.tokenizer.sha256),
              "embedding_length": ("another width", run.model.width), "block_count": ("another number of blocks",
                                                                                      run.model.blocks),
              "layer_ids": ("other layers", hash.layers), "key_length": ("another row width",
                                                                         run.settings["row_width"]),
              "primes": ("other primes", [int(p) for p in hash.primes.reshape(-1)]),
              "multipliers": ("other multipliers", [int(m) for m in np.concatenate(hash.multipliers)]),
              "token_map": ("other token classes", [int(c) for c in hash.classes])}
    for key, (what, value) in wanted.items():
        found = get(key)
        if found != value:
            said = f": engram.{key} is {found}, not {value}" if not isinstance(value, list) else ""
            raise RecipeError(f"{path} does not belong to this run: it was made for {what}{said}")
    tensors = {t.name: t for t in reader.tensors}
    memory = run.memory([1.0] * len(hash.layers))
    for block, layer, rows in zip(hash.layers, memory.layers, hash.table_rows):
        d = run.settings["row_width"]
        names = {"engram_embd.weight": (rows, d + d // GROUP)}
        names |= {theirs: None for theirs in _DENSE.values()}
        for name, shape in names.items():
            tensor = tensors.get(f"blk.{block}.{name}")
            if tensor is None:
                raise RecipeError(f"{path} lacks the tensor blk.{block}.{name}")
            if shape and tensor.data.shape != shape:
                raise RecipeError(f"{path}: blk.{block}.{name} has the shape {tensor.data.shape}, not {shape}")
        state = {ours: torch.from_numpy(np.array(tensors[f"blk.{block}.{theirs}"].data, dtype=np.float32))
                 for ours, theirs in _DENSE.items()}
        data = np.array(tensors[f"blk.{block}.engram_embd.weight"].data).view(np.uint8)
        state["table.weight"] = torch.from_numpy(decode_rows(data, d))
        layer.load_state_dict(state)
    return memory
