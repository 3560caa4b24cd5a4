"""Three consecutive days of a provider that the generator can make in any size."""

from collections.abc import Mapping, Sequence

import polars as pl

from tests.generator.day import generate_day
from tests.generator.sources import DAYS, SEED, SampleSet
from tests.generator.spec import ACCOUNT, DaySpec, GeneratedDay

_OVERNIGHT = 2  # payments at each midnight whose two sides are dated a day apart


def sample_days(
    provider: str, rows: int, plants: Sequence[Mapping[str, int]]
) -> list[GeneratedDay]:
    """The days of one provider; each opens with the balances the one before closes with."""
    days: list[GeneratedDay] = []
    for business_date, planted in zip(DAYS, plants, strict=True):
        spec = DaySpec(
            provider=provider,
            account=ACCOUNT[provider],
            business_date=business_date,
            rows=rows,
            seed=SEED,
            plants=planted,
            opening_balances=days[-1].closing_balances if days else None,
            carry_in=_OVERNIGHT if days else 0,
            carry_out=_OVERNIGHT,
        )
        days.append(generate_day(spec))
    return days


def three_days(
    provider: str, rows: int, plants: Sequence[Mapping[str, int]], described: Mapping[str, str]
) -> SampleSet:
    days = sample_days(provider, rows, plants)
    files = {name: data for day in days for name, data in day.files.items()}
    labels = pl.concat([day.labels for day in days]).filter(pl.col("business_date") <= DAYS[-1])
    return SampleSet(
        slug=provider,
        files=files,
        rows={name: _data_rows(data) for name, data in files.items()},
        described=described,
        ledger=pl.concat([day.ledger for day in days]),
        labels=labels,
        carried=pl.concat([day.carried for day in days]),
    )


def _data_rows(data: bytes) -> int:
    """Rows of a WeChat Pay bill start with a back-tick and a date, those of PayPal with SB."""
    text = data.decode("utf-8-sig").splitlines()
    return sum(row.startswith(("`20", '"SB"')) for row in text)
