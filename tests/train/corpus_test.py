#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the corpus builder on small made-up inputs; no package needs to be installed."""
import gzip
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "engram/train"))

from corpus import facts, gsm8k, wordnet  # noqa: E402
from corpus.document import Document, Splitter, is_heldout  # noqa: E402
from corpus.html_text import Layout, page_documents  # noqa: E402

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
    n 1: a child who has been abandoned and whose parents are un-
         known [syn: {foundling}, {abandoned infant}]
"""


class WordNet(unittest.TestCase):
    def setUp(self):
        self.entries = wordnet.parse(gzip.compress(DICTIONARY.encode()))

    def test_reads_senses_of_every_part_of_speech(self):
        self.assertEqual([e.headword for e in self.entries], ["abandoned infant", "bank", "foundling"])
        bank = self.entries[1].senses
        self.assertEqual([s.pos for s in bank], ["noun", "noun", "verb"])
        self.assertEqual(bank[0].examples, ["they pulled the canoe; up on the bank"])
        self.assertEqual(bank[1].synonyms, ["bank", "banking company"])
        self.assertEqual(bank[2].antonyms, ["level"])

    def test_joins_a_word_that_was_broken_at_its_hyphen(self):
        self.assertIn("parents are un-known", self.entries[0].senses[0].definition)

    def test_lemmas_have_several_words(self):
        self.assertEqual(wordnet.lemmas(self.entries), ["abandoned infant"])


class Split(unittest.TestCase):
    HELD = next(f"d{i}" for i in range(10000) if is_heldout(f"d{i}"))
    TRAIN = [f"d{i}" for i in range(100) if not is_heldout(f"d{i}")]

    def test_about_two_percent_is_held_out(self):
        share = sum(is_heldout(str(i)) for i in range(20000)) / 20000
        self.assertTrue(0.015 < share < 0.025, share)

    def test_a_heldout_paragraph_that_training_has_is_dropped(self):
        text, short = "x" * 50, "Note"
        documents = [Document(self.HELD, [text, short, "only here"]), Document(self.TRAIN[0], [text, short])]
        splitter = Splitter()
        training = splitter.training(documents)
        self.assertEqual([d.id for d in training], [self.TRAIN[0]])
        heldout = splitter.heldout(documents)
        self.assertEqual([d.paragraphs for d in heldout], [["only here"]])

    def test_training_keeps_a_long_paragraph_once_and_short_ones_always(self):
        text, short = "x" * 50, "Note"
        documents = [Document(i, [short, text]) for i in self.TRAIN[:2]]
        training = Splitter().training(documents)
        self.assertEqual([d.paragraphs for d in training], [[short, text], [short]])


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

    def test_long_sections_are_cut_between_words(self):
        words = " ".join(f"word{i}" for i in range(2000))
        documents = page_documents(f'<div role="main"><h1>T</h1><p>{words}</p></div>', self.LAYOUT, "p")
        self.assertGreater(len(documents), 3)
        self.assertTrue(all(len(d.text()) <= 4000 for d in documents))
        self.assertEqual(" ".join(p for d in documents for p in d.paragraphs), words)


class Gsm8k(unittest.TestCase):
    def test_removes_marks_and_says_the_answer(self):
        row = b'{"question": "How many?", "answer": "4+4 = <<4+4=8>>8 clips.\\n#### 8"}\n'
        document = gsm8k.documents(gzip.compress(row), "gsm8k")[0]
        self.assertEqual(document.messages[1]["content"], "4+4 = 8 clips.\nThe answer is 8.")


class Facts(unittest.TestCase):
    def test_answers_are_sentences(self):
        sense = wordnet.Sense("noun", "United States writer (1850-1900)", [], [], [])
        self.assertEqual(facts.kind_of("Al Bo", sense), "person")
        self.assertEqual(facts.answer("Al Bo", sense, "person"), "Al Bo was a United States writer (1850-1900).")


if __name__ == "__main__":
    unittest.main()
