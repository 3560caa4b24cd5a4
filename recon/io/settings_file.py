"""One file of the configuration, read and checked: whatever is wrong with it, a line a setting."""

import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from recon.errors import UserError
from recon.io.setting_types import Settings

_Table = TypeVar("_Table", bound=Settings)
_CONTROL: Final = ("Cc", "Zl", "Zp")  # control characters, separators of lines and paragraphs


def read_settings(path: Path, model: type[_Table]) -> _Table:
    """The file as its table. Errors: UserError, a line a problem."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}") from None
    problems = [f"{path}: {problem}" for problem in _control_characters(raw, "")]
    if problems:  # before anything that would repeat them
        raise UserError("\n".join(problems))
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise UserError("\n".join(_problems(path, error))) from None


def _control_characters(raw: Any, place: str) -> Iterator[str]:
    """Texts that no terminal and no workbook could show. A tab by itself separates columns."""
    if isinstance(raw, dict):
        for name, value in raw.items():
            yield from _control_characters(name, place)
            yield from _control_characters(value, f"{place}.{name}".lstrip("."))
    elif isinstance(raw, list):
        for number, value in enumerate(raw):
            yield from _control_characters(value, f"{place}.{number}")
    elif isinstance(raw, str) and raw != "\t":
        found = next((one for one in raw if unicodedata.category(one) in _CONTROL), None)
        if found is not None:
            yield f"{_shown(place)}: take the control character {found!r} out of {_shown(raw)}"


def _shown(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _problems(path: Path, error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            text = "there is no such setting"
        yield f"{path}: {place}: {text}"
