# SPDX-License-Identifier: Apache-2.0
"""The manifest: which versions of which sources gave which files, and the check against it."""
import json
from pathlib import Path

from .document import CorpusError

# What must be the same for the text to be the same.
CHECKED_BEFORE = ("package", "version", "license", "use")
CHECKED_AFTER = ("documents", "bytes", "sha256")


def load(path: Path) -> dict:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return {source["name"]: source for source in manifest["sources"]}
    except OSError as error:
        raise CorpusError(f"{path}: cannot read the manifest ({error.strerror}); "
                          "write a new one with --update-manifest") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path}: this is no manifest of a corpus ({error!r}); "
                          "write a new one with --update-manifest") from error


def save(path: Path, rows: list[dict]):
    path.write_text(json.dumps({"sources": rows}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check(expected: dict, row: dict, fields: tuple[str, ...], manifest_path: Path):
    """Stops with the name of a source that differs from the manifest."""
    name = row["name"]
    if name not in expected:
        raise CorpusError(f"{name}: the manifest {manifest_path} does not know this source; "
                          "take it in with --update-manifest")
    for field in fields:
        want, have = expected[name].get(field), row[field]
        if want != have:
            install = ""
            if field == "version":
                install = f"install that version: apt-get install {row['package']}={want}; or "
            raise CorpusError(f"{name}: its {field} is {have}, the manifest says {want}; "
                              f"{install}accept what is here with --update-manifest")


def update(path: Path, rows: list[dict], order: list[str]):
    """Replaces these rows in the committed manifest, keeps those of the other known sources."""
    known = load(path) if path.exists() else {}
    known.update({row["name"]: row for row in rows})
    save(path, [known[name] for name in order if name in known])
