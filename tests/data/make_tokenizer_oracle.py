#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tokenizer_oracle.bin: 10,000 lines of mixed text and the ids that the published tokenizer
gives them (the `tokenizers` package is the oracle). Deterministic; run once, the result is committed.

    make_tokenizer_oracle.py smollm2.tokenizer.json.gz tokenizer_oracle.bin
    make_tokenizer_oracle.py qwen3.tokenizer.json.gz qwen3.bin --gguf qwen3.gguf --pre qwen2

With --gguf also a model file without weights is written, so that other tokenizers can be compared
locally: run the test with MNEME_MODEL and MNEME_TOKENIZER_ORACLE naming the two files.

Format, little-endian: u32 bytes of an id (2 or 4); u32 snippets, each u16 length and bytes;
u32 lines, each u8 parts, u16 per part (index of a snippet), u16 ids, each id. A line is its parts
one after another; it may hold broken UTF-8, read as Python's errors="replace" does.
"""
import argparse
import gzip
import json
import random
import struct
import unicodedata

WORDS = {
    "english": "the a of and to in is that it was for on are with as his they at be this from have "
               "or by one had not but what all were when we there can an your which their said if do "
               "into has more her two like him see time could no make than first been its who now "
               "people my made over did down only way find use may water long little very after "
               "words called just where most know Don't I'm you're we've he'll she'd it's O'Neill "
               "'s 't 're 've 'm 'll 'd 'S 'RE 'Ve ſ'ſ K'll HELLO World iPhone McDonald",
    "german": "Straße Grüße Übermut Fußgängerübergang naïve Señor façade Ærøskøbing Łódź İstanbul ıslak",
    "chinese": "你好 世界 我们 今天 天气 很好 深度学习 人工智能 记忆 模型 北京大学 一二三 龍馬 㐀㐁 𠀀𠀁 。，、！？「」",
    "japanese": "こんにちは カタカナ 東京 ありがとう ｱｲｳ ー ゝ 々 日本語のテキスト",
    "korean": "안녕하세요 세계 한국어 기억 모델 ㄱㄴㄷ",
    "arabic": "مرحبا بالعالم كيف حالك اليوم الذاكرة نموذج ١٢٣٤ بِسْمِ اللَّهِ ، ؟ ۱۲۳",
    "hindi": "नमस्ते दुनिया यह एक परीक्षण है स्मृति १२३ क्षत्रिय हिन्दी ज़िंदगी । ॐ",
    "hebrew": "שלום עולם זִכָּרוֹן",
    "russian": "Привет мир как дела память модель Ёлка ъ",
    "greek": "Καλημέρα κόσμε μνήμη ΰ ς Σ",
    "thai": "สวัสดี ชาวโลก ความจำ ๑๒๓",
    "others": "ᠮᠣᠩ᠎ᠭᠣᠯ ამბავი հայերեն ᎣᏏᏲ ቋንቋ ខ្មែរ བོད་ཡིག தமிழ் తెలుగు ಕನ್ನಡ සිංහල 𐌰𐌱 𝔘𝔫𝔦 ⅷⅫ ½¾ ²³ ①② ㊙",
    "emoji": "😀 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ❤️ ☕ 🧠 1️⃣ 🫠 ©️ ™ 🤷🏻‍♀️",
    "numbers": "0 7 42 123 1234 12345 3.14159 1,000,000 -17 1e-5 0xDEADBEEF 2024-11-05 12:34:56 ٣٤ ७८",
    "marks": "é e\u0301 n\u0303 a\u0308\u0323 \u0301 Å \u212b \u1e9b\u0323 \u0344 ﬁ ﬆ \u0958",
}
CODE = [
    "def add(a, b):\n    return a + b\n", "int main(void) { return 0; }\n", "for (int i=0;i<n;++i) {",
    "\t\tif (x != nullptr && *x >= 3) x->y();", "#include <vector>\r\n", "SELECT * FROM t WHERE a='b';",
    "<div class=\"x\">&nbsp;</div>", "{\"key\": [1, 2.5, null, true]}", "$ ls -la | grep '^d' > /dev/null",
    "// comment\n\n\n", "/* a\n * b\n */", "x = [i**2 for i in range(10)]", "fn f<'a>(s: &'a str) -> u8 {",
    "\\begin{align} \\alpha_{i}^{2} \\end{align}", "https://example.org/a?b=c&d=%20#e", "user@example.org",
    "return\n\n    }\n", "a+=b--;c<<=2", "<|im|> <| |> <s> [INST] </think", "```python\nprint('hi')\n```",
]
SPACES = [" ", "  ", "   ", "    ", "\n", "\n\n", "\r\n", "\t", "\t\t", " \n ", "\u00a0", "\u3000", "\u2003",
          "\u2028", "\u0085", "\u180e", "\u200b", "\ufeff", "\u200d", "\u202e", "\v", "\f", " " * 17, "\n" * 5,
          "  \n  \n", "\u1680", "\u205f", "\x1c", "\x1f"]
CONTROLS = [bytes([b]) for b in list(range(0, 9)) + list(range(14, 32)) + [127]]
BROKEN = [b"\xff", b"\xfe", b"\x80", b"\xbf\xbf", b"\xc0\xaf", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe2\x28\xa1",
          b"\xf0\x9f\x98", b"\xf0\x9f", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
          b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf1\x80\x80", b"a\xe4\xb8b", b"\xe4\xb8\xe4\xb8\xad"]
BLOCKS = [(0x20, 0x7e), (0xa1, 0x24f), (0x250, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0xdff),
          (0xe00, 0xfff), (0x1000, 0x1fff), (0x2000, 0x2bff), (0x3000, 0x30ff), (0x4e00, 0x9fff), (0xa000, 0xabff),
          (0xac00, 0xd7a3), (0xf900, 0xffef), (0x10000, 0x10fff), (0x1d400, 0x1d7ff), (0x1f300, 0x1faff),
          (0x20000, 0x2a6df), (0xe0001, 0xe01ef)]


def random_word(rng):
    low, high = rng.choice(BLOCKS)
    out = ""
    for _ in range(rng.randint(1, 8)):
        char = chr(rng.randint(low, high))
        if unicodedata.category(char) not in ("Cn", "Cs", "Co"):  # Python 3.11: Unicode 14
            out += char
    return out


def make_snippets(rng):
    assert unicodedata.unidata_version == "14.0.0", "characters of Unicode 14 only"
    groups = [[w.encode() for w in words.split()] for words in WORDS.values()]
    groups += [[c.encode() for c in CODE], [s.encode() for s in SPACES], CONTROLS, BROKEN]
    groups.append([w.encode() for w in (random_word(rng) for _ in range(1500)) if w])
    groups.append([bytes(rng.randrange(256) for _ in range(rng.randint(1, 6))) for _ in range(200)])
    groups.append([b"a" * 300, b" " * 200, "é".encode() * 60, b"=" * 120, b"ab" * 90, "哈".encode() * 70])
    return groups


def make_lines(rng, groups, count):
    snippets = [s for group in groups for s in group]
    first = []
    for group in groups:
        first.append(sum(len(g) for g in groups[:len(first)]))
    space = [snippets.index(s.encode()) for s in SPACES]
    lines = []
    for _ in range(count):
        themes = [rng.randrange(len(groups)) for _ in range(rng.randint(1, 3))]
        parts = []
        for _ in range(rng.randint(1, 9)):
            theme = rng.choice(themes)
            if len(groups[theme][0]) > 100 and rng.random() < 0.9:  # the long ones are rare
                theme = 0
            parts.append(first[theme] + rng.randrange(len(groups[theme])))
            roll = rng.random()
            if roll < 0.6:
                parts.append(space[0])
            elif roll < 0.75:
                parts.append(rng.choice(space))
        lines.append(parts)
    return snippets, lines


def write_gguf(path, tokenizer, pre):
    import gguf
    vocab = dict(tokenizer["model"]["vocab"])
    types = {}
    for token in tokenizer["added_tokens"]:
        vocab[token["content"]] = token["id"]
        types[token["id"]] = gguf.TokenType.CONTROL if token["special"] else gguf.TokenType.USER_DEFINED
    names = [None] * (max(vocab.values()) + 1)
    for text, index in vocab.items():
        names[index] = text
    for index, text in enumerate(names):
        if text is None:
            names[index], types[index] = f"[PAD{index}]", gguf.TokenType.UNUSED
    merges = [m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(names)
    writer.add_token_types([types.get(i, gguf.TokenType.NORMAL) for i in range(len(names))])
    writer.add_token_merges(merges)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tokenizer", help="tokenizer.json, gzipped")
    parser.add_argument("out")
    parser.add_argument("--gguf", help="also write a GGUF with this tokenizer and no weights")
    parser.add_argument("--pre", default="smollm", help="tokenizer.ggml.pre for --gguf")
    parser.add_argument("--lines", type=int, default=10000)
    args = parser.parse_args()

    from tokenizers import Tokenizer
    text = gzip.open(args.tokenizer).read().decode()
    published = Tokenizer.from_str(text)
    specials = [t["content"] for t in json.loads(text)["added_tokens"]]
    rng = random.Random(20)
    snippets, lines = make_lines(rng, make_snippets(rng), args.lines)
    assert len(snippets) < 65536
    id_bytes = 2 if published.get_vocab_size() <= 65536 else 4

    out = struct.pack("<II", id_bytes, len(snippets))
    for snippet in snippets:
        out += struct.pack("<H", len(snippet)) + snippet
    records = []
    for parts in lines:
        line = b"".join(snippets[p] for p in parts).decode("utf-8", errors="replace")
        assert not any(s in line for s in specials), line
        ids = published.encode(line, add_special_tokens=False).ids
        records.append(struct.pack(f"<B{len(parts)}HH", len(parts), *parts, len(ids)) +
                       struct.pack(f"<{len(ids)}{'H' if id_bytes == 2 else 'I'}", *ids))
    out += struct.pack("<I", len(lines)) + b"".join(records)
    open(args.out, "wb").write(out)
    print(f"{len(lines)} lines, {len(out)} bytes")
    if args.gguf:
        write_gguf(args.gguf, json.loads(text), args.pre)


if __name__ == "__main__":
    main()
