# SPDX-License-Identifier: Apache-2.0
"""A program's --help as data: CLI11's and Qt's layout, and the help of subcommands."""
import dataclasses
import re
import subprocess


@dataclasses.dataclass
class Option:
    names: list  # ["-m", "--model"]; [] for a positional
    value: str  # "FILE", "" for a flag
    text: str
    required: bool = False

    @property
    def choices(self):
        """What the value may be, where the help lists it."""
        for text in (self.text, self.value):
            word = r"[\w.-]*\w"
            found = re.search(rf"(?:^|\()({word}(?:, {word})* or {word})(?:[;,.)]|$)", text)
            if found and self.value in ("WORD", "NAME"):
                return re.split(r", | or ", found[1])
        return [word for word in self.value.split("|") if re.fullmatch(r"[a-z0-9]+", word)]

    @property
    def kind(self):
        """What a shell completes: file, folder, words or nothing."""
        if "FILE" in self.value or "inputs" in self.value:
            return "file"
        return "folder" if self.value in ("DIR", "FOLDER") else ""


@dataclasses.dataclass
class Page:
    path: list  # ["mneme-cli", "bench", "tables"]
    summary: str
    groups: list  # [(title, [Option])], in the order of the help
    positionals: list
    commands: list  # [Page]

    @property
    def options(self):
        return [option for _, options in self.groups for option in options]


def parse_option(head, text):
    required = " REQUIRED" in head
    head = re.sub(r" REQUIRED| (?:Needs|Excludes):.*", "", head).replace("<", "").replace(">", "")
    names = re.match(r"(-{1,2}[\w-]+,? ?)*", head)[0]
    value = head[len(names):].strip()
    return Option([name for name in re.split(r"[, ]+", names) if name], value, text, required)


def sections(lines):
    """[(title, [(head, text)])] of a help; lines before the first title belong to none."""
    found = []
    for line in lines:
        title = re.fullmatch(r"(\S.*):", line)
        entry = re.fullmatch(r"  (\S.*?)(?:\s{2,}(\S.*))?", line)
        more = re.fullmatch(r"\s{3,}(\S.*)", line)
        if title:
            found.append((title[1], []))
        elif entry and found:
            found[-1][1].append([entry[1], entry[2] or ""])
        elif more and found and found[-1][1]:
            last = found[-1][1][-1]
            last[1] = f"{last[1]} {more[1]}".strip()
    return found


def read_help(program, path):
    """The page of a program, or of one of its commands, with those below it."""
    said = subprocess.run([program, *path[1:], "--help"], check=True, capture_output=True, text=True)
    lines = said.stdout.splitlines()
    summary = next(line for line in lines if line and not line.startswith("Usage:"))
    page = Page(path, summary.rstrip("."), [], [], [])
    for title, entries in sections(lines):
        if title == "Subcommands":
            page.commands = [read_help(program, [*path, name]) for name, _ in entries]
        elif title in ("Positionals", "Arguments"):
            for head, text in entries:
                page.positionals.append(parse_option(head.split(" ", 1)[-1], text))
        else:
            page.groups.append((title, [parse_option(head, text) for head, text in entries]))
    return page
