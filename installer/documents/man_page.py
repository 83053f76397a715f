# SPDX-License-Identifier: Apache-2.0
"""A page of section 1 in mdoc, from a program's help."""
import datetime

FILES = [
    ("$XDG_DATA_HOME/mneme", "chats, models and packs, rows for the next start"),
    ("$XDG_CONFIG_HOME/mneme/mneme.ini", "settings"),
    ("$XDG_CACHE_HOME/mneme", "what drivers compiled; may be deleted"),
    ("$XDG_STATE_HOME/mneme/mneme.log", "the log"),
]


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    return "\\&" + text if text.startswith(".") else text


def quoted(text):
    """One argument of an mdoc macro."""
    return '"%s"' % escape(text).replace('"', '""')


def label(option):
    parts = ["\\fB" + escape(name) + "\\fR" for name in option.names]
    value = " \\fI" + escape(option.value) + "\\fR" if option.value else ""
    return (", ".join(parts) + value).strip()


def entries(options):
    lines = [".Bl -tag -width Ds"]
    for option in options:
        lines += [".It " + label(option), escape(option.text)]
    return lines + [".El"]


def synopsis(page):
    words = [escape(word) for word in page.path]
    words += ["[\\fIoptions\\fR]"] if page.options else []
    words += ["\\fIcommand\\fR"] if page.commands and len(page.path) == 1 else []
    for option in page.positionals:
        word = "\\fI" + escape(option.value) + "\\fR"
        words.append(word if option.required else "[" + word + "]")
    return "\\fB" + words[0] + "\\fR " + " ".join(words[1:])


def body(page):
    lines = []
    for title, options in page.groups:
        lines += [] if title in ("Options", "OPTIONS") else [".Pp", escape(title) + ":"]
        lines += entries(options)
    return lines


def commands(page):
    lines = []
    for command in page.commands:
        lines += [".Ss " + quoted(" ".join(command.path[1:]))]
        lines += [escape(command.summary) + ".", ".Pp", synopsis(command)]
        lines += entries(command.positionals) if command.positionals else []
        lines += body(command) + commands(command)
    return lines


def man_page(page, version, also, epoch):
    name = page.path[0]
    day = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    lines = [f".Dd {day:%B} {day.day}, {day.year}", f".Dt {name.upper()} 1", f".Os \"Mneme {version}\""]
    lines += [".Sh NAME", f".Nm {name}", ".Nd " + escape(page.summary[:1].lower() + page.summary[1:])]
    lines += [".Sh SYNOPSIS", synopsis(page), ".Sh DESCRIPTION", escape(page.summary) + "."]
    lines += body(page)
    lines += [".Sh COMMANDS", *commands(page)] if page.commands else []
    lines += [".Sh FILES", ".Bl -tag -width Ds"]
    for path, text in FILES:
        lines += [".It Pa " + escape(path), escape(text)]
    lines += [".El", ".Sh EXIT STATUS"]
    lines += ["0 where all went well, 1 where something failed (one sentence says what), 2 where the"]
    lines += ["options are wrong.", ".Sh SEE ALSO", ".Xr " + also + " 1"]
    return "\n".join(lines) + "\n"
