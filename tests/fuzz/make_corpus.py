#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the first inputs of the fuzz entries into corpus/. Crashes found later lie beside them."""
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(value)) + value


def entry(key, kind, payload):
    return text(key) + struct.pack("<I", kind) + payload


def array(key, kind, items):
    return entry(key, 9, struct.pack("<IQ", kind, len(items)) + b"".join(items))


def gguf(entries, tensors=(), data=b"", version=3):
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries)) + b"".join(entries)
    for name, dims, kind, offset in tensors:
        head += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
    return head + b"\0" * (-len(head) % 32) + data


def vocabulary(pre, specials=()):
    alphabet, spare = [], 0x100
    for byte in range(256):
        if 0x21 <= byte <= 0x7e or 0xa1 <= byte <= 0xac or byte >= 0xae:
            alphabet.append(chr(byte))
        else:
            alphabet.append(chr(spare))
            spare += 1
    tokens = alphabet + ["aa", "aaaa", "\u0120a"] + [s for s, _ in specials]
    types = [1] * 259 + [t for _, t in specials]
    return [entry("tokenizer.ggml.model", 8, text("gpt2")), entry("tokenizer.ggml.pre", 8, text(pre)),
            array("tokenizer.ggml.tokens", 8, [text(t) for t in tokens]),
            array("tokenizer.ggml.token_type", 5, [struct.pack("<i", t) for t in types]),
            array("tokenizer.ggml.merges", 8, [text(m) for m in ("a a", "aa aa", "\u0120 a")]),
            entry("tokenizer.ggml.eos_token_id", 4, struct.pack("<I", 258))]


def pack(changed=(), tensors=True, cut=0):
    """A memory pack of one layer, one order and one head over three tokens; `changed` replaces keys."""
    number = lambda key, value: (key, entry("engram." + key, 4, struct.pack("<I", value)))
    words = lambda key, values: (key, array("engram." + key, 10, [struct.pack("<Q", v) for v in values]))
    classes = lambda key, values: (key, array("engram." + key, 5, [struct.pack("<i", v) for v in values]))
    string = lambda key, value: (key, entry("engram." + key, 8, text(value)))
    real = lambda key, value: (key, entry("engram." + key, 6, struct.pack("<f", value)))
    entries = dict([
        ("type", entry("general.type", 8, text("engram-pack"))), number("version", 1), string("variant", "paper"),
        string("encoding", "e4m3_e8m0_32"), number("max_ngram_size", 2), number("head_count", 1),
        number("key_length", 32), number("streams", 1), number("embedding_length", 32), number("block_count", 2),
        number("conv_kernel", 2), number("conv_dilation", 3), real("gate_norm_eps", 1e-6), real("conv_norm_eps", 1e-5),
        string("tokenizer_sha256", "0"), string("base_sha256", "0"), number("pad_id", 2), classes("layer_ids", [1]),
        classes("token_map", [0, 1, 1]), words("multipliers", [3, 2**63 - 1]), words("primes", [5]),
        words("offsets", [0])])
    for kind, key, value in changed:
        entries.update([{"number": number, "words": words, "classes": classes, "real": real}[kind](key, value)])
    shapes = [("embd.weight", [33, 5], 24, 165), ("key.weight", [32, 32], 0, 4096), ("key.bias", [32], 0, 128),
              ("value.weight", [32, 32], 1, 2048), ("value.bias", [32], 0, 128), ("key_norm.weight", [32], 0, 128),
              ("query_norm.weight", [32], 0, 128), ("conv.weight", [2, 32], 0, 256), ("conv_norm.weight", [32], 0, 128)]
    directory, offset = [], 0
    for name, dims, kind, size in shapes if tensors else []:
        directory.append(("blk.1.engram_" + name, dims, kind, offset))
        offset += size + -size % 32
    whole = gguf(list(entries.values()), directory, b"\0" * offset)
    return whole[:len(whole) - cut]


LLAMA = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
         "num_key_value_heads": 1, "max_position_embeddings": 64, "vocab_size": 4, "rms_norm_eps": 1e-5}
