# SPDX-License-Identifier: Apache-2.0
"""Installed Debian packages: version and files. Reads dpkg's own lists, runs nothing."""
from pathlib import Path

from .document import CorpusError


class Packages:
    """The packages installed under a root folder ("/" for this machine)."""

    def __init__(self, root: Path):
        self.root = root
        self._versions: dict[str, str] = {}
        status = root / "var/lib/dpkg/status"
        try:
            text = status.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise CorpusError(
                f"{status}: cannot read dpkg's list of packages ({error.strerror}). "
                "The corpus is read from Debian packages; give --root the folder of a Debian system."
            ) from error
        for stanza in text.split("\n\n"):
            fields = dict(
                line.split(": ", 1)
                for line in stanza.splitlines()
                if ": " in line and not line.startswith(" ")
            )
            if fields.get("Status") == "install ok installed" and "Package" in fields:
                self._versions[fields["Package"]] = fields.get("Version", "")

    def require(self, packages: list[str]):
        missing = sorted({package for package in packages if package not in self._versions})
        if missing:
            raise CorpusError(
                f"not installed: {', '.join(missing)}. "
                f"Install: apt-get install --no-install-recommends {' '.join(missing)}"
            )

    def version(self, package: str) -> str:
        self.require([package])
        return self._versions[package]

    def files(self, package: str, under: str, suffix: str) -> list[str]:
        """The package's files below the folder `under` with that suffix, relative to it, sorted."""
        listing = self.root / f"var/lib/dpkg/info/{package}.list"
        try:
            listed = listing.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise CorpusError(f"{listing}: cannot read the files of {package} ({error.strerror})") from error
        prefix = under.rstrip("/") + "/"
        names = sorted(n[len(prefix):] for n in listed if n.startswith(prefix) and n.endswith(suffix))
        if not names:
            raise CorpusError(f"package {package} {self.version(package)} has no {suffix} file below {under}")
        for name in names:
            self.path(package, prefix + name)
        return names

    def path(self, package: str, file: str) -> Path:
        path = self.root / file.lstrip("/")
        if not path.is_file():
            raise CorpusError(
                f"package {package} is installed but its file {file} is missing. Slim systems leave out "
                "documentation: remove the path-exclude lines of /etc/dpkg/dpkg.cfg.d and run "
                f"apt-get install --reinstall --no-install-recommends {package}"
            )
        return path

    def read(self, package: str, file: str) -> bytes:
        path = self.path(package, file)
        try:
            return path.read_bytes()
        except OSError as error:
            raise CorpusError(f"{path}: cannot read ({error.strerror})") from error
