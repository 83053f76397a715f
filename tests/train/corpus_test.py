#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the corpus builder on small made-up inputs; no package needs to be installed."""
import contextlib
import gzip
import importlib.util
import io
import json
import struct
import sys
import tempfile
import unittest
from pathlib import Path

TRAIN = Path(__file__).resolve().parents[2] / "engram/train"
sys.path.insert(0, str(TRAIN))

from corpus import dictd, facts, gsm8k, kjv, wordnet  # noqa: E402
from corpus.debian import Packages  # noqa: E402
from corpus.document import CorpusError, Document, Splitter, is_heldout  # noqa: E402
from corpus.html_text import Layout, page_documents  # noqa: E402


def load_command():
    """corpus.py itself; `import corpus` is the package beside it."""
    spec = importlib.util.spec_from_file_location("corpus_command", TRAIN / "corpus.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


command = load_command()

DICTIONARY = """00-database-info
    about the dictionary
abandoned infant
    n 1: a child who has been abandoned and whose parents are un-
         known [syn: {foundling}, {abandoned infant}]
bank
    n 1: sloping land; "they pulled the canoe; up on the bank"
    2: a financial institution [syn: {bank}, {banking company}]
    v 1: tip laterally [ant: {level}]
foundling
    n 1: a child who has been abandoned and whose parents are
         un-known [syn: {foundling}, {abandoned infant}]
waif
    n 1: an abandoned infant without any home whatsoever
"""


def entries(text: str = DICTIONARY) -> list[wordnet.Entry]:
    return wordnet.parse(gzip.compress(text.encode()))


class WordNet(unittest.TestCase):
    def test_reads_senses_of_every_part_of_speech(self):
        read = entries()
        self.assertEqual([e.headword for e in read], ["abandoned infant", "bank", "foundling", "waif"])
        bank = read[1].senses
        self.assertEqual([s.pos for s in bank], ["noun", "noun", "verb"])
        self.assertEqual(bank[0].examples, ["they pulled the canoe; up on the bank"])
        self.assertEqual(bank[1].synonyms, ["bank", "banking company"])
        self.assertEqual(bank[2].antonyms, ["level"])

    def test_a_synset_broken_elsewhere_is_the_same_synset(self):
        read = entries()
        self.assertIn("parents are un-known", read[0].senses[0].definition)
        self.assertEqual(read[0].senses[0].split_key(), read[2].senses[0].split_key())
        hung = entries("a b\n    n 1: in two-\n         and threefold ways\n")[0].senses[0]
        self.assertEqual(hung.definition, "in two- and threefold ways")

    def test_an_entry_tells_its_senses_as_sentences(self):
        text = next(d for d in wordnet.documents(entries(), "w") if d.id == "w/bank").text()
        self.assertEqual(text, "bank (noun, sense 1): sloping land. For example: "
                               '"they pulled the canoe; up on the bank".\n'
                               "bank (noun, sense 2): a financial institution. Also called banking company.\n"
                               "bank (verb): tip laterally. The opposite is level.")

    def test_a_heldout_synset_is_in_no_training_text_and_no_training_fact(self):
        lines = "".join(f"two words{i}\n    n 1: the definition of the thing number {i} here\n" for i in range(300))
        read = entries(lines)
        held = [e.senses[0].definition for e in read if e.senses[0].heldout()]
        self.assertTrue(held)
        for documents in (wordnet.documents(read, "w"), facts.documents(read, "f")):
            training = "\n".join(json.dumps(d.record()) for d in documents if not d.heldout())
            heldout = "\n".join(json.dumps(d.record()) for d in documents if d.heldout())
            for definition in held:
                self.assertNotIn(definition + ".", training)
                self.assertIn(definition + ".", heldout)

    def test_lemmas_have_several_words(self):
        self.assertEqual(wordnet.lemmas(entries()), ["abandoned infant"])

    def test_refuses_what_is_no_dictionary(self):
        packed = gzip.compress(DICTIONARY.encode())
        for bad in (b"", b"plain", packed[:-20], gzip.compress(b"\xff\xfe\n"), gzip.compress(b"\n")):
            with self.assertRaises(CorpusError):
                wordnet.parse(bad)


class Facts(unittest.TestCase):
    def test_the_term_that_explains_others_comes_first(self):
        self.assertEqual([e.headword for e in facts.ranked(entries())], ["abandoned infant", "waif"])

    def test_each_fact_is_two_questions_and_a_statement(self):
        found = facts.documents(entries(), "facts")[:3]
        self.assertEqual([bool(d.messages) for d in found], [True, True, False])
        self.assertNotEqual(found[0].messages[0], found[1].messages[0])
        said = "Abandoned infant means a child who has been abandoned and whose parents are un-known."
        self.assertEqual(found[0].messages[1], {"role": "assistant", "content": said})
        self.assertEqual(found[2].text(), said)

    def test_people_have_an_article(self):
        for definition, said in (
            ("United States writer (1850-1900)", "Al Bo was a United States writer (1850-1900)."),
            ("English writer (born in 1950)", "Al Bo is an English writer (born in 1950)."),
            ("16th President of Utopia (1850-1900)", "Al Bo was the 16th President of Utopia (1850-1900)."),
        ):
            sense = wordnet.Sense("noun", definition, [], [], [])
            self.assertEqual(facts.answer("Al Bo", sense, facts.kind_of("Al Bo", sense)), said)


class Split(unittest.TestCase):
    HELD = [f"d{i}" for i in range(1000) if is_heldout(f"d{i}")]
    TRAIN = [f"d{i}" for i in range(100) if not is_heldout(f"d{i}")]

    def test_about_two_percent_is_held_out(self):
        share = sum(is_heldout(str(i)) for i in range(20000)) / 20000
        self.assertTrue(0.015 < share < 0.025, share)

    def test_a_heldout_paragraph_that_training_has_is_dropped(self):
        text, short = "x" * 50, "Note"
        documents = [Document(self.HELD[0], [text, short, "only here"]), Document(self.TRAIN[0], [text, short])]
        splitter = Splitter()
        self.assertEqual([d.id for d in splitter.training("s", documents)], [self.TRAIN[0]])
        self.assertEqual([d.paragraphs for d in splitter.heldout("s", documents)], [["only here"]])

    def test_across_sources_only_long_paragraphs_count(self):
        text, short = "x" * 50, "Note"
        splitter = Splitter()
        splitter.training("s", [Document(self.TRAIN[0], [text, short])])
        heldout = splitter.heldout("other", [Document(self.HELD[0], [text, short])])
        self.assertEqual([d.paragraphs for d in heldout], [[short]])

    def test_training_keeps_a_long_paragraph_once_and_short_ones_always(self):
        text, short = "x" * 50, "Note"
        training = Splitter().training("s", [Document(i, [short, text, text]) for i in self.TRAIN[:2]])
        self.assertEqual([d.paragraphs for d in training], [[short, text], [short]])

    def test_a_paragraph_of_code_counts_like_any_other(self):
        splitter = Splitter()
        splitter.training("s", [Document(self.TRAIN[0], ["import a\n\nmain()"])])
        heldout = splitter.heldout("s", [Document(self.HELD[0], ["def f(): pass\n\nmain()"])])
        self.assertEqual([d.paragraphs for d in heldout], [["def f(): pass"]])

    def test_a_conversation_stays_whole_or_goes(self):
        messages = [{"role": "user", "content": "a" * 50}, {"role": "assistant", "content": "b"}]
        ids = [self.TRAIN[0], self.TRAIN[1], self.HELD[0]]
        splitter = Splitter()
        documents = [Document(i, messages=messages) for i in ids]
        self.assertEqual([d.id for d in splitter.training("s", documents)], ids[:1])
        self.assertEqual(splitter.heldout("s", documents), [])


class Html(unittest.TestCase):
    LAYOUT = Layout(("role", "main"), frozenset(["headerlink"]))

    def test_keeps_prose_and_code_and_leaves_navigation(self):
        page = """<body><nav>menu</nav><div>side</div><div role="main"><h1>Top<a class="headerlink">#</a></h1>
            <p>One &amp; two<br>three.</p><pre>def f():
    return  1
</pre><ul><li>item</li></ul><table><tr><td>a</td><td><p>b</p></td></tr></table><script>x</script></div>foot"""
        documents = page_documents(page, self.LAYOUT, "p")
        self.assertEqual(documents[0].text(),
                         "Top\n\nOne & two\n\nthree.\n\ndef f():\n    return  1\n\n- item\n\na | b")

    def test_a_section_is_a_document_with_the_page_in_its_title(self):
        text = "word " * 60
        page = f'<div role="main"><h1>1. Page</h1><p>{text}</p><h2>1.1. Part</h2><p>{text}</p></div>'
        self.assertEqual([d.title for d in page_documents(page, self.LAYOUT, "p")], ["Page", "Page: Part"])

    def test_long_sections_are_cut_between_words(self):
        words = " ".join(f"word{i}" for i in range(2000))
        documents = page_documents(f'<div role="main"><h1>T</h1><p>{words}</p></div>', self.LAYOUT, "p")
        self.assertGreater(len(documents), 3)
        self.assertTrue(all(len(d.text()) <= 4000 for d in documents))
        self.assertEqual(" ".join(p for d in documents for p in d.paragraphs), words)

    def test_survives_tags_that_are_never_closed(self):
        page = '<div role="main"><h1>T<p>one<li>two<table><tr><td>three<pre>four'
        self.assertIn("four", "".join(d.text() for d in page_documents(page, self.LAYOUT, "p")))


def lzw_pack(data: bytes) -> bytes:
    """What Unix compress writes after its header. Codes of one width come in groups of eight; when the
    reader has as many entries as the width can tell (256 + the codes it has read), the width grows
    and what is left of the group is padding."""
    table = {bytes((i,)): i for i in range(256)}
    codes, at = [], 0
    while at < len(data):
        end = at + 1
        while end < len(data) and data[at:end + 1] in table:
            end += 1
        codes.append(table[data[at:end]])
        if len(table) + 1 < 1 << kjv.LAST_BITS:
            table[data[at:end + 1]] = len(table) + 1  # 256 is not an entry but the code to clear
        at = end
    out, group, width = bytearray(), [], kjv.FIRST_BITS
    for count, code in enumerate(codes, 1):
        group.append(code)
        wider = 256 + count >= 1 << width and width < kjv.LAST_BITS
        if len(group) == 8 or wider or count == len(codes):
            bits = sum(code << (i * width) for i, code in enumerate(group))
            last = count == len(codes)
            out += bits.to_bytes((len(group) * width + 7) // 8 if last else width, "little")
            group.clear()
        width += wider
    return bytes(out)


class Bible(unittest.TestCase):
    def packed(self, text: bytes, window: int = 2000) -> bytes:
        windows = [lzw_pack(text[i:i + window]) for i in range(0, len(text), window)]
        head = kjv.MAGIC.ljust(kjv.HEADER, b"\0")
        at = kjv.HEADER + 8 + 4 * len(windows)
        offsets = []
        for packed in windows:
            offsets.append(at)
            at += len(packed)
        return head + struct.pack(f">II{len(windows)}I", window, len(windows), *offsets) + b"".join(windows)

    def test_unpacks_windows_whose_codes_grow_wider(self):
        for size in (1, 300, 700, 5000, 200000):
            data = bytes((i * i // 7 + i) % 251 for i in range(size))
            self.assertEqual(kjv.lzw_unpack(lzw_pack(data)), data, size)

    def test_a_chapter_is_a_document_and_a_verse_a_line(self):
        verses = "".join(f"Bk{chr(97 + i // 26)}{chr(97 + i % 26)}1:{v} Verse {v} of {book}.\n"
                         for i, book in enumerate(kjv.BOOKS) for v in (1, 2))
        found = kjv.documents(self.packed(b"title\n" + verses.encode()), "kjv")
        self.assertEqual(len(found), len(kjv.BOOKS))
        self.assertEqual(found[0].id, "kjv/Genesis 1")
        self.assertEqual(found[0].text(), "Genesis 1\n\nVerse 1 of Genesis.\nVerse 2 of Genesis.")

    def test_refuses_a_damaged_file(self):
        good = self.packed(b"title\nGe1:1 In the beginning.\n" * 200)
        for bad in (b"", b"EC02", good[:90], good[:-400], kjv.MAGIC.ljust(84, b"\0") + b"\xff" * 40,
                    self.packed(b"title\nGe1:1 A verse.\n"), self.packed(b"title\nGe1:1 \xff\n")):
            with self.assertRaises(CorpusError):
                kjv.documents(bad, "kjv")


class Dictd(unittest.TestCase):
    TEXT = ("00-database-info\nabout\n"
            "alpha n.\n\n    First {two\n    words} go on.\n\n        a figure\n"
            "beta\n\n    Second.\n")

    def index(self) -> bytes:
        def digits(value: int) -> str:
            letters = {v: k for k, v in dictd.DIGITS.items()}
            return (letters[value // 64] if value > 63 else "") + letters[value % 64]

        a, b = self.TEXT.index("alpha"), self.TEXT.index("beta")
        rows = [("00-database-info", 0, a), ("alpha", a, b - a), ("Alpha", a, b - a), ("beta", b, len(self.TEXT) - b)]
        return "".join(f"{w}\t{digits(s)}\t{digits(n)}\n" for w, s, n in rows).encode()

    def test_an_entry_is_a_document_and_figures_stay(self):
        found = dictd.documents(gzip.compress(self.TEXT.encode()), self.index(), "j", "    ")
        self.assertEqual([d.paragraphs for d in found],
                         [["alpha n.", "First two words go on.", "    a figure"], ["beta", "Second."]])

    def test_refuses_an_index_that_does_not_fit(self):
        packed = gzip.compress(self.TEXT.encode())
        for index in (b"alpha\tA\t////\n", b"alpha\n", b"alpha\t!\tA\n", b"\xff\tA\tA\n"):
            with self.assertRaises(CorpusError):
                dictd.entries(packed, index)


class Gsm8k(unittest.TestCase):
    def test_removes_marks_and_says_the_answer(self):
        row = b'{"question": "How many?", "answer": "4+4 = <<4+4=8>>8 clips.\\n#### 8"}\n'
        document = gsm8k.documents(gzip.compress(row), "gsm8k")[0]
        self.assertEqual(document.messages[1]["content"], "4+4 = 8 clips.\nThe answer is 8.")

    def test_names_the_line_that_is_wrong(self):
        good = b'{"question": "q", "answer": "a\\n#### 1"}\n'
        for bad in (b"{", b"[]", b'{"question": 1, "answer": "#### 1"}', b'{"question": "q", "answer": "no mark"}'):
            with self.assertRaisesRegex(CorpusError, "line 2"):
                gsm8k.documents(gzip.compress(good + bad + b"\n"), "gsm8k")


class Command(unittest.TestCase):
    """The whole command on a root folder with one small package."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "root"
        self.out = Path(folder.name) / "out"
        self.dictionary = self.root / "usr/share/dictd/wn.dict.dz"
        self.dictionary.parent.mkdir(parents=True)
        self.dictionary.write_bytes(gzip.compress(DICTIONARY.encode(), mtime=0))
        self.install("1:3.0-37")
        command.COMMITTED = Path(folder.name) / "committed.json"

    def install(self, version: str):
        status = self.root / "var/lib/dpkg/status"
        status.parent.mkdir(parents=True, exist_ok=True)
        status.write_text(f"Package: dict-wn\nStatus: install ok installed\nVersion: {version}\n"
                          "Description: a\n Version: no\n\n"
                          "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n")

    def run_command(self, *arguments: str) -> tuple[int, str]:
        told = io.StringIO()
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
            code = command.main([str(self.out), "--root", str(self.root), *arguments])
        return code, told.getvalue()

    def files(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.out.iterdir()}

    def test_the_same_packages_give_the_same_files_and_pass_the_manifest(self):
        self.assertEqual(self.run_command("--only", "wordnet,facts", "--update-manifest")[0], 0)
        first = self.files()
        self.assertEqual(sorted(first), ["facts.heldout.jsonl", "facts.train.jsonl", "lemmas.json", "manifest.json",
                                         "wordnet.heldout.jsonl", "wordnet.train.jsonl"])
        code, told = self.run_command("--only", "wordnet,facts")
        self.assertEqual(code, 0, told)
        self.assertEqual(self.files(), first)

    def test_stops_with_the_name_of_a_missing_package(self):
        code, told = self.run_command("--only", "kjv,wordnet,sqlite", "--update-manifest")
        self.assertEqual(code, 1)
        self.assertIn("bible-kjv-text, sqlite3-doc", told)
        self.assertIn("apt-get install --no-install-recommends bible-kjv-text sqlite3-doc", told)

    def test_stops_at_another_version_or_other_text(self):
        self.run_command("--only", "wordnet", "--update-manifest")
        self.dictionary.write_bytes(gzip.compress(DICTIONARY.replace("tip", "lean").encode()))
        code, told = self.run_command("--only", "wordnet")
        self.assertEqual(code, 1)
        self.assertRegex(told, "corpus: wordnet: .*train text")
        self.install("1:3.1-1")
        code, told = self.run_command("--only", "wordnet")
        self.assertEqual(code, 1)
        self.assertRegex(told, "corpus: wordnet: the version of dict-wn is 1:3.1-1.*apt-get install dict-wn=1:3.0-37")

    def test_says_that_a_slim_system_left_files_out(self):
        self.dictionary.unlink()
        code, told = self.run_command("--only", "wordnet", "--update-manifest")
        self.assertEqual(code, 1)
        self.assertRegex(told, "dict-wn is installed but its file .*wn.dict.dz is missing.*--reinstall")

    def test_says_what_else_is_wrong(self):
        for arguments, said in (
            (["--only", "nothing"], "no such source"),
            (["--only", "gsm8k", "--update-manifest"], "--gsm8k"),
            (["--only", "gsm8k", "--gsm8k", "/nowhere", "--update-manifest"], "/nowhere: cannot read"),
            (["--only", "wordnet"], "--update-manifest"),
            (["--root", "/nowhere"], "cannot read dpkg's list"),
        ):
            code, told = self.run_command(*arguments)
            self.assertEqual(code, 1)
            self.assertIn(said, told)
        command.COMMITTED.write_text("{}")
        self.assertIn("no manifest of a corpus", self.run_command("--only", "wordnet")[1])

    def test_a_removed_package_is_not_installed(self):
        with self.assertRaisesRegex(CorpusError, "not installed: gone"):
            Packages(self.root).version("gone")


if __name__ == "__main__":
    unittest.main()
