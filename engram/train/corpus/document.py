# SPDX-License-Identifier: Apache-2.0
"""A document, the held-out split, and the removal of paragraphs that occur twice."""
import hashlib
import re
from dataclasses import dataclass, field

HELDOUT_PERCENT = 2
# Shorter paragraphs ("Return value", "}") repeat by nature; to cut them out would tear documents.
REPEAT_MIN_CHARS = 40
DOCUMENT_MIN_CHARS = 200
DOCUMENT_MAX_CHARS = 4000


class CorpusError(Exception):
    """Something outside is wrong. The message is for a person: what, where, what to do."""


@dataclass
class Document:
    """Text as paragraphs, or a conversation as messages; exactly one of them is not empty."""

    id: str
    paragraphs: list[str] = field(default_factory=list)
    title: str = ""  # the first line of the text; may repeat between documents
    messages: list[dict] = field(default_factory=list)
    # Whether it is held out; None: its id decides. Documents made of one thing stay together.
    held: bool | None = None
    # Dictionary entries, verses and facts may be as short as they are.
    min_chars: int = 0
    joint: str = "\n\n"  # between paragraphs

    def text(self) -> str:
        return (self.title + "\n\n" if self.title else "") + self.joint.join(self.paragraphs)

    def heldout(self) -> bool:
        return is_heldout(self.id) if self.held is None else self.held

    def size(self) -> int:
        """Bytes of the text itself."""
        return len(("".join(m["content"] for m in self.messages) or self.text()).encode())

    def units(self) -> list[str]:
        """What is kept or goes: a paragraph; of a conversation, all of it."""
        return ["\n".join(m["content"] for m in self.messages)] if self.messages else self.paragraphs

    def keep(self, units: list[str]) -> bool:
        """Keeps only these units; false when too little is left to be a document."""
        if not self.messages:
            self.paragraphs = units
        return bool(units) and len(self.text()) >= self.min_chars

    def record(self) -> dict:
        if self.messages:
            return {"id": self.id, "messages": self.messages}
        return {"id": self.id, "text": self.text()}


def is_heldout(key: str) -> bool:
    """About HELDOUT_PERCENT of all keys, the same ones for ever."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % 100 < HELDOUT_PERCENT


def pieces(text: str, limit: int, lines: bool) -> list[str]:
    """The text cut into pieces of at most `limit` characters: code and verse (`lines`) between lines,
    prose between sentences where it can be; never inside a word. (A longer word is left out.)"""
    if len(text) <= limit:
        return [text]
    units = text.split("\n") if lines else re.split(r"(?<=[.!?;]) ", text)
    joint = "\n" if lines else " "
    found, now = [], ""
    for unit in units:
        for part in [unit] if len(unit) <= limit else unit.split(" "):
            if len(part) > limit:
                continue
            if now and len(now) + len(joint) + len(part) > limit:
                found.append(now)
                now = ""
            now += (joint if now else "") + part
    return found + [now] if now else found


def _mark(source: str, text: str) -> bytes:
    """Tells whether two texts are the same, white space aside. Short ones are the same only within
    a source: "Note" and "For example:" are everybody's, and which sources a run chose must not matter."""
    told = " ".join(text.split())
    scope = source if len(told) < REPEAT_MIN_CHARS else ""
    return hashlib.sha256(f"{scope}\n{told}".encode()).digest()[:16]


class Splitter:
    """Shares out documents over training and held-out text. First training() of every source, then
    heldout() of every source: what training saw is no held-out text."""

    def __init__(self):
        self._trained: set[bytes] = set()
        self._held: set[bytes] = set()

    def training(self, source: str, documents: list[Document]) -> list[Document]:
        """The documents that are not held out; a paragraph that is not short only where it is first."""
        kept = []
        for document in documents:
            if document.heldout():
                continue
            fresh = []
            for text in document.units():
                mark = _mark(source, text)
                if mark not in self._trained or len(text) < REPEAT_MIN_CHARS:
                    fresh.append(text)
                self._trained.add(mark)
                # Code has blank lines of its own: what they set apart is a paragraph of the file too.
                self._trained.update(_mark(source, part) for part in text.split("\n\n"))
            if document.keep(fresh):
                kept.append(document)
        return kept

    def heldout(self, source: str, documents: list[Document]) -> list[Document]:
        """The held-out documents without any paragraph, however short, that occurs in training text,
        and without repetitions."""
        kept = []
        for document in documents:
            if not document.heldout():
                continue
            fresh = []
            for text in document.units():
                for part in [text] if document.messages else text.split("\n\n"):
                    mark = _mark(source, part)
                    if mark not in self._trained and mark not in self._held:
                        fresh.append(part)
                    self._held.add(mark)
            if document.keep(fresh):
                kept.append(document)
        return kept
