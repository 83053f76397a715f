# SPDX-License-Identifier: Apache-2.0
"""A Llama-type GGUF of a few hundred kilobytes with random weights, and a corpus to go with it."""
import json
import pathlib

import gguf
import numpy as np

SIZES = {"block_count": 3, "context_length": 512, "embedding_length": 64, "feed_forward_length": 96,
         "attention.head_count": 4, "attention.head_count_kv": 2, "rope.dimension_count": 16}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["t h", "th e", "Ġ the", "i n", "e r", "a n", "Ġ a", "o n", "r e", "Ġ w"]
SETTINGS = {
    "about": "a test", "window": 32, "batch": 4, "layers": [1, 2], "max_ngram": 3, "heads": 2, "row_width": 32,
    "bucket_base": 50, "table_rate": 0.05, "dense_rate": 0.002, "gate_cost": 0.01, "strength": 1.0,
    "seed": 1, "probe_every": 4,
    "keep_states": True, "system_prompt": "Help.",
    "train": {"phrases": {"tokens": 1200, "passes": 2}, "talk": {"tokens": 300, "passes": 1, "questions": 2}},
    "heldout": {"phrases": {"tokens": 200}}, "elsewhere": {"talk": {"tokens": 200}}}


def byte_alphabet():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(len(rest))]


def write_base(path, seed=1, merges=MERGES, **changed):
    sizes = SIZES | changed
    width, inner = sizes["embedding_length"], sizes["feed_forward_length"]
    tokens = SPECIAL + byte_alphabet() + [m.replace(" ", "") for m in merges]
    random = np.random.default_rng(seed)
    matrix = lambda rows, columns: (random.standard_normal((rows, columns)) / columns ** 0.5).astype(np.float32)
    norm = lambda: (1 + 0.1 * random.standard_normal(width)).astype(np.float32)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    for key, value in sizes.items():
        writer.add_uint32("llama." + key, value)
    writer.add_float32("llama.rope.freq_base", 10000.0)
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    kv = width * sizes["attention.head_count_kv"] // sizes["attention.head_count"]
    writer.add_tensor("token_embd.weight", matrix(len(tokens), width) * 3)
    writer.add_tensor("output_norm.weight", norm())
    for block in range(sizes["block_count"]):
        shapes = {"attn_q": (width, width), "attn_k": (kv, width), "attn_v": (kv, width), "attn_output": (width, width),
                  "ffn_gate": (inner, width), "ffn_up": (inner, width), "ffn_down": (width, inner)}
        for name, shape in shapes.items():
            writer.add_tensor(f"blk.{block}.{name}.weight", matrix(*shape))
        writer.add_tensor(f"blk.{block}.attn_norm.weight", norm())
        writer.add_tensor(f"blk.{block}.ffn_norm.weight", norm())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_corpus(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = ["the white whale", "Alexander the Great", "a stitch in time", "the Milky Way", "an open question"]
    for split, seed, count in (("train", 1, 60), ("heldout", 2, 20)):
        random = np.random.default_rng(seed)
        texts = [f"We saw {names[a]} near {names[b]}, then {names[a]} again."
                 for a, b in random.integers(0, len(names), (count, 2))]
        with open(folder / f"phrases.{split}.jsonl", "w", encoding="utf-8") as file:
            for i, text in enumerate(texts):
                file.write(json.dumps({"id": f"phrases/{i}", "text": text}) + "\n")
        with open(folder / f"talk.{split}.jsonl", "w", encoding="utf-8") as file:
            for i, text in enumerate(texts[:20]):
                file.write(json.dumps({"id": f"talk/{i}", "messages": [
                    {"role": "user", "content": "What did we see?"}, {"role": "assistant", "content": text}]}) + "\n")
