"""The ready-made packages, with the practice company at the address that it really has today."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

COMPANY = "company.yaml"


@contextmanager
def ready_made(folder: Path, *, url: str) -> Iterator[list[str]]:
    """Give the package files of a folder, the company's first; with another address than it names, a copy of that one."""
    files = [path for path in sorted(folder.glob("*.yaml")) if path.name != COMPANY]
    company = folder / COMPANY
    if not company.exists():
        yield [str(path) for path in files]
        return
    with TemporaryDirectory() as scratch:
        own = company if _addresses(company) == {url} else _copy(company, url, Path(scratch))
        yield [str(own), *(str(path) for path in files)]


def _addresses(company: Path) -> set[str]:
    return {connection["base_url"] for connection in _package(company)["connections"]}


def _copy(company: Path, url: str, scratch: Path) -> Path:
    """Write the package with another address; the files that it names are named in full."""
    package = _package(company)
    for connection in package["connections"]:
        connection.update(base_url=url, document=str((company.parent / connection["document"]).resolve()))
    for source in package["sources"]:
        source["schema"] = str((company.parent / source["schema"]).resolve())
    copy = scratch / company.name
    copy.write_text(yaml.safe_dump(package, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return copy


def _package(company: Path) -> dict[str, Any]:
    package: dict[str, Any] = yaml.safe_load(company.read_text(encoding="utf-8"))
    return package
