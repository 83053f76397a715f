# SPDX-License-Identifier: Apache-2.0
"""Dictionaries in dictd's form: a gzip-readable (dictzip) text, and an index of lines
"headword TAB offset TAB length" with numbers in dictd's base 64, the greatest digit first."""
import gzip
import re
import string
import zlib

from .document import DOCUMENT_MAX_CHARS, CorpusError, Document, pieces

DIGITS = {c: i for i, c in enumerate(string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/")}
ABOUT_ITSELF = "00-database"
LINK = re.compile(r"\{([^}]*)\}", re.S)


def unpack(packed: bytes) -> bytes:
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"it is no gzip-packed text, or cut short ({error})") from error


def number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 64 + DIGITS[digit]
    return value


def entries(packed: bytes, index: bytes) -> list[str]:
    """The text of every entry, in the order of the file; headwords that share one give it once."""
    text = unpack(packed)
    spans = set()
    try:
        for line in index.decode("utf-8").splitlines():
            headword, start, length = line.split("\t")[:3]
            if not headword.startswith(ABOUT_ITSELF):
                spans.add((number(start), number(length)))
        if any(start + length > len(text) for start, length in spans):
            raise CorpusError("its index points past the end of its text")
        return [text[start:start + length].decode("utf-8") for start, length in sorted(spans)]
    except (ValueError, KeyError) as error:
        raise CorpusError(f"its index or its text is damaged ({error!r})") from error


def paragraphs(entry: str, margin: str) -> list[str]:
    """Prose as running text. `margin` is what the book puts before each line of a definition; what
    is indented further by four or more is verse or a figure and stays as it is."""
    found = []
    for block in re.split(r"\n[ \t]*\n", LINK.sub(lambda m: " ".join(m[1].split()), entry)):
        lines = [line.removeprefix(margin).rstrip() for line in block.splitlines() if line.strip()]
        if any(line.startswith("    ") for line in lines):
            found.append("\n".join(lines))
        elif lines:
            found.append(" ".join(" ".join(lines).split()))
    return found


def documents(packed: bytes, index: bytes, source: str, margin: str) -> list[Document]:
    """A document an entry; a long one in several."""
    found = []
    for place, entry in enumerate(entries(packed, index)):
        parts: list[list[str]] = [[]]
        chars = 0
        for text in [piece for p in paragraphs(entry, margin) for piece in pieces(p, DOCUMENT_MAX_CHARS, "\n" in p)]:
            if chars + len(text) + 2 > DOCUMENT_MAX_CHARS:
                parts.append([])
                chars = 0
            parts[-1].append(text)
            chars += len(text) + 2
        found += [Document(f"{source}/{place}#{n}", part) for n, part in enumerate(parts) if part]
    return found
