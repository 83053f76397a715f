#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the texts that `mneme-bench replay --streams FOLDER` and others read.

    make_streams.py FOLDER [--debs FOLDER]

Real text, so that n-grams repeat as they do for people: prose, code and dialogue from Debian 12
packages, and a mix of whole documents of the three. Packages are fetched with `apt-get download`
(nothing is installed) and kept in --debs. Every stream is UTF-8 with a NUL byte between documents;
the order of documents is that of the digests of their names, so that it does not depend on a file
system. The result's SHA-256 is compared with DIGESTS: another version of a package gives another
stream, and figures of two streams must not be compared.
"""
import argparse
import gzip
import hashlib
import html
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zlib

STREAM_BYTES = 24 << 20   # of one stream, at most
DOCUMENT_BYTES = 200_000  # of one document, at most: longer ones are cut, as a context would be

VERSIONS = {
    "anarchism": "15.3-3", "debian-faq": "11.1",
    "debian-handbook": "11.20220922", "dict-foldoc": "20230119-1",
    "dict-gcide": "0.48.5+nmu2", "dict-jargon": "4.4.7-3.1", "git-annex": "10.20230126-3",
    "golang-1.19-src": "1.19.8-2", "libboost1.74-dev": "1.74.0+ds1-21",
    "r-cran-janeaustenr": "1.0.0-1", "rust-src": "1.63.0+dfsg1-2",
}
CAMPAIGNS = ("did", "dm", "dw", "ei", "httt", "l", "low", "nr", "sof", "sota", "sotbe", "thot",
             "trow", "tsg", "ttb", "utbs")
VERSIONS.update({f"wesnoth-1.16-{name}": "1:1.16.9-1" for name in CAMPAIGNS})

DIGESTS = {
    "prose": "7148059e79a347f209e23c741f861cdf19fdaf6bbae7097df71ba90334ffba34",
    "code": "8f795c8e9621955a889376b92f1d1c668a3374aa318f5aeeac4969943a689dab",
    "dialogue": "3808da519c1a9e3e9611b3a22ff721b9002a16b9e38577ba4dbcaddcce99baae",
    "mix": "f31a8a1a5ec76187e41ab5fb0c11059d298fadeab5635736f40abe5aa82001a0",
}


def fail(message):
    sys.exit(f"make_streams.py: {message}")


def fetch(package, folder):
    version = VERSIONS[package]
    name = f"{package}_{version.replace(':', '%3a')}_"
    found = list(folder.glob(name + "*.deb"))
    if not found:
        done = subprocess.run(["apt-get", "download", "-qq", f"{package}={version}"], cwd=folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        found = list(folder.glob(name + "*.deb"))
        if not found:
            fail(f"{package} {version} could not be fetched (it needs Debian 12's main archive and "
                 f"a recent `apt-get update`): {done.stderr.strip() or 'no reason given'}")
    return found[0]


def unpack(package, debs, root):
    target = root / package
    target.mkdir()
    subprocess.run(["dpkg-deb", "-x", fetch(package, debs), target], check=True)
    return target


def files(root, pattern):
    return sorted(path for path in root.rglob(pattern) if path.is_file() and not path.is_symlink())


def text_of(path):
    data = path.read_bytes()
    if path.suffix in (".gz", ".dz"):
        data = gzip.decompress(data)
    return data.decode("utf-8", "replace").replace("\0", " ")


def page_text(source):
    source = re.sub(r"(?s)<(script|style|head|nav|header|footer)\b.*?</\1>", " ", source)
    source = re.sub(r"(?i)<(p|div|li|tr|h[1-6]|dt|dd|br|pre)\b[^>]*>", "\n", source)
    source = html.unescape(re.sub(r"<[^>]*>", "", source)).replace("\0", " ")
    return re.sub(r"\s*\n\s*", "\n", source).strip() + "\n"


def pages(root, pattern="*.html"):
    return [(f"{root.name}/{path.relative_to(root)}", page_text(text_of(path)))
            for path in files(root, pattern)]


def slices(name, text, size=60_000):
    """A dictionary or a book in pieces that end with a line."""
    at, number = 0, 0
    while at < len(text):
        end = text.find("\n", at + size)
        end = len(text) if end < 0 else end + 1
        yield f"{name}/{number:05}", text[at:end]
        at, number = end, number + 1


def r_strings(path):
    """The strings of a package's R data: blocks of a length and a zlib stream; in each, a string is
    type 9 with the flags of its encoding, then a length (R Internals, Serialization Formats)."""
    rest = path.read_bytes()
    while rest:
        block = zlib.decompressobj()
        data = block.decompress(rest[4:])
        rest = block.unused_data
        at = 0
        while found := re.compile(rb"\0[\0\4][\0\x80]\x09").search(data, at):
            at = found.end() + 4
            if at > len(data):
                break
            (length,) = struct.unpack_from(">i", data, at - 4)
            if 0 <= length <= 1000:
                yield data[at:at + length].decode("utf-8", "replace")
                at += length


def prose(unpacked):
    out = pages(unpacked("anarchism"))
    out += pages(unpacked("debian-handbook") / "usr/share/doc/debian-handbook/html/en-US")
    for package in ("dict-gcide", "dict-foldoc", "dict-jargon"):
        for path in files(unpacked(package), "*.dict.dz"):
            out += slices(path.name, text_of(path))
    return out


def code(unpacked):
    out = []
    for package, pattern in (("golang-1.19-src", "*.go"), ("libboost1.74-dev", "*.hpp"),
                             ("rust-src", "*.rs")):
        root = unpacked(package)
        out += [(f"{package}/{path.relative_to(root)}", text_of(path))
                for path in files(root, pattern)]
    return out


def speeches(source):
    """The conversation of one game scenario: who says what, a line each."""
    lines = []
    for block in re.findall(r"(?s)\[message\](.*?)\[/message\]", source):
        said = re.search(r'(?s)\bmessage\s*=\s*_?\s*("[^"]*"(?:\s*\+\s*_?\s*"[^"]*")*)', block)
        who = re.search(r'\b(?:speaker|id|role|type)\s*=\s*"?([A-Za-z\' ]+)', block)
        if said:
            words = " ".join(" ".join(re.findall(r'"([^"]*)"', said.group(1))).split())
            if words:
                lines.append(f"{who.group(1).strip() if who else 'narrator'}: {words}\n")
    return "".join(lines)


def dialogue(unpacked):
    out = pages(unpacked("git-annex"))  # questions, answers and comments of its users
    out += pages(unpacked("debian-faq"))
    for name in CAMPAIGNS:
        root = unpacked(f"wesnoth-1.16-{name}")
        out += [(f"{name}/{path.relative_to(root)}", speeches(text_of(path)))
                for path in files(root, "*.cfg")]
    for path in files(unpacked("r-cran-janeaustenr"), "Rdata.rdb"):
        out += slices(path.name, "\n".join(r_strings(path)) + "\n")
    return out


def ordered(documents):
    documents = [(name, text[:DOCUMENT_BYTES]) for name, text in documents if len(text) > 200]
    documents.sort(key=lambda document: hashlib.sha256(document[0].encode()).digest())
    kept, size = [], 0
    for _, text in documents:
        data = text.encode("utf-8", "replace")
        if size + len(data) > STREAM_BYTES:
            break
        kept.append(data)
        size += len(data)
    return kept


def mixed(streams):
    """Whole documents: the next one is of the stream that has the smallest share so far."""
    places, sizes, out = [0] * len(streams), [0] * len(streams), []
    while sum(sizes) < STREAM_BYTES:
        i = min((k for k in range(len(streams)) if places[k] < len(streams[k])),
                key=lambda k: sizes[k])
        document = streams[i][places[i]]
        places[i] += 1
        sizes[i] += len(document)
        out.append(document)
    return out


def main():
    parser = argparse.ArgumentParser(description="Builds the text streams for `bench tables`.")
    parser.add_argument("folder", type=pathlib.Path, help="where the streams are written")
    parser.add_argument("--debs", type=pathlib.Path, help="where packages are kept (default: FOLDER)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    debs = options.debs or options.folder
    debs.mkdir(parents=True, exist_ok=True)
    made = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        root = pathlib.Path(scratch)
        for name, build in (("prose", prose), ("code", code), ("dialogue", dialogue)):
            made[name] = ordered(build(lambda package: unpack(package, debs, root)))
    made["mix"] = mixed([made["prose"], made["code"], made["dialogue"]])
    different = []
    for name, documents in made.items():
        data = b"\0".join(documents)
        digest = hashlib.sha256(data).hexdigest()
        (options.folder / f"{name}.txt").write_bytes(data)
        print(f"{name}.txt: {len(documents)} documents, {len(data)} bytes, sha256 {digest}")
        if DIGESTS.get(name) != digest:
            different.append(name)
    if different:
        fail(f"{', '.join(different)}: not the streams that the figures in engram/bench/README.md "
             "were measured on")


if __name__ == "__main__":
    main()
