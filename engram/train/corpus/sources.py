# SPDX-License-Identifier: Apache-2.0
"""The table of sources. A licence here was read in the package's own copyright file.

Sources of the use "training" end up in a pack that is given away: permissive licences and the
public domain only. Sources of the use "evaluation" are only ever measured on: text of another kind.
"""
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from . import dictd, facts, gsm8k, kjv, wordnet
from .debian import Packages
from .document import CorpusError, Document
from .html_text import Layout, page_documents


class Inputs:
    """What the sources read from; WordNet is parsed once for all that need it."""

    def __init__(self, packages: Packages, gsm8k_file: Path | None):
        self.packages = packages
        self._gsm8k_file = gsm8k_file
        self._wordnet: list[wordnet.Entry] = []

    def read(self, package: str, file: str) -> bytes:
        return self.packages.read(package, file)

    def wordnet(self) -> list[wordnet.Entry]:
        if not self._wordnet:
            self._wordnet = wordnet.parse(self.read("dict-wn", "/usr/share/dictd/wn.dict.dz"))
        return self._wordnet

    def gsm8k(self) -> bytes:
        if not self._gsm8k_file:
            raise CorpusError("gsm8k: give the file with --gsm8k gsm8k_train.jsonl.gz, or choose sources with --only")
        try:
            return self._gsm8k_file.read_bytes()
        except OSError as error:
            raise CorpusError(f"{self._gsm8k_file}: cannot read ({error.strerror})") from error

    def version(self, package: str) -> str:
        """Of a package; of the file without one, its digest."""
        return self.packages.version(package) if package else "sha256:" + hashlib.sha256(self.gsm8k()).hexdigest()


@dataclass(frozen=True)
class Source:
    name: str
    package: str  # "" for a file that the user gives
    license: str  # SPDX, or a short name where SPDX has none
    copyright: str
    what: str
    documents: Callable[[Inputs, "Source"], list[Document]]
    use: str = "training"


def _wordnet(inputs: Inputs, source: Source) -> list[Document]:
    return wordnet.documents(inputs.wordnet(), source.name)


def _facts(inputs: Inputs, source: Source) -> list[Document]:
    return facts.documents(inputs.wordnet(), source.name)


def _kjv(inputs: Inputs, source: Source) -> list[Document]:
    return kjv.documents(inputs.read(source.package, "/usr/lib/bible.data"), source.name)


def _dictd(name: str, margin: str) -> Callable[[Inputs, Source], list[Document]]:
    def documents(inputs: Inputs, source: Source) -> list[Document]:
        packed, index = (inputs.read(source.package, f"/usr/share/dictd/{name}.{end}") for end in ("dict.dz", "index"))
        return dictd.documents(packed, index, source.name, margin)

    return documents


def _gsm8k(inputs: Inputs, source: Source) -> list[Document]:
    return gsm8k.documents(inputs.gsm8k(), source.name)


def _html(under: str, layout: Layout, leave_out: tuple[str, ...]) -> Callable[[Inputs, Source], list[Document]]:
    """Reads the package's pages below a folder, save those whose name starts with one of `leave_out`."""

    def documents(inputs: Inputs, source: Source) -> list[Document]:
        found = []
        for name in inputs.packages.files(source.package, under, ".html"):
            if name.startswith(leave_out):
                continue
            html = inputs.read(source.package, f"{under}/{name}").decode("utf-8", errors="replace")
            found += page_documents(html, layout, f"{source.name}/{name}")
        return found

    return documents


SPHINX_SKIP = frozenset(
    "headerlink sphinxsidebar related toctree-wrapper contents linenos viewcode-link footer modindextable "
    "genindextable footnote-reference".split())
PYTHON = Layout(("role", "main"), SPHINX_SKIP)
DJANGO = Layout(("class", "yui-g"), SPHINX_SKIP)
POSTGRESQL = Layout(None, frozenset("navheader navfooter toc footnote footnotes refnamediv-nav".split()))
SQLITE = Layout(None, frozenset("nosearch imgcontainer toc fancy_toc".split()), page_title=True)

APACHE = Layout(("id", "page-content"), frozenset("toplang bottomlang lang-toggle up top permalink".split()))
ANARCHISM = Layout(None, frozenset("nav footer".split()), page_title=True)

SOURCES = (
    Source("wordnet", "dict-wn", "WordNet-3.0", "Copyright 2006 Princeton University",
           "WordNet 3.0 as a dictionary", _wordnet),
    Source("facts", "dict-wn", "WordNet-3.0", "Copyright 2006 Princeton University",
           "questions and statements made from WordNet 3.0", _facts),
    Source("kjv", "bible-kjv-text", "public-domain", "none (translated in 1611)",
           "the Bible, King James Version", _kjv),
    Source("jargon", "dict-jargon", "public-domain", "none (in the public domain)",
           "the Jargon File 4.4.7, a dictionary of hacker slang", _dictd("jargon", " " * 4)),
    Source("devil", "dict-devil", "public-domain", "none (expired; published in 1911)",
           "The Devil's Dictionary by Ambrose Bierce", _dictd("devil", "")),
    Source("python", "python3.11-doc", "PSF-2.0", "Copyright 2001-2023 Python Software Foundation",
           "documentation of Python 3.11", _html("/usr/share/doc/python3.11/html", PYTHON, (
               "genindex", "py-modindex", "search", "contents", "download", "_", "license", "whatsnew/changelog"))),
    Source("postgresql", "postgresql-doc-15", "PostgreSQL",
           "Portions Copyright 1996-2026 PostgreSQL Global Development Group; "
           "Portions Copyright 1994 The Regents of the University of California",
           "documentation of PostgreSQL 15", _html("/usr/share/doc/postgresql-doc-15/html", POSTGRESQL, (
               "bookindex", "index.html", "legalnotice", "biblio"))),
    Source("sqlite", "sqlite3-doc", "public-domain", "none (dedicated to the public domain by its authors)",
           "documentation of SQLite 3.40", _html("/usr/share/doc/sqlite3", SQLITE, (
               "doc_", "keyword_index", "sitemap", "toc", "syntax/", "search", "doclist",
               "requirements"))),  # requirements: sentences of the other pages
    Source("django", "python-django-doc", "BSD-3-Clause",
           "Copyright Django Software Foundation and individual contributors",
           "documentation of Django 3.2", _html("/usr/share/doc/python-django-doc/html", DJANGO, (
               "genindex", "py-modindex", "search", "contents", "_"))),
    Source("gsm8k", "", "MIT", "Copyright 2021 OpenAI",
           "grade-school mathematics, questions and answers", _gsm8k),
    Source("apache", "apache2-doc", "Apache-2.0", "Copyright 2022 The Apache Software Foundation",
           "manual of the Apache HTTP Server 2.4", _html("/usr/share/doc/apache2-doc/manual/en", APACHE, (
               "sitemap", "mod/quickreference", "mod/directives", "index.html")), use="evaluation"),
    Source("anarchism", "anarchism", "GPL-2.0-or-later", "Copyright 1995-2017 The Anarchist FAQ Editorial Collective",
           "An Anarchist FAQ: essays", _html("/usr/share/doc/anarchism/html", ANARCHISM, (
               "alinks", "index", "links")), use="evaluation"),
)
