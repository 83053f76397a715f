#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of a package as SPDX 2.3 JSON, from dpkg's data.

sbom.py VERSION OUT [--parts PACKAGE ...] [--bundled FILE ...] [--needed FILE ...]
  --parts    Debian packages that parts of the programs come from: fonts and header libraries
  --bundled  copies of the system's libraries that the package brings, as FILE=ORIGIN
  --needed   programs whose libraries the system has to have
  --notices  folder for the copyright files of the packages that parts or copies come from
The time in it is $SOURCE_DATE_EPOCH's.
"""
import argparse
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess

# Debian's short names of licences, where SPDX's are others. What is in neither list is left to the comment.
SPDX = {"Expat": "MIT", "MIT": "MIT", "BSD-2-clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause", "Apache-2": "Apache-2.0",
        "Apache-2.0": "Apache-2.0", "OFL-1.1": "OFL-1.1", "LGPL-2+": "LGPL-2.0-or-later", "LGPL-2.1+": "LGPL-2.1-or-later",
        "LGPL-3 or GPL-2": "LGPL-3.0-only OR GPL-2.0-only", "GPL-2+": "GPL-2.0-or-later", "Zlib": "Zlib", "zlib": "Zlib"}


def owners(paths):
    """The Debian packages of files of the system, by file."""
    names = {}
    for path in paths:
        real = os.path.realpath(path)
        for name in (path, real, "/usr" + path, real.removeprefix("/usr")):
            names[name] = path
    said = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True).stdout
    found = {}
    for line in said.splitlines():
        package, name = line.rsplit(": ", 1)
        if name in names and not package.startswith("diversion "):
            found[names[name]] = package.split(",")[0]
    lost = sorted(set(paths) - set(found))
    if lost:
        raise SystemExit("sbom.py: no Debian package has " + ", ".join(lost))
    return found


def libraries(program):
    said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return re.findall(r"=> (/\S+)", said)


def licence(package):
    """Debian's words for the licence of most of its files; "" where its notice is not machine-readable."""
    try:
        with open(f"/usr/share/doc/{package.split(':')[0]}/copyright", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return ""
    for paragraph in re.split(r"\n\s*\n", text):
        if re.search(r"^Files:\s*\*", paragraph, re.MULTILINE):
            found = re.search(r"^License:\s*(\S.*)$", paragraph, re.MULTILINE)
            return found[1].strip() if found else ""
    return ""


def identifier(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def describe(package):
    fields = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}"
    said = subprocess.run(["dpkg-query", "-W", "-f", fields, package], check=True, capture_output=True, text=True)
    name, version, architecture, source, source_version = said.stdout.split("\t")
    words = licence(package)
    return {
        "SPDXID": identifier("Package-" + name), "name": name, "versionInfo": version, "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "copyrightText": "NOASSERTION",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": SPDX.get(words, "NOASSERTION"),
        "licenseComments": f"Debian's notice says: {words}" if words else f"See the copyright file of Debian's {name}",
        "sourceInfo": f"Debian source package {source} {source_version}",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch={architecture}"}]}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version")
    parser.add_argument("out")
    for name in ("--parts", "--bundled", "--needed"):
        parser.add_argument(name, nargs="*", default=[])
    parser.add_argument("--notices")
    options = parser.parse_args()
    ours = identifier("Package-mneme")
    packages, files, relations = {}, [], []

    def relate(package, kind):
        found = describe(package)
        packages[found["name"]] = found
        relation = {"spdxElementId": ours, "relationshipType": kind, "relatedSpdxElement": found["SPDXID"]}
        if relation not in relations:
            relations.append(relation)
        return found["SPDXID"]

    for part in options.parts:
        relate(part, "CONTAINS")
    bundled = dict(pair.split("=", 1) for pair in options.bundled)
    origins = owners(bundled.values())
    for path, origin in bundled.items():
        name = os.path.basename(path)
        files.append({"SPDXID": identifier("File-" + name), "fileName": "./lib/" + name,
                      "checksums": [{"algorithm": "SHA256", "checksumValue": digest(path)}],
                      "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"})
        package = relate(origins[origin], "CONTAINS")
        relations.append({"spdxElementId": files[-1]["SPDXID"], "relationshipType": "GENERATED_FROM", "relatedSpdxElement": package})
    if options.notices:
        os.makedirs(options.notices)
        for name in packages:
            shutil.copyfile(f"/usr/share/doc/{name}/copyright", f"{options.notices}/{name}.txt")
    needed = {library for program in options.needed for library in libraries(program)}
    for package in sorted(set(owners(needed).values())):
        relate(package, "DEPENDS_ON")

    names = sorted(packages)
    packages = [{"SPDXID": ours, "name": "mneme", "versionInfo": options.version, "downloadLocation": "NOASSERTION",
                 "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
                 "copyrightText": "Copyright 2026 The Mneme authors"}] + [packages[name] for name in names]
    content = hashlib.sha256(json.dumps([packages, files, relations]).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"mneme-{options.version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/mneme-{options.version}-{content[:32]}",
        "creationInfo": {"created": f"{created:%Y-%m-%dT%H:%M:%SZ}", "creators": ["Tool: installer/sbom.py"]},
        "documentDescribes": [ours], "packages": packages, "files": files,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": ours}] + relations}
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
