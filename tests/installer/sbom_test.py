# SPDX-License-Identifier: Apache-2.0
"""sbom_test.py SOURCE PROGRAM: the bill of materials names each library of PROGRAM, and is whole."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, PROGRAM = sys.argv[1], sys.argv[2]


class Bill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        said = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
        cls.libraries = dict(re.findall(r"(\S+) => (/\S+)", said))
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "sbom.json")
            copy = os.path.join(folder, "libsqlite3.so.0")
            with open(copy, "w") as file:
                file.write("a copy")
            subprocess.run([sys.executable, "-B", SOURCE + "/installer/sbom.py", "1.2", out, "--parts", "fonts-inter",
                            "--bundled", f"{copy}={cls.libraries['libsqlite3.so.0']}", "--needed", PROGRAM,
                            "--notices", folder + "/notices"],
                           check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1000000000"})
            with open(out, encoding="utf-8") as file:
                cls.bill = json.load(file)
            cls.notices = sorted(os.listdir(folder + "/notices"))

    def test_ids_are_valid_unique_and_all_that_is_related_is_there(self):
        ids = ["SPDXRef-DOCUMENT"] + [item["SPDXID"] for item in self.bill["packages"] + self.bill["files"]]
        self.assertEqual(len(ids), len(set(ids)))
        for name in ids:
            self.assertRegex(name, r"^SPDXRef-[A-Za-z0-9.-]+$")
        for relation in self.bill["relationships"]:
            self.assertIn(relation["spdxElementId"], ids)
            self.assertIn(relation["relatedSpdxElement"], ids)

    def test_what_the_standard_asks_for_is_there(self):
        for key in ("spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo"):
            self.assertIn(key, self.bill)
        self.assertEqual(self.bill["creationInfo"]["created"], "2001-09-09T01:46:40Z")
        for package in self.bill["packages"]:
            for key in ("name", "SPDXID", "downloadLocation", "versionInfo"):
                self.assertTrue(package[key])

    def test_every_library_has_its_package(self):
        names = {package["name"] for package in self.bill["packages"]}
        files = [os.path.basename(os.path.realpath(path)) for path in self.libraries.values()]
        said = subprocess.run(["dpkg-query", "-S", *("*/" + name for name in files)],
                              capture_output=True, text=True, check=True).stdout
        named = {os.path.basename(line) for line in said.splitlines() if line.split(":")[0] in names}
        self.assertEqual(set(files) - named, set())

    def test_what_is_brought_is_told_from_what_is_needed(self):
        kinds = {(relation["relationshipType"], relation["relatedSpdxElement"]) for relation in self.bill["relationships"]}
        self.assertIn(("CONTAINS", "SPDXRef-Package-fonts-inter"), kinds)
        self.assertIn(("CONTAINS", "SPDXRef-Package-libsqlite3-0"), kinds)
        self.assertIn(("DEPENDS_ON", "SPDXRef-Package-libc6"), kinds)
        self.assertEqual(self.notices, ["fonts-inter.txt", "libsqlite3-0.txt"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
