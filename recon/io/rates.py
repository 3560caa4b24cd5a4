"""Reference rates: the historical file of the European Central Bank, as it is downloaded.

https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/
One row a business day, one column a currency, how much of it one euro is; N/A where there is none.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from recon.boundary import check
from recon.errors import UserError
from recon.money import MONEY, parse
from recon.tables import EXCHANGE_RATE

_DAY: Final = "Date"
_DECIMALS: Final = 12
_ABSENT: Final = ("", "N/A")


def read_rates(path: Path, until: date, max_age_days: int) -> pl.DataFrame:
    """EXCHANGE_RATE of the days from which a rate may be taken for `until`, sorted.

    Errors: UserError for a file that is not there or not in the ECB's layout, with line and value.
    """
    try:
        cells = pl.read_csv(path.read_bytes(), infer_schema=False, truncate_ragged_lines=True)
    except OSError as error:
        raise UserError(f"cannot read the rates {path}: {error.strerror}") from None
    except pl.exceptions.PolarsError:
        raise _not_rates(path, "it is no CSV file") from None
    cells = cells.rename(str.strip)
    codes = [name for name in cells.columns if name.isalpha() and name.isupper()]
    if _DAY not in cells.columns or not codes:
        raise _not_rates(path, f"the first line must be {_DAY},USD,JPY and so on")
    rows = (
        cells.with_row_index("line_no", offset=2)
        .with_columns(rated_on=pl.col(_DAY).str.strip_chars().str.to_date("%Y-%m-%d", strict=False))
        .unpivot(on=codes, index=["line_no", _DAY, "rated_on"], variable_name="currency")
        .with_columns(pl.col("value").str.strip_chars().fill_null(""))
        .filter(~pl.col("value").is_in(_ABSENT))
        .with_columns(per_euro=parse(pl.col("value"), decimals=_DECIMALS))
    )
    _refuse_bad_rows(rows, path)
    first = until - timedelta(days=max_age_days)
    rates = (
        rows.filter(pl.col("rated_on").is_between(first, until))
        .select(pl.col(name).cast(dtype) for name, dtype in EXCHANGE_RATE.items())
        .sort("rated_on", "currency")
    )
    check("EXCHANGE_RATE", rates)
    return rates


def _refuse_bad_rows(rows: pl.DataFrame, path: Path) -> None:
    bad = rows.filter(pl.col("rated_on").is_null()).sort("line_no")
    if bad.height:
        row = bad.row(0, named=True)
        raise _not_rates(path, f"line {row['line_no']}: {row[_DAY]!r} is no date like 2026-11-20")
    positive = (pl.col("per_euro") > pl.lit(0, dtype=MONEY)).fill_null(value=False)
    bad = rows.filter(~positive).sort("line_no", "currency")
    if bad.height:
        row = bad.row(0, named=True)
        what = f"line {row['line_no']}: {row['currency']} is {row['value']!r}, which is no rate"
        raise _not_rates(path, what)
    twice = rows.filter(pl.struct("rated_on", "currency").is_duplicated()).sort("line_no")
    if twice.height:
        raise _not_rates(path, f"line {twice['line_no'][-1]}: {twice[_DAY][-1]} is there twice")


def _not_rates(path: Path, why: str) -> UserError:
    return UserError(
        f"{path}: {why}; take eurofxref-hist.csv of the European Central Bank as it is"
    )
