"""The files around the code say what is true: every dependency pinned, every source named."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from pathlib import Path


def pins(checkout: Path) -> dict[str, str]:
    lines = (checkout / "requirements-dev.lock").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in requirements}


def test_the_lock_holds_every_dependency_in_range(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text())
    optional = [line for group in project["project"].get("optional-dependencies", {}).values() for line in group]
    wanted = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    locked = pins(checkout)
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name} is not in requirements-dev.lock: make lock"
        assert locked[name] in requirement.specifier
    for requirement in map(Requirement, optional):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is None or version in requirement.specifier


def test_the_lock_names_versions_only(checkout: Path) -> None:
    for line in (checkout / "requirements-dev.lock").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line), line


@pytest.mark.parametrize(
    ("document", "licence"),
    [
        ("thp-t1028-wmic-remote", "MIT"),
        ("car-2016-03-002", "Apache-2.0"),
        ("huntquery-windows-wmic-remoteexec", "facts only"),
        ("escu-remote-process-instantiation-via-wmi", "Apache-2.0"),
        ("hunt-report-wmi-lateral-movement", "facts only"),
    ],
)
def test_notice_names_each_document_and_its_licence(checkout: Path, document: str, licence: str) -> None:
    notice = (checkout / "NOTICE").read_text()
    (section,) = re.findall(rf"^{re.escape(document)}\n((?:    .*\n)+)", notice, re.MULTILINE)
    assert licence in section
    assert "Taken:" in section
