"""Formulas in the words of a spreadsheet, and which amounts it can compute with exactly."""

from collections.abc import Callable
from string import Formatter
from typing import Final

from recon.money import EXPONENT, as_texts
from recon.reporting.layout import Page, Place, letter
from recon.reporting.sheets import CountOf, Formula, SumOf, Table

MAX_EXACT_DIGITS: Final = 15  # a spreadsheet computes in binary; longer amounts are written as text
# Currencies with more than four decimals show the digits they have, at least two.
_FIXED: Final[dict[str | None, int]] = {
    code: places if places <= 4 else 2 for code, places in EXPONENT.items()
}


class Addresses:
    """Turns formulas into the words of a spreadsheet, knowing where every table stands."""

    def __init__(self, placed: list[Page]) -> None:
        self._tables: dict[str, Table] = {}
        self._places: dict[str, list[Place]] = {}
        self._long: dict[tuple[str, str, tuple[str, ...]], frozenset[tuple[object, ...]]] = {}
        for place in (place for page in placed for place in page.places):
            if place.table:
                self._tables[place.table.name] = place.table
                self._places.setdefault(place.table.name, []).append(place)

    def resolve(self, formula: Formula, cell: Callable[[str], str]) -> str:
        """The formula without its equals sign; `cell` gives the address of a `{name}`."""
        if isinstance(formula, str):
            return formula.format_map({name: cell(name) for name in names_in(formula)})
        return "+".join(self._total(formula, place, cell) for place in self._places[formula.table])

    def _total(self, sum_of: SumOf, place: Place, cell: Callable[[str], str]) -> str:
        table = self._tables[sum_of.table]
        target = _range(place, table, sum_of.column)
        conditions = [
            f"{_range(place, table, column)},{_criterion(wanted, cell)}"
            for column, wanted in sum_of.where.items()
        ]
        if isinstance(sum_of, CountOf):
            return _call("COUNTIFS", target, '"<>"', *conditions)
        return _call("SUMIFS" if conditions else "SUM", target, *conditions)

    def sums_long_amount(self, sum_of: SumOf, cell: Callable[[str], object]) -> bool:
        """Would the formula add up an inexact cell? `cell` gives the value of a `{name}`."""
        if isinstance(sum_of, CountOf):
            return False
        long = self._long_keys(sum_of.table, sum_of.column, tuple(sum_of.where))
        if not long or not sum_of.where:
            return bool(long)
        wanted = [names_in(text) or text for text in sum_of.where.values()]
        return tuple(one if isinstance(one, str) else cell(one[0]) for one in wanted) in long

    def _long_keys(
        self, table: str, column: str, where: tuple[str, ...]
    ) -> frozenset[tuple[object, ...]]:
        """What the columns `where` hold in the rows whose amount is written as text, which a sum
        passes over."""
        key = (table, column, where)
        if key not in self._long:
            frame = self._tables[table].frame
            kinds = {other.name: other.kind for other in self._tables[table].columns}
            amounts = as_texts(frame[column]) if kinds[column] == "money" else []
            long = [digits is not None and is_long(digits) for digits in amounts]
            self._long[key] = (
                frozenset(
                    others
                    for is_text, others in zip(long, frame.select(where).iter_rows(), strict=True)
                    if is_text
                )
                if any(long)
                else frozenset()
            )
        return self._long[key]


def _call(function: str, *arguments: str) -> str:
    return f"{function}({','.join(arguments)})"


def _range(place: Place, table: Table, column: str) -> str:
    at = letter([other.name for other in table.columns].index(column))
    tab = place.tab.replace("'", "''")
    return f"'{tab}'!${at}${place.first}:${at}${place.last}"


def _criterion(wanted: str, cell: Callable[[str], str]) -> str:
    names = names_in(wanted)
    return cell(names[0]) if names else '"' + wanted.replace('"', '""') + '"'


def names_in(formula: str) -> list[str]:
    """The `{name}`s of a formula, each once."""
    found = (name for _, name, _, _ in Formatter().parse(formula) if name)
    return list(dict.fromkeys(found))


def is_long(digits: str) -> bool:
    """True for an amount with more significant digits than a spreadsheet can hold exactly."""
    if len(digits) <= MAX_EXACT_DIGITS:
        return False
    significant = digits.replace("-", "").replace(".", "").strip("0")
    return len(significant) > MAX_EXACT_DIGITS


def fixed_places(currency: str | None) -> int:
    """The decimals every amount of a currency shows; a token of many shows two and what it has."""
    return _FIXED.get(currency, 0)


def decimals(digits: str) -> int:
    """The decimals an amount really has."""
    return len(digits.partition(".")[2])
