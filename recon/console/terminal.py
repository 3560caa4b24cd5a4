"""What every command prints with: tables and JSON on standard output, complaints on the other."""

import json
import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from recon.settings import AccountSettings


def complain(message: str) -> None:
    """One line a problem, on standard error."""
    for line in message.splitlines():
        print(f"recon: {line}", file=sys.stderr)


def day_listener(as_json: bool) -> "Callable[[AccountSettings, date], None]":
    """Says what is under way, at a terminal only."""

    def tell(account: "AccountSettings", day: date) -> None:
        if not as_json and sys.stderr.isatty():
            text = f"{day} {account.provider} {account.account} ..."
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    return tell


def end_progress() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str))


def new_table(title: str | None, columns: Sequence[tuple[str, str]]) -> "Table":
    from rich import box
    from rich.table import Table

    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name, justify in columns:
        made.add_column(name, justify=justify)  # type: ignore[arg-type]
    return made


def print_parts(*parts: Any) -> None:
    from rich.console import Console

    # Piped output keeps whole rows: a log or a file has no width to fit into.
    width = None if sys.stdout.isatty() else 200
    console = Console(width=width, highlight=False)
    for part in parts:
        console.print(part)
