# SPDX-License-Identifier: Apache-2.0
"""HTML documentation as documents: a section of a page each, prose paragraphs and code as it is."""
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from .document import DOCUMENT_MAX_CHARS, DOCUMENT_MIN_CHARS, Document, pieces

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = frozenset(
    "p div section article aside main body ul ol li dl dt dd table thead tbody tfoot tr td th caption blockquote "
    "center figure figcaption hr address fieldset details summary br pre".split()
) | frozenset(HEADINGS)
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
NEVER_TEXT = frozenset("script style svg nav form button label select textarea head noscript object math".split())
CELLS = ("td", "th")
# Cells are told in one line, with this between them, when all of them are this short.
CELL_JOINT = " | "
CELL_MAX_CHARS = 400
SECTION_NUMBER = re.compile(r"^(?:(?:[A-Z]|\d+)\.)(?:\d+\.?)*\s+")


@dataclass(frozen=True)
class Layout:
    """Where one family of pages keeps its text."""

    # The element that holds it, as (attribute, word of its value); None: all of the page.
    main: tuple[str, str] | None
    skip_classes: frozenset[str]
    # The <title> is the heading of what comes before the first heading.
    page_title: bool = False


@dataclass
class Block:
    text: str
    heading: bool = False
    code: bool = False


class PageParser(HTMLParser):
    """Turns a page into blocks. Forgiving: pages leave tags open."""

    def __init__(self, layout: Layout):
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._layout = layout
        self._text: list[str] = []
        self._prefix = ""
        self._heading = ""
        self._pre = 0
        self._skip_tag, self._skip_depth = "", 0
        self._main_tag, self._main_depth = "", 0
        self._rows: list[list[int]] = []  # of each open row, where the blocks of its cells begin

    def handle_starttag(self, tag, attributes):
        if self._skip_tag:
            self._skip_depth += tag == self._skip_tag
            return
        attributes = dict(attributes)
        classes = (attributes.get("class") or "").split()
        if tag in NEVER_TEXT or self._layout.skip_classes.intersection(classes):
            if tag not in VOID:
                self._flush_if(tag)
                self._skip_tag, self._skip_depth = tag, 1
            return
        if self._layout.main and not self._main_tag:
            name, value = self._layout.main
            if value not in (attributes.get(name) or "").split():
                return
            self._main_tag, self._main_depth = tag, 1
        elif tag == self._main_tag:
            self._main_depth += 1
        if tag not in BLOCKS:
            return
        self._flush_if(tag)
        if tag in HEADINGS:
            self._heading = tag
        elif tag == "pre":
            self._pre += 1
        elif tag == "li":
            self._prefix = "- "
        elif tag == "tr":
            self._rows.append([])
        elif tag in CELLS and self._rows:
            self._rows[-1].append(len(self.blocks))

    def handle_endtag(self, tag):
        if self._skip_tag:
            self._skip_depth -= tag == self._skip_tag
            if not self._skip_depth:
                self._skip_tag = ""
            return
        if tag in BLOCKS:
            self._flush_if(tag)
        if tag in HEADINGS:
            self._heading = ""
        elif tag == "pre":
            self._pre = max(0, self._pre - 1)
        elif tag == "li":
            self._prefix = ""
        elif tag == "tr" and self._rows:
            self._end_row(self._rows.pop())
        if tag == self._main_tag:
            self._main_depth -= 1
            if not self._main_depth:
                self._main_tag = ""

    def handle_data(self, data):
        if not self._skip_tag and (self._main_tag or not self._layout.main):
            self._text.append(data)

    def close(self):
        super().close()
        self._flush()

    def _flush_if(self, tag: str):
        # Inside code, only the code's own end ends it; its lines stay as they are.
        if tag == "br" and self._pre:
            self._text.append("\n")
        elif tag in BLOCKS and (not self._pre or tag == "pre"):
            self._flush()

    def _flush(self):
        raw = "".join(self._text).replace("\u00ad", "").replace("\u200b", "").replace("\ufeff", "")
        self._text.clear()
        if self._pre:
            lines = [line.rstrip() for line in raw.replace("\u00a0", " ").expandtabs(8).split("\n")]
            text = "\n".join(lines).strip("\n")
            if text:
                self.blocks.append(Block(text, code=True))
            return
        text = " ".join(raw.replace("§", " ").split())  # PostgreSQL's links to its commits
        if not text:
            return
        if self._heading:
            text = SECTION_NUMBER.sub("", text)
            self.blocks.append(Block(text, heading=True))
        else:
            self.blocks.append(Block(self._prefix + text))
        self._prefix = ""

    def _end_row(self, starts: list[int]):
        if not starts:
            return
        cells = [self.blocks[a:b] for a, b in zip(starts, starts[1:] + [len(self.blocks)])]
        blocks = [block for cell in cells for block in cell]
        if any(b.code or b.heading or len(b.text) > CELL_MAX_CHARS for b in blocks):
            return
        told = [" ".join(b.text for b in cell) for cell in cells]
        text = CELL_JOINT.join(t for t in told if t)
        del self.blocks[starts[0]:]
        if text:
            self.blocks.append(Block(text))


def blocks_of(html: str, layout: Layout) -> list[Block]:
    parser = PageParser(layout)
    parser.feed(html)
    parser.close()
    blocks = parser.blocks
    if layout.page_title:
        title = re.search(r"<title[^>]*>(.*?)</title>", html, re.S | re.I)
        if title:
            head = PageParser(Layout(None, frozenset()))
            head.feed(title[1])
            head.close()
            # "Page | Site" names the site on every page.
            blocks = [Block(b.text.split(" | ")[0], heading=True) for b in head.blocks[:1]] + blocks
    return blocks


def page_documents(html: str, layout: Layout, page_id: str) -> list[Document]:
    """A document a section; short sections go together, long ones are cut between paragraphs."""
    page_title = title = ""
    sections: list[tuple[str, list[Block]]] = []
    for block in blocks_of(html, layout):
        if block.heading:
            page_title = page_title or block.text
            title = block.text if block.text == page_title else f"{page_title}: {block.text}"
            sections.append((title, []))
        else:
            if not sections:
                sections.append(("", []))
            sections[-1][1].append(block)
    found: list[Document] = []
    room = 0  # for another short section in the last document

    for title, blocks in sections:
        limit = DOCUMENT_MAX_CHARS - len(title) - 2
        texts = [text for block in blocks for text in pieces(block.text, limit, block.code)]
        size = sum(len(text) + 2 for text in texts)
        if not texts:
            continue
        last = found[-1] if found else None
        if last and (len(last.text()) < DOCUMENT_MIN_CHARS or size < DOCUMENT_MIN_CHARS) and size + len(title) < room:
            last.paragraphs += [title.removeprefix(page_title + ": "), *texts]
            room -= size + len(title) + 2
            continue
        part: list[str] = []
        chars = 0
        for text in texts:
            if part and chars + len(text) + 2 > limit:
                found.append(_document(page_id, len(found), title, part))
                part, chars = [], 0
            part.append(text)
            chars += len(text) + 2
        found.append(_document(page_id, len(found), title, part))
        room = DOCUMENT_MAX_CHARS - len(found[-1].text())
    return found


def _document(page_id: str, index: int, title: str, paragraphs: list[str]) -> Document:
    return Document(f"{page_id}#{index}", paragraphs, title=title, min_chars=DOCUMENT_MIN_CHARS)