GEMMA = dict(LLAMA, model_type="gemma3_text", head_dim=16, hidden_activation="gelu_pytorch_tanh", sliding_window=8,
             query_pre_attn_scalar=16, layer_types=["sliding_attention"],
             rope_parameters={"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                              "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}})


def llama_tensors(layer="blk.0.", whole=("token_embd", "output_norm")):
    """Names in GGUF and shapes, outermost axis first."""
    shapes = {"attn_q": [32, 32], "attn_k": [16, 32], "attn_v": [16, 32], "attn_output": [32, 32], "ffn_gate": [32, 32],
              "ffn_up": [32, 32], "ffn_down": [32, 32], "attn_norm": [32], "ffn_norm": [32]}
    return [(whole[0] + ".weight", [4, 32]), (whole[1] + ".weight", [32])] + [
        (layer + name + ".weight", shape) for name, shape in shapes.items()]


def split_part(number, count, total, tensors, metadata=()):
    directory, offset = [], 0
    for name, shape in tensors:
        directory.append((name, shape[::-1], 0, offset))
        size = 4
        for dim in shape:
            size *= dim
        offset += size + -size % 32
    short = lambda key, value: entry("split." + key, 2, struct.pack("<H", value))
    return gguf(list(metadata) + [short("no", number), short("count", count),
                                  entry("split.tensors.count", 5, struct.pack("<i", total))], directory, b"\0" * offset)


def split(first_is_empty=False, total=None):
    tensors = llama_tensors()
    number = lambda key, value: entry("llama." + key, 4, struct.pack("<I", value))
    metadata = [entry("general.architecture", 8, text("llama")), number("embedding_length", 32),
                number("feed_forward_length", 32), number("block_count", 1), number("attention.head_count", 2),
                number("attention.head_count_kv", 1), number("context_length", 64),
                entry("llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5)),
                array("tokenizer.ggml.tokens", 8, [text(t) for t in "abcd"])]
    cut = 0 if first_is_empty else 5
    total = len(tensors) if total is None else total
    first, second = split_part(0, 2, total, tensors[:cut], metadata), split_part(1, 2, total, tensors[cut:])
    return bytes([1]) + struct.pack("<I", len(first)) + first + second


def safetensors(tensors, dtype="F32", width=4):
    header, offset = {}, 0
    for name, shape in tensors:
        size = width
        for dim in shape:
            size *= dim
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + b"\0" * offset


def hub(config, gemma=False, **kind):
    layer = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
             "ffn_norm": "pre_feedforward_layernorm" if gemma else "post_attention_layernorm"}
    names = [("model.embed_tokens.weight", [4, 32]), ("model.norm.weight", [32])]
    for name, shape in llama_tensors("")[2:]:
        names.append(("model.layers.0." + layer[name.removesuffix(".weight")] + ".weight", shape))
    if gemma:
        more = {"post_attention_layernorm": [32], "post_feedforward_layernorm": [32], "self_attn.q_norm": [16],
                "self_attn.k_norm": [16]}
        names += [("model.layers.0." + name + ".weight", shape) for name, shape in more.items()]
    head = json.dumps(config).encode() if not isinstance(config, bytes) else config
    return struct.pack("<H", len(head)) + head + safetensors(names, **kind)


def tokenizer_json(pieces=False, **changed):
    """A tokenizer.json of bytes and a few merges: GPT-2's kind, or with `pieces` SentencePiece's."""
    space = "\u2581" if pieces else "\u0120"
    tokens = ["<unk>", "<s>"] + [f"<0x{b:02X}>" for b in range(256)] if pieces else \
        ["<unk>", "<s>"] + [chr(c) for c in range(0x21, 0x7f)] + [chr(0x120), chr(0x10a)]
    tokens += ["a", "b", space] * pieces + [space + "a", "ab", space + "ab"]
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": space}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    value = {
        "added_tokens": [{"id": i, "content": tokens[i], "special": i == 1, "rstrip": i == 0} for i in (0, 1)],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": space}, replace]} if pieces
        else {"type": "NFC"},
        "pre_tokenizer": None if pieces else byte_level,
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]},
        "decoder": {"type": "Sequence", "decoders": [replace, {"type": "ByteFallback"}, {"type": "Fuse"}]} if pieces
        else byte_level,
        "model": {"type": "BPE", "unk_token": "<unk>", "byte_fallback": pieces, "ignore_merges": False,
                  "vocab": {t: i for i, t in enumerate(tokens)},
                  "merges": [[space, "a"], ["a", "b"], [space + "a", "b"]] if pieces else
                  [space + " a", "a b", space + " ab"]},
    }
    value.update(changed)
    return json.dumps(value, ensure_ascii=False)


