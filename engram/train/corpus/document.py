# SPDX-License-Identifier: Apache-2.0
"""A document, the held-out split, and the removal of paragraphs that occur twice."""
import hashlib
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

    def record(self) -> dict:
        if self.messages:
            return {"id": self.id, "messages": self.messages}
        return {"id": self.id, "text": self.text()}


def is_heldout(key: str) -> bool:
    """About HELDOUT_PERCENT of all keys, the same ones for ever."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % 100 < HELDOUT_PERCENT


def fingerprint(paragraph: str) -> bytes:
    return hashlib.sha256(" ".join(paragraph.split()).encode()).digest()[:16]


class Splitter:
    """Shares out documents, in three steps that must run in this order over all sources:
    training documents first (each adds its paragraphs to what was seen), held-out ones after."""

    def __init__(self):
        self._seen: set[bytes] = set()

    def training(self, documents: list[Document]) -> list[Document]:
        """The documents that are not held out, each paragraph kept where it occurs first."""
        kept = []
        for document in documents:
            if document.heldout():
                continue
            if document.messages:
                prints = [fingerprint("\n".join(m["content"] for m in document.messages))]
                if prints[0] in self._seen:
                    continue
            else:
                prints = [fingerprint(p) for p in document.paragraphs]
                here: set[bytes] = set()
                paragraphs = []
                for paragraph, mark in zip(document.paragraphs, prints):
                    repeated = mark in self._seen or mark in here
                    if not repeated or len(paragraph) < REPEAT_MIN_CHARS:
                        paragraphs.append(paragraph)
                    here.add(mark)
                document.paragraphs = paragraphs
                if not paragraphs or len(document.text()) < document.min_chars:
                    continue
            self._seen.update(prints)
            kept.append(document)
        return kept

    def heldout(self, documents: list[Document], every: bool = False) -> list[Document]:
        """The held-out documents (or `every` one, of a source that is for evaluation only) without
        any paragraph, however short, that occurs in training text, and without repetitions."""
        kept = []
        seen: set[bytes] = set()
        for document in documents:
            if not (every or document.heldout()):
                continue
            if document.messages:
                mark = fingerprint("\n".join(m["content"] for m in document.messages))
                if mark in self._seen or mark in seen:
                    continue
                seen.add(mark)
            else:
                paragraphs = []
                for paragraph in document.paragraphs:
                    mark = fingerprint(paragraph)
                    if mark in self._seen or mark in seen:
                        continue
                    seen.add(mark)
                    paragraphs.append(paragraph)
                document.paragraphs = paragraphs
                if not paragraphs or len(document.text()) < document.min_chars:
                    continue
            kept.append(document)
        return kept
