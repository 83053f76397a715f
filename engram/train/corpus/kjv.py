# SPDX-License-Identifier: Apache-2.0
"""The King James Bible out of /usr/lib/bible.data (package bible-kjv-text).

The file: "EC02Compressed Data File" and padding; at 84 the bytes of an unpacked window (65536),
the number of windows and their offsets, big-endian u32. A window is an LZW stream of Unix compress
(block mode, 16 bits) without its three bytes of header. Unpacked: a line of title, then one verse
a line, "Ge1:1 In the beginning ...".
"""
import re
import struct

from .document import DOCUMENT_MAX_CHARS, CorpusError, Document

MAGIC = b"EC02Compressed Data File"
HEADER = 84
FIRST_BITS, LAST_BITS = 9, 16
CLEAR = 256
VERSE = re.compile(r"(\w+?)(\d+):(\d+) (.*)")

BOOKS = (
    "Genesis|Exodus|Leviticus|Numbers|Deuteronomy|Joshua|Judges|Ruth|1 Samuel|2 Samuel|1 Kings|2 Kings|"
    "1 Chronicles|2 Chronicles|Ezra|Nehemiah|Esther|Job|Psalms|Proverbs|Ecclesiastes|Song of Solomon|Isaiah|"
    "Jeremiah|Lamentations|Ezekiel|Daniel|Hosea|Joel|Amos|Obadiah|Jonah|Micah|Nahum|Habakkuk|Zephaniah|Haggai|"
    "Zechariah|Malachi|Matthew|Mark|Luke|John|Acts|Romans|1 Corinthians|2 Corinthians|Galatians|Ephesians|"
    "Philippians|Colossians|1 Thessalonians|2 Thessalonians|1 Timothy|2 Timothy|Titus|Philemon|Hebrews|James|"
    "1 Peter|2 Peter|1 John|2 John|3 John|Jude|Revelation"
).split("|")


def lzw_unpack(data: bytes) -> bytes:
    """The data of Unix compress. Codes come in groups of eight, `width` bytes a group; when the
    width changes, the rest of the group is padding."""
    out = bytearray()
    table = [bytes((i,)) for i in range(256)] + [b""]
    width, last, at = FIRST_BITS, b"", 0
    while at < len(data):
        group = int.from_bytes(data[at:at + width], "little")
        count = min(8, (len(data) - at) * 8 // width)
        at += width
        old_width, mask = width, (1 << width) - 1
        for i in range(count):
            code = (group >> (i * width)) & mask
            if code == CLEAR:
                del table[257:]
                width, last = FIRST_BITS, b""
                break
            if code < len(table):
                entry = table[code]
            elif code == len(table) and last:
                entry = last + last[:1]
            else:
                raise CorpusError("a window of the packed text is damaged")
            out += entry
            if last and len(table) < 1 << LAST_BITS:
                table.append(last + entry[:1])
            last = entry
            if len(table) >= 1 << width and width < LAST_BITS:
                width += 1
                break
        if width == old_width and count < 8:
            break
    return bytes(out)


def unpack(data: bytes) -> str:
    """The whole text: a title line and 31,102 verses."""
    try:
        if not data.startswith(MAGIC):
            raise CorpusError("it does not start with " + MAGIC.decode())
        size, count = struct.unpack_from(">II", data, HEADER)
        offsets = list(struct.unpack_from(f">{count}I", data, HEADER + 8)) + [len(data)]
    except struct.error as error:
        raise CorpusError("its header is cut short") from error
    windows = [lzw_unpack(data[a:b]) for a, b in zip(offsets, offsets[1:])]
    if any(len(window) != size for window in windows[:-1]):
        raise CorpusError("a window has another size than its header says")
    try:
        return b"".join(windows).decode("ascii")
    except UnicodeDecodeError as error:
        raise CorpusError(f"a verse has signs that no verse has ({error})") from error


def documents(data: bytes, source: str) -> list[Document]:
    """A document a chapter, a paragraph a verse; long chapters in several documents."""
    chapters: dict[tuple[str, int], list[str]] = {}
    for line in unpack(data).splitlines()[1:]:
        verse = VERSE.fullmatch(line)
        if not verse:
            raise CorpusError(f"a line is no verse: {line[:60]!r}")
        chapters.setdefault((verse[1], int(verse[2])), []).append(verse[4])
    books = list(dict.fromkeys(book for book, _ in chapters))
    if len(books) != len(BOOKS):
        raise CorpusError(f"it has {len(books)} books, not {len(BOOKS)}")
    names = dict(zip(books, BOOKS))
    found = []
    for (book, number), verses in chapters.items():
        part, chars = [], 0
        parts = [part]
        for verse in verses:
            if chars + len(verse) > DOCUMENT_MAX_CHARS - 100:
                part, chars = [], 0
                parts.append(part)
            part.append(verse)
            chars += len(verse) + 1
        for index, part in enumerate(parts):
            name = f"{names[book]} {number}"
            suffix = f"#{index}" if len(parts) > 1 else ""
            found.append(Document(f"{source}/{name}{suffix}", part, title=name, joint="\n"))
    return found
