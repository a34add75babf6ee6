"""A bare environment: what `pip install apache-airflow guestlist` brings and nothing else, least of all this checkout.

The packages are those of the environment that runs the tests, linked in one by one, so that nothing is fetched; what the wheel
does not ask for is not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path, PurePath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def build_wheel(folder: Path) -> Path:
    """What `make wheel` makes."""
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(folder: Path, wheel: Path) -> Path:
    """A venv with Airflow, the wheel, and what both require; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    site = next((folder / "lib").glob("python*")) / "site-packages"
    link(closure(["apache-airflow", *requirements_of(wheel)]), site)
    pip("--python", str(python), "install", "--no-deps", "--no-compile", "--no-cache-dir", str(wheel))
    return python


def pip(*arguments: str) -> None:
    """Run pip without a network."""
    subprocess.run(
        [sys.executable, "-m", "pip", "-qq", *arguments],
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        check=True,
    )


def requirements_of(wheel: Path) -> list[str]:
    """What the wheel's metadata asks for, without extras."""
    (metadata,) = Distribution.discover(path=[str(wheel)], name="guestlist")
    return [text for text in metadata.requires or [] if "extra ==" not in text]


def closure(requirements: list[str]) -> list[Distribution]:
    """The installed distributions that the requirements come to; each has a version that is asked for."""
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in found:
            continue
        found[key] = distribution(wanted.name)
        assert wanted.specifier.contains(found[key].version, prereleases=True), f"{wanted}, but there is {found[key].version}"
        waiting += _requires(found[key], wanted.extras)
    return list({name: one for (name, _), one in found.items()}.values())


def _requires(found: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for text in found.requires or []:
        wanted = Requirement(text)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield wanted


def link(wanted: list[Distribution], site: Path) -> None:
    """Link what belongs to the distributions: a folder as a whole where nobody else has anything in it, else file by file."""
    owners: dict[PurePath, set[str]] = {}
    for found in distributions():
        name = found.name  # parses its metadata each time
        for folder in {folder for file in found.files or [] for folder in file.parents}:
            owners.setdefault(folder, set()).add(name)
    for found in wanted:
        name = found.name
        for entry in {_highest(file, name, owners) for file in found.files or [] if _is_wanted(file)}:
            (site / entry).parent.mkdir(parents=True, exist_ok=True)
            (site / entry).symlink_to(found.locate_file(entry))


def _highest(file: PurePath, name: str, owners: dict[PurePath, set[str]]) -> PurePath:
    """The highest folder above a file that is the distribution's alone, or else the file."""
    theirs = [folder for folder in [*file.parents][:-1] if owners[folder] == {name}]
    return theirs[-1] if theirs else file


def _is_wanted(file: PurePath) -> bool:
    return file.parts[0] != ".." and file.suffix != ".pth" and "__pycache__" not in file.parts
