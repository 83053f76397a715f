#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The training recipe against the shared vectors, and from a tiny base to a pack that Mneme runs.
Environment: MNEME_CLI, the built command line. Needs torch, numpy, gguf and tokenizers."""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engram/train"), str(ROOT / "tests/train")]

import numpy as np  # noqa: E402
import torch  # noqa: E402

import parity  # noqa: E402
import tiny_base  # noqa: E402
from base_model import BaseModel, RecipeError  # noqa: E402
from gates import area_under_roc, lemmas_in  # noqa: E402
from ngram_hash import NgramHash, token_classes  # noqa: E402
from pack_file import read_pack, write_pack  # noqa: E402
from row_format import E4M3, decode_rows, encode_rows  # noqa: E402
from run_folder import Run  # noqa: E402
from train import Trainer  # noqa: E402

VECTORS = json.loads((ROOT / "tests/data/vectors.json").read_text(encoding="utf-8"))
CLI = os.environ["MNEME_CLI"]


class Vectors(unittest.TestCase):
    def test_rows_of_the_papers_layout(self):
        layout = next(l for l in VECTORS["layouts"] if l["name"] == "demo_v1")
        hash = NgramHash(np.arange(layout["compressed_vocab"]), 2, layout["layer_ids"], 3, 8, 646400)
        for slot, layer in enumerate(layout["layer_ids"]):
            self.assertEqual(list(hash.multipliers[slot]), layout["multipliers"][str(layer)])
            for text in VECTORS["rows_real_tokenizer"]:
                rows = hash.rows(slot, np.array(text["compressed"]))
                self.assertEqual(rows.tolist(), text["demo_v1"][str(layer)])

    def test_token_classes(self):
        tokens = VECTORS["token_map_synthetic"]["tokens"]
        # The vector's raw spellings are invented, so each text is passed as its own spelling.
        classes = token_classes([t["decoded"] for t in tokens], set(range(len(tokens))))
        keys = [t["key"] for t in tokens if "\ufffd" not in t["decoded"]]
        ours = [c for t, c in zip(tokens, classes) if "\ufffd" not in t["decoded"]]
        for a in range(len(keys)):
            for b in range(a):
                self.assertEqual(keys[a] == keys[b], ours[a] == ours[b], (keys[a], keys[b]))

    def test_e4m3(self):
        expected = [np.nan if v is None else v for v in VECTORS["e4m3"]]
        np.testing.assert_array_equal(E4M3[:len(expected)], np.array(expected, np.float32))

    def test_rows_are_rounded_to_the_nearest_code(self):
        random = np.random.default_rng(1)
        rows = random.standard_normal((200, 64)) * np.exp2(random.integers(-60, 60, (200, 1)))
        data = encode_rows(rows)
        self.assertEqual(data.shape, (200, 66))
        finite = E4M3[np.isfinite(E4M3)].astype(np.float64)
        scaled = rows.reshape(200, 2, 32) / np.exp2(data[:, 64:, None].astype(np.float64) - 127)
        self.assertLessEqual(np.abs(scaled).max(), 448)
        self.assertGreater(np.abs(scaled).max(-1).min(), 448 / 2 - 1)  # no bit of range is given away
        best = np.abs(scaled[..., None] - finite).min(-1)
        np.testing.assert_allclose(np.abs(scaled - E4M3[data[:, :64]].reshape(200, 2, 32)), best, atol=1e-12)
        self.assertFalse(decode_rows(encode_rows(np.zeros((1, 32))), 32).any())

    def test_area_under_roc(self):
        random = np.random.default_rng(1)
        a, b = random.integers(0, 9, 40), random.integers(0, 7, 70)  # with ties
        pairs = [(x > y) + (x == y) / 2 for x in a for y in b]
        self.assertAlmostEqual(area_under_roc(a, b), np.mean(pairs))

    def test_lemmas(self):
        text = "The New York\nTimes, new york; a burnt-out case of New, York."
        found = [(text[a:b], lemma) for a, b, lemma in lemmas_in(text, {"new york", "new york times", "case of"})]
        self.assertEqual(found, [("New York\nTimes", "new york times"), ("new york", "new york"),
                                 ("case of", "case of")])


def digest(memory):
    return {k: v.numpy().tobytes() for k, v in memory.state_dict().items()}


class Recipe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.base = cls.folder / "base.gguf"
        tiny_base.write_base(cls.base)
        tiny_base.write_corpus(cls.folder / "corpus")
        cls.trainer = cls.train("run")
        cls.run_ = Run(cls.folder / "run", dtype=torch.float32)
        cls.memory, _ = cls.run_.trained_memory()
        cls.pack = cls.folder / "pack.gguf"
        write_pack(cls.pack, cls.run_, cls.memory, "tiny memory", "Apache-2.0")
        cls.packed = read_pack(cls.pack, cls.run_)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def train(cls, name, until=None, **changed):
        settings = copy.deepcopy(tiny_base.SETTINGS) | changed
        Run.create(cls.folder / name, cls.base, cls.folder / "corpus", settings, False)
        trainer = Trainer(Run(cls.folder / name, dtype=torch.float32))
        if trainer.step == 0:
            cls.at_start = trainer.probe(trainer.memory), trainer.probe(None)
        trainer.train(until)
        return trainer

    def cli(self, *arguments):
        return subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True)

    def test_training_starts_from_the_untouched_model_and_learns(self):
        on, off = self.at_start
        self.assertEqual(on, off)
        log = [json.loads(line) for line in open(self.folder / "run/log.jsonl", encoding="utf-8")]
        self.assertEqual(log[-1]["step"], self.trainer.steps)
        self.assertLess(log[-1]["heldout_on"], log[-1]["heldout_off"] - 0.5)

    def test_a_seed_decides_the_memory(self):
        self.assertEqual(digest(self.train("again").memory), digest(self.memory))
        self.assertNotEqual(digest(self.train("other", seed=2).memory), digest(self.memory))

    def test_an_interrupted_run_ends_as_an_uninterrupted_one(self):
        self.train("halves", until=self.trainer.steps // 2)
        self.assertEqual(digest(self.train("halves").memory), digest(self.memory))

    def test_states_may_be_computed_anew(self):
        with_states = json.loads((self.folder / "run/log.jsonl").read_text().splitlines()[-1])
        self.train("anew", keep_states=False)
        anew = json.loads((self.folder / "anew/log.jsonl").read_text().splitlines()[-1])
        self.assertAlmostEqual(anew["heldout_on"], with_states["heldout_on"], delta=0.1)  # kept as bfloat16

    def test_mneme_computes_what_pytorch_does(self):
        said = self.cli("check", self.pack, "-m", self.base)
        self.assertEqual(said.returncode, 0, said.stderr)
        text = "We saw Alexander the Great near the Milky Way, then the white whale."
        tokens = self.run_.tokenizer.encode(text)
        model = BaseModel(self.base)
        for name, memory, switch in (("on", self.packed, self.pack), ("off", None, "off")):
            out = self.folder / f"logits.{name}"
            said = self.cli("complete", "--exact", "-m", self.base, "--memory", switch, "-p", text, "--logits", out)
            self.assertEqual(said.returncode, 0, said.stderr)
            theirs = np.fromfile(out, "<f4").reshape(len(tokens), -1)
            ours = parity.logits_of(model, memory, self.run_, tokens)
            self.assertLess(np.abs(ours - theirs).max(), 1e-3, name)
        said = self.cli("inspect", "--exact", "--json", "-m", self.base, "--memory", self.pack, "-n", "0", "-p", text)
        self.assertEqual(said.returncode, 0, said.stderr)
        compared, different = parity.compare_rows(self.run_, tokens, [json.loads(l) for l in said.stdout.splitlines()])
        self.assertEqual((compared, different), (len(tokens) * 4 * 2, 0))

    def refused(self, pack, base, recipe_says, mneme_says):
        """Both say why; neither crashes."""
        Run.create(self.folder / f"run-{base.stem}", base, self.folder / "corpus", tiny_base.SETTINGS, False)
        with self.assertRaisesRegex(RecipeError, recipe_says):
            read_pack(pack, Run(self.folder / f"run-{base.stem}", dtype=torch.float32))
        said = self.cli("complete", "-m", base, "--memory", pack, "-p", "x", "-n", "1")
        self.assertEqual(said.returncode, 1)
        self.assertRegex(said.stderr, mneme_says)

    def test_a_pack_that_does_not_fit_is_refused(self):
        data = self.pack.read_bytes()
        for share in (0.01, 0.3, 0.9):
            cut = self.folder / "cut.gguf"
            cut.write_bytes(data[:int(len(data) * share)])
            self.refused(cut, self.base, "cut short|lacks", "cut|short|end|beyond|truncated")
        other = self.folder / "tokens.gguf"
        tiny_base.write_base(other, merges=tiny_base.MERGES[:-1] + ["Ġ q"])
        self.refused(self.pack, other, "another tokenizer", "tokenizer")
        wide = self.folder / "wide.gguf"
        tiny_base.write_base(wide, embedding_length=128, **{"rope.dimension_count": 32})
        self.refused(self.pack, wide, "another width", "128|64|wide|width")

    def test_what_is_missing_is_named(self):
        script = ROOT / "engram/train/train.py"
        settings = self.folder / "settings.json"
        settings.write_text(json.dumps(tiny_base.SETTINGS))
        def said(*more, base=self.base, corpus=self.folder / "corpus", run=self.folder / "bad", settings=settings):
            run = subprocess.run([sys.executable, script, run, "--base", base, "--corpus", corpus,
                                  "--settings", settings, *more], capture_output=True, text=True)
            self.assertEqual(run.returncode, 1)
            self.assertNotIn("Traceback", run.stderr)
            return run.stderr.strip().splitlines()[-1]
        self.assertIn("nowhere", said(corpus=self.folder / "nowhere"))
        # What failed before its first checkpoint does not hold the folder.
        self.assertIn("block 9", said("--set", "layers=[9]"))
        self.assertIn("another run", said("--set", "seed=7", run=self.folder / "run"))
        self.assertIn("no.gguf is not there", said(base=self.folder / "no.gguf"))
        self.assertIn("no setting rate", said("--set", "rate=1"))
        self.assertIn("batch is 0, not a whole number", said("--set", "batch=0"))
        self.assertIn("not JSON", said("--set", "system_prompt=x"))
        self.assertIn("nodevice", said("--device", "nodevice"))
        cut = self.folder / "cut.json"
        cut.write_text('{"window": 16')
        self.assertIn("cut.json is not JSON", said(settings=cut))
        cut.write_text('{"window": 16}')
        self.assertIn("is missing", said(settings=cut))
        corpus = self.folder / "odd"
        corpus.mkdir()
        (corpus / "phrases.train.jsonl").write_text('{"text": "a"}\n{"text": 1}\n')
        self.assertIn("phrases.train.jsonl, line 2", said(corpus=corpus))


if __name__ == "__main__":
    unittest.main()
