# SPDX-License-Identifier: Apache-2.0
"""The manifest: which versions of which sources gave which files, and the check against it."""
import json
from pathlib import Path

from .document import CorpusError

# Compared before anything is read, and after. The same versions give the same text.
ORIGIN = ("package", "version", "license", "use")
OUTCOME = ("documents", "bytes", "sha256")
PARTS = ("train", "heldout")


def load(path: Path) -> dict:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return {source["name"]: source for source in manifest["sources"]}
    except OSError as error:
        raise CorpusError(f"{path}: cannot read the manifest ({error.strerror}); "
                          "write a new one with --update-manifest") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path}: this is no manifest of a corpus ({error!r}); "
                          "restore it, or remove it and write a new one with --update-manifest") from error


def save(path: Path, rows: list[dict]):
    path.write_text(json.dumps({"sources": rows}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _of(expected: dict, row: dict, path: Path) -> dict:
    if row["name"] not in expected:
        raise CorpusError(f"{row['name']}: the manifest {path} does not know this source; "
                          "take it in with --update-manifest")
    return expected[row["name"]]


def check_origin(expected: dict, row: dict, path: Path):
    """Stops when a package is another than the manifest's."""
    wanted = _of(expected, row, path)
    for field in ORIGIN:
        want, have = wanted.get(field), row[field]
        if want != have:
            package = row["package"]
            install = ""
            if field == "version" and package:
                install = f"install the other: apt-get install {package}={want}, or "
            raise CorpusError(f"{row['name']}: the {field} of {package or 'the file'} is {have}, the manifest says "
                              f"{want}; {install}accept what is here with --update-manifest")


def check_outcome(expected: dict, row: dict, path: Path):
    """Stops when the text is another, though its origin is the same."""
    wanted = _of(expected, row, path)
    for part in PARTS:
        for field in OUTCOME:
            want, have = (r.get(part, {}).get(field) for r in (wanted, row))
            if want != have:
                raise CorpusError(
                    f"{row['name']}: the {field} of its {part} text is {have}, the manifest says {want}, though "
                    f"{row['package'] or 'the file'} is the same: its files were changed, or this program was; "
                    "accept what is here with --update-manifest")


def update(path: Path, rows: list[dict], order: list[str]):
    """Replaces these rows in the committed manifest, keeps those of the other known sources."""
    known = load(path) if path.exists() else {}
    known.update({row["name"]: row for row in rows})
    save(path, [known[name] for name in order if name in known])
