#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the training and evaluation text of a memory pack from installed Debian packages.

    python3 engram/train/corpus.py OUT_DIR --gsm8k gsm8k_train.jsonl.gz

Writes SOURCE.train.jsonl and SOURCE.heldout.jsonl (a line a document: {"id", "text"} or {"id",
"messages"}), lemmas.json and manifest.json. Stops when a source differs from the committed
manifest. The same packages give the same bytes.
"""
import argparse
import hashlib
import json
import sys
import time
from pathlib import Path

from corpus import manifest, wordnet
from corpus.debian import Packages
from corpus.document import CorpusError, Document, Splitter
from corpus.sources import SOURCES, Inputs, Source

COMMITTED = Path(__file__).with_name("corpus_manifest.json")


def chosen(names: str | None) -> list[Source]:
    if not names:
        return list(SOURCES)
    known = {source.name: source for source in SOURCES}
    wanted = names.split(",")
    for name in wanted:
        if name not in known:
            raise CorpusError(f"--only {name}: there is no such source; there are {', '.join(known)}")
    return [source for source in SOURCES if source.name in wanted]


def describe(source: Source, inputs: Inputs) -> dict:
    return {
        "name": source.name,
        "what": source.what,
        "use": source.use,
        "package": source.package,
        "version": inputs.version(source.package),
        "license": source.license,
        "copyright": source.copyright,
    }


def write(path: Path, documents: list[Document]) -> dict:
    """Writes the file. `bytes` counts the text alone, `sha256` is of the file."""
    lines = [json.dumps(d.record(), ensure_ascii=False) + "\n" for d in documents]
    content = "".join(lines).encode("utf-8")
    path.write_bytes(content)
    return {
        "documents": len(documents),
        "bytes": sum(d.size() for d in documents),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def build(out: Path, sources: list[Source], inputs: Inputs, expected: dict | None) -> list[dict]:
    """Reads, splits and writes. `expected`: the committed rows, or None to accept what is here."""
    inputs.packages.require([source.package for source in sources if source.package])
    rows = [describe(source, inputs) for source in sources]
    if expected is not None:
        for row in rows:
            manifest.check_origin(expected, row, COMMITTED)
    read: list[list[Document]] = []
    for source in sources:
        start = time.monotonic()
        try:
            documents = source.documents(inputs, source)
        except CorpusError as error:
            raise CorpusError(f"{source.name} ({source.package or 'the file'}): {error}") from error
        if len({d.id for d in documents}) != len(documents):
            raise CorpusError(f"{source.name}: two documents have the same id")
        read.append(documents)
        print(f"{source.name}: read {len(documents)} documents in {time.monotonic() - start:.1f} s", file=sys.stderr)

    splitter = Splitter()
    training = [splitter.training(s.name, d) if s.use == "training" else [] for s, d in zip(sources, read)]
    for source, row, documents, train in zip(sources, rows, read, training):
        if source.use == "training":
            row["train"] = write(out / f"{source.name}.train.jsonl", train)
        row["heldout"] = write(out / f"{source.name}.heldout.jsonl", splitter.heldout(source.name, documents))
    if expected is not None:
        for row in rows:
            manifest.check_outcome(expected, row, COMMITTED)
    return rows


def table(rows: list[dict]) -> str:
    def line(name, package, license_, cells):
        return f"{name:<11} {package:<18} {license_:<17} {cells[0]:>10} {cells[1]:>7} {cells[2]:>10} {cells[3]:>7}"

    def figures(cells):
        return [cells[0], f"{cells[1] / 1e6:.2f}", cells[2], f"{cells[3] / 1e6:.2f}"]

    lines = [line("source", "package", "licence", ["train docs", "MB", "held docs", "MB"])]
    total = [0, 0, 0, 0]
    for row in rows:
        cells = [row.get(part, {}).get(field, 0) for part in manifest.PARTS for field in ("documents", "bytes")]
        total = [a + b for a, b in zip(total, cells)]
        lines.append(line(row["name"], row["package"] or "(file)", row["license"], figures(cells)))
    return "\n".join([*lines, line("all", "", "", figures(total))])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="folder for the text; made when missing")
    parser.add_argument("--gsm8k", type=Path, metavar="FILE", help="gsm8k_train.jsonl.gz (MIT), for conversations")
    parser.add_argument("--only", metavar="NAME,...", help="only these sources: " + ", ".join(s.name for s in SOURCES))
    parser.add_argument("--root", type=Path, default=Path("/"), help="root folder of the Debian system (/)")
    parser.add_argument("--update-manifest", action="store_true",
                        help="accept what is installed here and write it to " + COMMITTED.name)
    options = parser.parse_args(arguments)
    try:
        sources = chosen(options.only)
        inputs = Inputs(Packages(options.root), options.gsm8k)
        expected = None if options.update_manifest else manifest.load(COMMITTED)
        options.out.mkdir(parents=True, exist_ok=True)
        rows = build(options.out, sources, inputs, expected)
        if any(source.package == "dict-wn" for source in sources):
            lemmas = wordnet.lemmas(inputs.wordnet())
            text = json.dumps(lemmas, ensure_ascii=False, indent=0) + "\n"
            (options.out / "lemmas.json").write_text(text, encoding="utf-8")
        manifest.save(options.out / "manifest.json", rows)
        if options.update_manifest:
            manifest.update(COMMITTED, rows, [source.name for source in SOURCES])
    except CorpusError as error:
        print(f"corpus: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"corpus: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
