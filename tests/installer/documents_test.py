# SPDX-License-Identifier: Apache-2.0
"""documents_test.py SOURCE BIN VERSION: man pages and completions hold what the programs' --help says."""
import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, BIN, VERSION = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
sys.path.insert(0, str(SOURCE / "installer/documents"))
sys.dont_write_bytecode = True
import program_help  # noqa: E402

PROGRAMS = [name for name in ("mneme", "mneme-cli") if (BIN / name).exists()]


def write(folder):
    subprocess.run([sys.executable, "-B", SOURCE / "installer/documents/documents.py", BIN, VERSION, folder],
                   check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1000000000"})


def pages(page):
    yield page
    for command in page.commands:
        yield from pages(command)


def said_options(program, path):
    """Names of options as they stand in the help, read without the parser that is tested."""
    said = subprocess.run([BIN / program, *path[1:], "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  (?:-\w(?:,| ))? ?(--[\w-]+)", said, re.MULTILINE))


def completed(script, words):
    """What bash offers for the last of `words`."""
    call = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; ' + \
        '"$(complete -p "$1" | grep -o "_[a-z_]*")" 2>&1; printf "%s\\n" "${COMPREPLY[@]}"'
    return subprocess.run(["bash", "-c", call, script, *words], capture_output=True, text=True, check=True).stdout.split()


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        write(cls.folder.name)
        cls.share = pathlib.Path(cls.folder.name) / "share"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_every_option_of_the_help_is_in_the_man_page_and_in_each_completion(self):
        for program in PROGRAMS:
            manual = gzip.decompress((self.share / f"man/man1/{program}.1.gz").read_bytes()).decode().replace("\\-", "-")
            for page in pages(program_help.read_help(str(BIN / program), [program])):
                wanted = said_options(program, page.path)
                self.assertTrue(wanted)
                self.assertEqual({name for option in page.options for name in option.names if name.startswith("--")}, wanted)
                script = self.share / f"bash-completion/completions/{program}"
                self.assertLessEqual(wanted, set(completed(script, [*page.path, "-"])))
                fish = (self.share / f"fish/vendor_completions.d/{program}.fish").read_text()
                zsh = (self.share / f"zsh/vendor-completions/_{program}").read_text()
                for name in wanted:
                    self.assertIn(name, manual)
                    self.assertIn(" -l " + name[2:] + " ", fish)
                    self.assertIn(f"'{name}[", zsh)

    def test_choices_are_completed(self):
        script = self.share / "bash-completion/completions/mneme-cli"
        self.assertEqual(completed(script, ["mneme-cli", "complete", "--verify", "s"]), ["sampled"])
        self.assertEqual(completed(script, ["mneme-cli", "compl"]), ["complete"])

    def test_man_has_nothing_to_complain_about(self):
        for program in PROGRAMS:
            said = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", self.share / f"man/man1/{program}.1.gz"],
                                  capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
            self.assertEqual(said.stderr, "")

    def test_two_runs_write_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as other:
            write(other)
            self.assertEqual(subprocess.run(["diff", "-r", self.folder.name, other], capture_output=True).stdout, b"")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
