# SPDX-License-Identifier: Apache-2.0
"""WordNet 3.0 (package dict-wn): dictionary entries as running text, and its lemmas.

The file is gzip-readable (dictzip) text in dictd's layout: a headword at the start of a line, then
its senses, indented by four, "n 1: definition; "example" [syn: {a}, {b}] [ant: {c}]", wrapped.
Every headword of a synset repeats the synset.
"""
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from .dictd import ABOUT_ITSELF, unpack
from .document import CorpusError, Document, is_heldout

SENSE = re.compile(r"    (?:(n|v|adj|adv) )?(\d+): (.*)")
NOTE = re.compile(r"\[(syn|ant): ([^\]]*)\]")
# A last example that was set off by other signs than "; ".
GLUED_EXAMPLE = re.compile(r'(?:;|:|,) ?"(?=[^"]*"$)')
NAME = re.compile(r"\{([^}]*)\}")
POS = {"n": "noun", "v": "verb", "adj": "adjective", "adv": "adverb"}


@dataclass
class Sense:
    pos: str  # "noun", "verb", "adjective", "adverb"
    definition: str
    examples: list[str]
    synonyms: list[str]  # of the whole synset, the headword among them
    antonyms: list[str]

    def split_key(self) -> str:
        """Synsets that share a definition stay on one side of the split. Spaces and hyphens do not
        count: how a word is broken at the end of a line differs from headword to headword."""
        return "wordnet/" + re.sub(r"[\s-]", "", self.definition.lower())

    def heldout(self) -> bool:
        return is_heldout(self.split_key())


@dataclass
class Entry:
    headword: str
    senses: list[Sense]


def parse(packed: bytes) -> list[Entry]:
    try:
        text = unpack(packed).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(f"it is no UTF-8 text ({error})") from error
    entries: list[Entry] = []
    raw: list[tuple[str, str]] = []  # part of speech and text of the senses of the entry
    headword = ""

    def close():
        if raw and not headword.startswith(ABOUT_ITSELF):
            entries.append(Entry(headword, [_sense(pos, body) for pos, body in raw]))
        raw.clear()

    pos = ""
    for line in text.splitlines():
        if not line.strip():
            continue
        if not line.startswith(" "):
            close()
            headword = line.strip()
            continue
        start = SENSE.match(line)
        if start:
            pos = start[1] or pos
            raw.append((POS.get(pos, ""), start[3].strip()))
        elif raw:
            # A line that was broken at a hyphen goes on without a space, save in "two- and threefold".
            before_pos, before = raw[-1]
            more = line.strip()
            broken = re.search(r"\w-$", before) and not re.match(r"(and|or|to)\b", more)
            raw[-1] = (before_pos, before + ("" if broken else " ") + more)
    close()
    if not entries:
        raise CorpusError("there is no dictionary entry in it")
    return entries


def _sense(pos: str, body: str) -> Sense:
    names: dict[str, list[str]] = {"syn": [], "ant": []}
    for kind, listed in NOTE.findall(body):
        names[kind] += NAME.findall(listed)
    definition, examples = _definition_and_examples(NOTE.sub("", body).strip())
    return Sense(pos, definition, examples, names["syn"], names["ant"])


@cache  # the headwords of a synset repeat it
def _definition_and_examples(text: str) -> tuple[str, list[str]]:
    """Parts are set apart by "; "; a part in quotation marks is an example."""
    text = GLUED_EXAMPLE.sub(r'; "', text)
    parts, part, quoted = [], "", False
    for i, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        if letter == ";" and not quoted and text[i + 1:i + 2] == " ":
            parts.append(part.strip())
            part = ""
        else:
            part += letter
    parts.append(part.strip())
    parts = [p for p in parts if p]
    examples = [p.strip('" ') for p in parts if p.startswith('"')]
    definition = "; ".join(p for p in parts if not p.startswith('"'))
    return definition or text, examples


def joined(names: list[str]) -> str:
    """"a", "a or b", "a, b or c"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def sense_text(headword: str, sense: Sense, number: int, count: int, full: bool) -> str:
    """One sense as a sentence or more; only the full text has the examples."""
    which = f"{sense.pos}, sense {number}" if count > 1 else sense.pos
    text = f"{headword} ({which}): {sense.definition.rstrip('.')}."
    others = [s for s in sense.synonyms if s != headword]
    if others:
        text += f" Also called {joined(others)}." if sense.pos == "noun" else f" Synonyms: {', '.join(others)}."
    if sense.antonyms:
        text += f" The opposite is {joined(sense.antonyms)}."
    if full and sense.examples:
        text += " For example: " + "; ".join(f'"{e}"' for e in sense.examples) + "."
    return text


def _ranked(entries: list[Entry]) -> list[tuple[str, list[tuple[int, int, Sense]]]]:
    """Each headword's senses with their number among, and the count of, its senses of that part of speech."""
    ranked = []
    for entry in entries:
        counts = Counter(sense.pos for sense in entry.senses)
        seen: Counter = Counter()
        rows = []
        for sense in entry.senses:
            seen[sense.pos] += 1
            rows.append((seen[sense.pos], counts[sense.pos], sense))
        ranked.append((entry.headword, rows))
    return ranked


def documents(entries: list[Entry], source: str) -> list[Document]:
    """A training document for each headword, of its senses that are not held out, with the examples
    where the synset comes first; a held-out document for each held-out synset."""
    found, told = [], set()
    for headword, rows in _ranked(entries):
        lines = []
        for number, count, sense in rows:
            key = sense.split_key()
            first = (key, sense.pos) not in told
            told.add((key, sense.pos))
            if not sense.heldout():
                lines.append(sense_text(headword, sense, number, count, first))
            elif first:
                found.append(Document(
                    f"{source}/{headword}#{sense.pos}{number}",
                    [sense_text(headword, sense, number, count, True)], held=True))
        if lines:
            found.append(Document(f"{source}/{headword}", lines, joint="\n", held=False))
    return found


def lemmas(entries: list[Entry]) -> list[str]:
    """All headwords of several words, lower case, sorted."""
    return sorted({e.headword.lower() for e in entries if " " in e.headword})
