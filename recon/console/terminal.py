"""What every command prints with: tables and JSON on standard output, complaints on the other."""

import json
import shutil
import sys
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recon.settings import AccountSettings

_BAR_WIDTH = 24


def complain(message: str) -> None:
    """One line a problem, on standard error."""
    for line in message.splitlines():
        print(f"recon: {line}", file=sys.stderr)


def day_listener(as_json: bool, total: int = 0) -> "Callable[[AccountSettings, date], None]":
    """A bar over `total` days of accounts, and which is under way; at a terminal only."""
    begun = 0

    def tell(account: "AccountSettings", day: date) -> None:
        nonlocal begun
        begun += 1
        if not as_json and sys.stderr.isatty():
            text = f"{_bar(begun - 1, total)}{day} {account.provider} {shortened(account.account)}"
            room = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:room]}", end="", file=sys.stderr, flush=True)

    return tell


def _bar(done: int, total: int) -> str:
    if total < 2:
        return ""
    filled = _BAR_WIDTH * min(done, total) // total
    return f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {min(done, total)}/{total}  "


def end_progress() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str))


_LONGEST_NAME = 14
_DECIMALS_SHOWN = 6


def shortened(name: str) -> str:
    """A long number with its middle left out, as wallets show theirs; whole where it is piped."""
    return middle_left_out(name) if sys.stdout.isatty() else name


def shortened_amount(amount: str) -> str:
    """`10.123456… ETH`: of a token's many decimals those that tell; whole where it is piped."""
    digits, space, currency = amount.partition(" ")
    whole, _, decimals = digits.partition(".")
    if len(decimals) <= _DECIMALS_SHOWN or not sys.stdout.isatty():
        return amount
    return f"{whole}.{decimals[:_DECIMALS_SHOWN]}…{space}{currency}"


def middle_left_out(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:5]}…{name[-4:]}"


def room() -> int | None:
    """The width of the terminal; None where the output goes elsewhere and may be of any width."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
