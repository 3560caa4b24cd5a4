"""Programs and samples that tests need beside Python: a loud, counted skip where a user has none,
a failure in CI."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

SHARED_SAMPLES = Path(__file__).parents[2] / "shared" / "samples"

ABSENT = "IS NOT HERE"  # such skips are counted at the end of the run


def absent(what: str) -> NoReturn:
    """End the test: `what` it needs is not here."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not here, and CI must try everything")
    pytest.skip(f"{what} {ABSENT}: what needs it is not tried")


def program(name: str) -> str:
    """The path of a program, such as `soffice`; RECON_<NAME> in the environment goes first."""
    usual = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = os.environ.get(f"RECON_{name.upper()}") or shutil.which(name, path=usual)
    return found or absent(name)


def shared_samples(path: str) -> Path:
    """A folder or file of real statements from public sources, which are not ours to ship."""
    found = SHARED_SAMPLES / path
    return found if found.exists() else absent(f"samples of {path.split('/')[0]}")
