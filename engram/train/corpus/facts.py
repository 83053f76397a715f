# SPDX-License-Identifier: Apache-2.0
"""Questions and answers about what terms mean, made from WordNet; the most useful first.

The score of a term is the number of times it occurs in WordNet's own definitions and examples,
held-out ones left out: a term that explains others is worth knowing. One more, times
MULTIWORD_WEIGHT for a noun of several words: phrases are what a memory of n-grams is for. At the
same score, the term with more synonyms comes first. Only nouns and verbs with one meaning are
taken, so that the answer is definite.
"""
import hashlib
import re
from collections import Counter

from .document import Document
from .wordnet import Entry, Sense

COUNT = 20000
MULTIWORD_WEIGHT = 8
DEFINITION_MIN_CHARS, DEFINITION_MAX_CHARS = 20, 160
TERM_MAX_WORDS = 5
TERM = re.compile(r"[A-Za-z][A-Za-z.'-]*(?: [A-Za-z0-9.'-]+)*")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9'-]*")
LIFE = re.compile(r" \((?:born (?:in )?)?(?:circa |c\. )?\d{3,4}(?:[- ].*)?\)$")
ARTICLES = frozenset("a an the any one some someone something anyone all each every".split())
# Words that are seldom the noun that WordNet explains.
SELDOM_A_NOUN = frozenset("are while will may might must can out off no so here there me he us as at be".split())
# A definition that starts so is no noun phrase: "of northern Africa", "containing meat".
NO_NOUN_PHRASE = re.compile(r"(?:of|in|from|on|by|with|for|used|native|found|grown|chiefly|\w+ing)\b")
# Names of the orders of living things explain nothing in English.
TAXON = re.compile(r"(?:genus|family|order|class|phylum|subclass|suborder|subfamily|subgenus|tribe|division) [A-Z].*")

QUESTIONS = {
    "noun": ("What does {0} mean?", "Define {0}.", "What is meant by {0}?",
             'Explain the term "{0}".', "Tell me what {0} means."),
    "name": ("What is {0}?", "Tell me about {0}.", "What do you know about {0}?"),
    "person": ("Who is {0}?", "Tell me about {0}.", "What do you know about {0}?"),
    "verb": ('What does "to {0}" mean?', 'Define the verb "to {0}".', "What does it mean to {0}?"),
}


def mentions(entries: list[Entry], terms: set[str]) -> Counter:
    """How often each term occurs, in its own case, in definitions and examples that are not held
    out, other than its own."""
    longest = max((term.count(" ") + 1 for term in terms), default=0)
    found: Counter = Counter()
    told = set()
    for entry in entries:
        for sense in entry.senses:
            key = (sense.pos, sense.definition)
            if key in told or sense.heldout():
                continue
            told.add(key)
            own = {*sense.synonyms, entry.headword}
            for text in [sense.definition, *sense.examples]:
                words = WORD.findall(text)
                for n in range(1, longest + 1):
                    for i in range(len(words) - n + 1):
                        term = " ".join(words[i:i + n])
                        if term in terms and term not in own:
                            found[term] += 1
    return found


def usable(entry: Entry) -> bool:
    sense = entry.senses[0]
    return (
        len(entry.senses) == 1
        and sense.pos in ("noun", "verb")
        and bool(TERM.fullmatch(entry.headword))
        and (sense.pos == "verb" or not NO_NOUN_PHRASE.match(sense.definition))
        and not TAXON.fullmatch(entry.headword)
        and (" " in entry.headword or _plain_noun(entry.headword))
        and (kind_of(entry.headword, sense) != "name" or _starts_with_article(sense.definition))
        and entry.headword.count(" ") < TERM_MAX_WORDS
        and DEFINITION_MIN_CHARS <= len(sense.definition) <= DEFINITION_MAX_CHARS
        and not re.search(r'["\[\]{}]', sense.definition)
    )


def _plain_noun(word: str) -> bool:
    return word not in SELDOM_A_NOUN and not word.endswith(("ing", "ed", "s"))


def _starts_with_article(definition: str) -> bool:
    # Without one, "X is ..." would be no English: WordNet defines many names by bare nouns.
    return definition.split(" ", 1)[0].lower() in ARTICLES


def ranked(entries: list[Entry]) -> list[Entry]:
    """The COUNT best terms, best first; one term a synset."""
    # A headword that differs from another only in case (AIDS, aids) has several meanings after all.
    folded = Counter(entry.headword.lower() for entry in entries)
    terms = {e.headword: e for e in entries if usable(e) and folded[e.headword.lower()] == 1}
    count = mentions(entries, set(terms))

    def order(term: str):
        sense = terms[term].senses[0]
        weight = MULTIWORD_WEIGHT if " " in term and sense.pos == "noun" else 1
        return -weight * (count[term] + 1), -len(sense.synonyms), hashlib.sha256(term.encode()).digest()

    best, told = [], set()
    for term in sorted(terms, key=order):
        definition = terms[term].senses[0].definition
        if definition not in told:
            told.add(definition)
            best.append(terms[term])
    return best[:COUNT]


def kind_of(term: str, sense: Sense) -> str:
    if sense.pos != "noun":
        return "verb"
    if not term[0].isupper():
        return "noun"
    return "person" if LIFE.search(sense.definition) else "name"


def answer(term: str, sense: Sense, kind: str) -> str:
    """A sentence that says what the term is."""
    said = sense.definition.rstrip(" .;:")
    if kind == "verb":
        return f"To {term} means to {said.removeprefix('to ')}."
    note = re.match(r"(\([^)]*\)) (.+)", said)  # "(physics) a unit of ..."
    if note:
        return f"{term} {note[1]} is {note[2]}."
    if kind == "noun":
        return f"{term} means {said}."
    if kind == "name":
        return f"{term} is {said}."
    if _starts_with_article(said):
        article = ""
    elif re.match(r"\d+(st|nd|rd|th) ", said):
        article = "the "
    else:  # "United States painter" is said as it is written, with a y
        article = "an " if re.match("[AEIOaeio]", said) else "a "
    return f"{term} {'is' if '(born' in said else 'was'} {article}{said}."


def documents(entries: list[Entry], source: str) -> list[Document]:
    """Of each fact, in the order of their use: two questions with the answer, one plain statement.
    So the first 3 n documents are the n most useful facts."""
    found = []
    for entry in ranked(entries):
        term, sense = entry.headword, entry.senses[0]
        kind = kind_of(term, sense)
        said = answer(term, sense, kind)
        # Which questions is chosen by the term, not by its place, so that it stays when others change.
        pick = hashlib.sha256(term.encode()).digest()[0]
        ways = QUESTIONS[kind]
        for n in range(2):
            question = ways[(pick + n) % len(ways)].format(term)
            said_now = said[0].upper() + said[1:]
            found.append(Document(
                f"{source}/{term}#{n}", held=sense.heldout(),
                messages=[{"role": "user", "content": question}, {"role": "assistant", "content": said_now}]))
        found.append(Document(f"{source}/{term}#said", [said[0].upper() + said[1:]], held=sense.heldout()))
    return found
