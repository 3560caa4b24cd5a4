"""The rules of the code, as tests: layers, names of the top level, sizes, no float near money."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("recon/**/*.py"), *ROOT.glob("flows/**/*.py")])
TESTS = sorted(ROOT.glob("tests/**/*.py"))
LINES_PER_FILE = 400
LINES_PER_FUNCTION = 60
COLUMNS = 100

TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "configs",
    "flows",
    "pyproject.toml",
    "recon",
    "requirements-dev.txt",
    "requirements.txt",
    "sample_statements",
    "tests",
}

# What only the shell may import: the core takes bytes, frames and settings, and nothing else.
WORLD = {"prefect", "sqlalchemy", "paramiko", "httpx", "openpyxl", "os", "time", "socket", "shutil"}


def _run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_layers_are_kept() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_of_the_architecture_shows_the_layers_that_are_kept() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    [contract] = project["tool"]["importlinter"]["contracts"]
    kept = [sorted(re.findall(r"\w+$|\w+(?= \|)", row)) for row in contract["layers"]]
    diagram = (ROOT / "recon" / "README.md").read_text("utf-8").split("```")[1]
    rows = [row.split("  ")[0].split() for row in diagram.strip().splitlines()]
    shown = [name for row in rows for name in row]
    assert len(shown) == sum(map(len, kept))
    for layer in kept:
        assert sorted(shown[: len(layer)]) == layer
        shown = shown[len(layer) :]


PROVIDERS = sorted(path.parent for path in ROOT.glob("recon/providers/*/__init__.py"))


@pytest.mark.parametrize("folder", PROVIDERS, ids=lambda folder: folder.name)
def test_a_provider_knows_no_other_provider(folder: Path) -> None:
    others = {f"recon.providers.{other.name}" for other in PROVIDERS if other != folder}
    for path in folder.glob("**/*.py"):
        text = path.read_text("utf-8")
        assert not [name for name in others if name in text], path


def test_code_is_formatted() -> None:
    _run("ruff", "format", "--check", ".")


def test_code_is_clean() -> None:
    _run("ruff", "check", ".")


def test_types_hold() -> None:
    _run("mypy")


def test_top_level_is_as_agreed() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    names = {name.split("/")[0] for name in tracked if not name.startswith(".")}
    assert names <= TOP_LEVEL, names - TOP_LEVEL


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_small_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text("utf-8")
    lines = text.splitlines()
    assert len(lines) <= LINES_PER_FILE, f"{len(lines)} lines"
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no module docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LINES_PER_FUNCTION, f"{node.name} has {length} lines"
    # A column of Chinese names is wide on screen but short in characters: count characters.
    long = [number for number, line in enumerate(lines, 1) if len(line) > COLUMNS]
    assert not long, f"lines over {COLUMNS} columns: {long}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_money_is_never_a_float(path: Path) -> None:
    text = path.read_text("utf-8")
    found = re.findall(r"Float(?:32|64)|(?<![_\w.])float\(", text)
    assert not found, found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_texts_are_put_together_by_concat_str(path: Path) -> None:
    """Polars 2.1 panics in `pl.format` when it streams columns whose chunks are of different
    lengths, as after a filter on what was read in several pieces; `pl.concat_str` does not."""
    assert "pl.format(" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_error_is_swallowed(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            assert caught not in ("", "Exception", "BaseException"), f"line {node.lineno}"
            only_pass = all(isinstance(part, ast.Pass) for part in node.body)
            assert not only_pass, f"line {node.lineno}: an error is dropped"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_does_not_touch_the_world(path: Path) -> None:
    inside = path.relative_to(ROOT).parts
    if inside[0] == "flows" or inside[:2] in {("recon", "io"), ("recon", "commands")}:
        return
    if inside[:2] in {("recon", "cli.py"), ("recon", "console"), ("recon", "__main__.py")}:
        return
    imported = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imported.add(node.module.split(".")[0])
    assert not imported & WORLD, imported & WORLD


def test_unfinished_work_is_not_left_in_the_tree() -> None:
    marks = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "raise NotImplemented" + "Error"]))
    for path in [*SOURCES, *TESTS]:
        assert not marks.search(path.read_text("utf-8")), path


def test_markdown_has_one_title_each() -> None:
    for path in ROOT.glob("**/*.md"):
        if ".venv" in path.parts:
            continue
        fenced = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
        titles = [line for line in fenced.splitlines() if line.startswith("# ")]
        assert len(titles) == 1, f"{path} has {len(titles)} titles"


def test_ci_calls_the_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    command = ci.strip().splitlines()[-1]
    assert command in readme
    assert os.access(ROOT / ".ci" / "run", os.R_OK)
