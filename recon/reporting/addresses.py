"""Formulas in the words of a spreadsheet, and which amounts it can compute with exactly."""

from collections.abc import Callable
from string import Formatter
from typing import Final

import polars as pl

from recon.money import EXPONENT, to_text
from recon.reporting.layout import Page, Place, letter
from recon.reporting.sheets import CountOf, Formula, SumOf, Table

MAX_EXACT_DIGITS: Final = 15  # a spreadsheet computes in binary; longer amounts are written as text
_FIXED_PLACES: Final = 4  # currencies with more decimals show the digits they have, at least two
_SEPARATOR: Final = "\x1f"


class Addresses:
    """Turns formulas into the words of a spreadsheet, knowing where every table stands."""

    def __init__(self, placed: list[Page]) -> None:
        self._tables: dict[str, Table] = {}
        self._places: dict[str, list[Place]] = {}
        self._long: dict[tuple[str, str], pl.DataFrame] = {}
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

    def _long_amounts(self, table: str, column: str) -> pl.DataFrame:
        """The rows of a table whose amount is written as text, which a sum passes over."""
        if (table, column) not in self._long:
            kinds = {other.name: other.kind for other in self._tables[table].columns}
            wanted = is_long(pl.col(column)) if kinds[column] == "money" else pl.lit(value=False)
            self._long[table, column] = self._tables[table].frame.filter(wanted)
        return self._long[table, column]

    def sums_long_amounts(self, sum_of: SumOf, rows: pl.DataFrame) -> pl.Series:
        """Per row of `rows` (the columns a condition names): would it add up an inexact cell?"""
        if isinstance(sum_of, CountOf):
            return pl.repeat(value=False, n=rows.height, eager=True)
        long = self._long_amounts(sum_of.table, sum_of.column)
        if long.height == 0 or not sum_of.where:
            return pl.repeat(long.height > 0, n=rows.height, eager=True)
        keys = long.select(pl.concat_str(list(sum_of.where), separator=_SEPARATOR)).to_series()
        wanted = [
            pl.col(names_in(text)[0]) if names_in(text) else pl.lit(text)
            for text in sum_of.where.values()
        ]
        key = pl.concat_str(wanted, separator=_SEPARATOR)
        return rows.select(key.is_in(keys.implode()).fill_null(value=False)).to_series()


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


def is_long(amount: pl.Expr) -> pl.Expr:
    """True for an amount with more significant digits than a spreadsheet can hold exactly."""
    digits = to_text(amount).str.replace_all(r"[-.]", "").str.strip_chars("0")
    return (digits.str.len_bytes() > MAX_EXACT_DIGITS).fill_null(value=False)


def fixed_places(currency: pl.Expr) -> pl.Expr:
    """The decimals every amount of a currency shows; a token of many shows two and what it has."""
    shown = {code: places if places <= _FIXED_PLACES else 2 for code, places in EXPONENT.items()}
    return currency.replace_strict(shown, default=0, return_dtype=pl.Int64).fill_null(0)


def decimals(amount: pl.Expr) -> pl.Expr:
    """The decimals an amount really has."""
    return to_text(amount).str.extract(r"\.(\d+)$").str.len_bytes().fill_null(0).cast(pl.Int64)
