"""A case as people read it: what it is about, and everything that happened to it."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon.console.terminal import print_json
from recon.reporting import text
from recon.wording import Language, display_width

if TYPE_CHECKING:
    from recon.io.audit import AuditRecord


def show_case(
    case: Mapping[str, Any],
    told: "Sequence[AuditRecord]",
    files: Sequence[Path],
    *,
    as_json: bool,
    language: Language | None = None,
) -> None:
    """A fact a line, then a deed a line, then the attachments."""
    if as_json:
        history = [
            {"at": one.at, "actor": one.actor, "event": one.event, "detail": one.detail}
            for one in told
        ]
        print_json({**case, "history": history, "attachments": [str(file) for file in files]})
        return
    facts = {name: value for name, value in case.items() if value is not None}
    labels = {name: text.COLUMNS[name] for name in case}  # whether asked for or not
    shown = {name: name for name in case} if language is None else text.words(labels, language)
    width = max(display_width(shown[name]) for name in facts)
    for name, value in facts.items():
        space = " " * (width - display_width(shown[name]))
        print(f"{space}{shown[name]}: {_shown(name, value, case['currency'], language)}")
    for one in told:
        print(f"{one.at[:19]} {one.actor}: {one.event}{_detail(one.detail, case)}")
    for file in files:
        print(f"attached: {file}")


def _shown(name: str, value: object, currency: str | None, language: Language | None) -> str:
    """Instants to the second, the difference as everywhere else, words in a language."""
    from recon.money import display  # with Polars: only here

    if name == "difference" and currency is not None:
        return display(Decimal(str(value)), currency)
    if name.endswith("_at"):
        return str(value)[:19]
    group = {"state": text.CASE_STATES, "type": text.TYPES}.get(name)
    if group is None or language is None:
        return str(value)
    return text.words(group, language)[str(value)]


def _detail(told: str, case: Mapping[str, Any]) -> str:
    """What a record tells beside what the case says already."""
    facts = {
        name: value for name, value in json.loads(told).items() if str(case.get(name)) != value
    }
    return "".join(f", {name.replace('_', ' ')}: {value}" for name, value in facts.items())