def sentencepiece(added_space, pieces, line):
    """An input of sentencepiece_fuzz."""
    data = bytes([added_space])
    for piece, score in pieces:
        data += bytes([len(piece.encode()), score]) + piece.encode()
    return data + b"\0" + line.encode()


def write(folder, name, data):
    path = os.path.join(HERE, "corpus", folder)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, name), "wb") as out:
        out.write(data if isinstance(data, bytes) else data.encode())


def main():
    write("gguf", "empty_file", gguf([]))
    write("gguf", "every_type", gguf(
        [entry("u8", 0, b"\1"), entry("i8", 1, b"\xff"), entry("u16", 2, b"\1\2"), entry("i16", 3, b"\1\2"),
         entry("u32", 4, b"\1\2\3\4"), entry("i32", 5, b"\1\2\3\4"), entry("f32", 6, struct.pack("<f", 1.5)),
         entry("bool", 7, b"\1"), entry("text", 8, text("abc")), entry("u64", 10, b"\1" * 8),
         entry("i64", 11, b"\xff" * 8), entry("f64", 12, struct.pack("<d", 0.1)),
         array("texts", 8, [text("a"), text("")]), array("ints", 5, [b"\1\0\0\0"] * 3), array("none", 6, [])]))
    write("gguf", "tensors", gguf([entry("general.alignment", 4, struct.pack("<I", 64))],
                                  [("a", [32, 2], 8, 0), ("b", [4, 1, 2], 0, 128)], b"\0" * 256))
    write("gguf", "cut_tensor", gguf([], [("a", [1024], 0, 0)], b"\0" * 64))
    write("gguf", "many_entries", b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60))
    write("gguf", "version_2", gguf([], [("q", [256], 12, 0)], b"\0" * 160, version=2))
    for pre in ("smollm", "qwen2"):
        write("tokenizer", "vocabulary_" + pre, gguf(vocabulary(pre, [("<|im_end|>", 3), ("  ", 4)])))
    write("pack", "whole", pack())
    write("pack", "without_tensors", pack(tensors=False))
    write("pack", "cut", pack(cut=100))
    write("pack", "offsets_disagree", pack([("words", "offsets", [1])]))
    write("pack", "more_rows_than_the_table", pack([("words", "primes", [2**47])]))
    write("pack", "largest_prime", pack([("words", "primes", [2**64 - 1])]))
    write("pack", "class_outside", pack([("classes", "token_map", [0, 3, 1])]))
    write("pack", "many_columns", pack([("number", "max_ngram_size", 8), ("number", "head_count", 64)]))
    write("pack", "eps_is_not_a_number", pack([("real", "gate_norm_eps", float("nan"))]))
    write("pack", "sixteen_streams", pack([("number", "streams", 16)]))
    write("split", "whole", split())
    write("split", "first_is_empty", split(first_is_empty=True))
    write("split", "another_total", split(total=99))
    llama3 = {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
              "original_max_position_embeddings": 32}
    write("hub", "llama", hub(dict(LLAMA, model_type="llama", tie_word_embeddings=True)))
    write("hub", "llama3_in_bf16", hub(dict(LLAMA, model_type="llama", tie_word_embeddings=True, rope_scaling=llama3),
                                       dtype="BF16", width=2))
    write("hub", "gemma3", hub(GEMMA, gemma=True))
    write("hub", "gemma3_nested", hub({"model_type": "gemma3", "text_config": GEMMA, "vision_config": {}}, gemma=True))
    write("hub", "largest_numbers", hub(dict(LLAMA, model_type="llama", hidden_size=2**63, num_hidden_layers=2**64)))
    write("hub", "nested_deep", hub(b'{"a":' + b"[" * 5000))
    lines = ["Hello, world! It's 12345", "<|im_end|><|im_<|im_end|>", "  a   aaaaaaa\n\n\t b", "你好 😀 e\u0301 १२३",
             b"\xff\xf0\x9f\x98 \xed\xa0\x80", b"\0\1\2 \xc2\xa0\xe3\x80\x80"]
    for i, line in enumerate(lines):
        for pre in range(5):
            write("tokenizer", f"text_{i}_{pre}",
                  bytes([pre, i % 2]) + (line if isinstance(line, bytes) else line.encode()))
    settings = json.dumps({"bos_token": "<s>", "eos_token": {"content": "<unk>"}, "add_bos_token": True,
                           "chat_template": [{"name": "default", "template": "x"}]})
    generation = json.dumps({"eos_token_id": [1, 2], "suppress_tokens": [3]})
    write("tokenizer_json", "bytes", "\0".join([tokenizer_json(), settings, generation]))
    write("tokenizer_json", "pieces", "\0".join([tokenizer_json(True), settings, generation]))
    write("tokenizer_json", "metaspace", tokenizer_json(True, normalizer=None, pre_tokenizer={
        "type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}))
    write("tokenizer_json", "twice", '{"model": {"vocab": {"a": 0, "a": 1}, "merges": ["a a"]}}')
    write("tokenizer_json", "unigram", '{"model": {"type": "Unigram", "vocab": [["a", -1.5], ["b", []]]}}')
    write("tokenizer_json", "deep", '{"x":' + "[" * 40)
    words = [("a", 9), ("b", 9), ("\u2581", 9), ("\u2581a", 2), ("ab", 1), ("ba", 1), ("aa", 3), ("\u65e5", 4)]
    for added_space in range(3):
        write("sentencepiece", f"words_{added_space}", sentencepiece(added_space, words, " ab aab  ba\n\u65e5\u672c"))
    write("sentencepiece", "long_run", sentencepiece(0, [("aa", 1), ("aaaa", 2), ("aaaaaaaa", 2)], "a" * 200 + "b" * 99))
    templates = {
        "chatml": "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m.content + '<|im_end|>\n' }}"
                  "{% endfor %}{% if add_generation_prompt %}{{ 'x' }}{% endif %}\0<|im_end|>",
        "namespace": "{% set ns = namespace(a=0, b='') %}{%- for m in messages[::-1] if m.role != 'system' -%}"
                     "{% set ns.a = ns.a + loop.index0 %}{% set ns.b = ns.b ~ m.content[1:-1] %}{%- endfor %}"
                     "{{ ns.a }}{{ ns.b | tojson }}\0a\"b",
        "functions": "{% macro f(a, b=2) %}{{ a | upper ~ b }}{% endmacro %}{{ f('q') }}{{ range(3) | join(',') }}"
                     "{{ messages | selectattr('role', 'eq', 'user') | map(attribute='content') | list | length }}"
                     "{{ 'a b'.split() | last }}{{ messages[1].content.replace('l', 'L').strip('h') | trim | title }}",
        "branches": "{% if x is defined and not y %}{% elif 1 < 2 <= 3 or 'a' in 'abc' %}{% set s %}{{ {'k': [1, 2.5, "
                    "none]} | tojson(indent=1) }}{% endset %}{{ s | indent(2) }}{% else %}{% endif %}"
                    "{# c #}{% raw %}{{ }}{% endraw %}{{ -7 // 2 * 3 % 4 - 1 }}{{ strftime_now('%Y') }}",
        "loops": "{% for a, b in {'x': 1}.items() %}{% if loop.first %}{% continue %}{% endif %}{% break %}{% else %}"
                 "{{ raise_exception('no') }}{% endfor %}{{ messages[1].content[0] if true else 'b' }}",
        "hostile_doubling": "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
                            "{% endfor %}",
        "hostile_nesting": "{{ " + "(" * 300 + " }}",
        "broken_utf8": b"{{ messages[1].content | upper }}\xff\0\xf0\x9f\xc3\x9f",
    }
    for name, template in templates.items():
        write("chat_template", name, template)


if __name__ == "__main__":
    main()
