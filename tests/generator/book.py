"""Movements of a small sample day, what the ledger books of them, and the truth about both.

For sources whose samples are a few rows in a real layout. A source makes Movements, renders them
in its own format, and takes ledger and labels from here, so that both follow from one list.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from zoneinfo import ZoneInfo

import polars as pl

from recon.tables import LEDGER_ENTRY
from tests.generator.sources import DAYS, SEED, SampleSet
from tests.generator.spec import CARRIED, LABEL

NOT_BOOKED = ("missing_in_ledger", "unidentified_receipt")
ONE_SIDED = (*NOT_BOOKED, "missing_in_provider", "payout_not_received", "payout_mismatch")


@dataclass(frozen=True)
class Movement:
    """One movement of money. `charged` is the fee on the statement, `fee` what the tariff says.

    `plant` is the discrepancy made of it; None: both sides agree. `booked` is what the ledger has
    for the amount; None: the amount itself. `in_ledger` is False for what only the statement shows
    and needs no entry, which no kind of ours does.
    """

    day: date
    second: int  # of the local day
    kind: str
    currency: str
    amount: Decimal
    fee: Decimal
    txn_id: str | None
    merchant_ref: str | None = None
    parent_txn_id: str | None = None
    parent_ref: str | None = None
    method: str | None = None
    plant: str | None = None
    surplus: Decimal = Decimal(0)  # charged above the tariff

    @property
    def charged(self) -> Decimal:
        return self.fee + self.surplus

    @property
    def net(self) -> Decimal:
        return self.amount - self.charged

    @property
    def is_on_statement(self) -> bool:
        return self.plant not in ("missing_in_provider", "payout_not_received")

    def local(self) -> datetime:
        return datetime.combine(self.day, time()) + timedelta(seconds=self.second)

    def instant(self, zone: ZoneInfo) -> datetime:
        return self.local().replace(tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True)
class Rate:
    """A tariff as configs/fees has it: percent of the amount plus a fixed fee."""

    percent: Decimal
    fixed: Decimal
    places: int = 2

    def of(self, amount: Decimal) -> Decimal:
        return cents(amount * self.percent / 100, self.places) + self.fixed


@dataclass(frozen=True)
class Trade:
    """What a shop sells in three days: payments in some currencies, and refunds of some of them.

    `new_id(random, kind)` makes a transaction id of the provider.
    """

    slug: str
    rates: Mapping[str, Rate]
    methods: Sequence[str]
    new_id: Callable[[Random, str], str]
    payments_a_day: int = 24
    order_prefix: str = "S"

    def movements(self, random: Random) -> list[Movement]:
        made: list[Movement] = []
        for day in DAYS:
            payments = [self._payment(random, day, n) for n in range(self.payments_a_day)]
            sold = [one for one in made if one.kind == "payment"] + payments[::5]
            refunded = {one.parent_txn_id for one in made}
            open_to = [one for one in sold[::7] if one.txn_id not in refunded]
            made += payments
            made += [self._refund(random, day, one, n) for n, one in enumerate(open_to, start=1)]
        return made

    def _payment(self, random: Random, day: date, number: int) -> Movement:
        currency = random.choice(list(self.rates))
        places = self.rates[currency].places
        amount = cents(Decimal(random.randrange(500, 60_000)).scaleb(-2), places)
        if places == 0:
            amount *= 100
        return Movement(
            day=day,
            second=1800 + number * 3300 + random.randrange(3000),
            kind="payment",
            currency=currency,
            amount=amount,
            fee=self.rates[currency].of(amount),
            txn_id=self.new_id(random, "payment"),
            merchant_ref=f"{self.order_prefix}{day:%y%m%d}{number:05}",
            method=random.choice(list(self.methods)),
        )

    def _refund(self, random: Random, day: date, of: Movement, number: int) -> Movement:
        share = random.choice((Decimal(1), Decimal("0.5")))
        return Movement(
            day=day,
            second=80_000 + number * 60 + random.randrange(60),
            kind="refund",
            currency=of.currency,
            amount=-cents(of.amount * share, self.rates[of.currency].places),
            fee=Decimal(0),
            txn_id=self.new_id(random, "refund"),
            merchant_ref=f"R{of.merchant_ref}-{number}",
            parent_txn_id=of.txn_id,
            parent_ref=of.merchant_ref,
            method=of.method,
        )


def sample_set(
    slug: str,
    account: str,
    zone: str,
    movements: Sequence[Movement],
    files: Mapping[str, tuple[bytes, int]],
    described: Mapping[str, str],
) -> SampleSet:
    """Put a source's samples together; `files` are bytes and number of data rows by name."""
    return SampleSet(
        slug=slug,
        files={name: data for name, (data, _) in files.items()},
        rows={name: count for name, (_, count) in files.items()},
        described=described,
        ledger=ledger(slug, account, f"SHOP-{slug.upper()}", zone, movements),
        labels=labels(slug, account, movements),
        carried=nothing_carried(),
    )


# What is planted where a source has nothing of its own: nothing at all on the first day.
PLANTS: Mapping[date, Sequence[str]] = {
    DAYS[1]: ("missing_in_ledger", "missing_in_provider", "amount_mismatch"),
    DAYS[2]: ("fee_variance", "amount_mismatch", "direction_mismatch", "missing_in_ledger"),
}


def cents(amount: Decimal, places: int = 2) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def random_of(slug: str) -> Random:
    return Random(f"{SEED}:{slug}")


def planted(movements: Sequence[Movement], plants: Mapping[date, Sequence[str]]) -> list[Movement]:
    """The same movements, some payments of each day with a discrepancy planted."""
    made = list(movements)
    for day, names in plants.items():
        payments = [
            place for place, one in enumerate(made) if one.day == day and one.kind == "payment"
        ]
        refunded = {one.parent_txn_id for one in made}
        free = [place for place in payments if made[place].txn_id not in refunded]
        for name, place in zip(names, free[2::2], strict=False):
            surplus = Decimal(1) if made[place].currency == "JPY" else Decimal("0.05")
            made[place] = replace(
                made[place],
                plant=name,
                surplus=surplus if name == "fee_variance" else Decimal(0),
            )
    return made


def ledger(
    slug: str, account: str, merchant: str, zone: str, movements: Iterable[Movement]
) -> pl.DataFrame:
    """LEDGER_ENTRY: one entry a movement, but for those the ledger lacks."""
    rows = []
    booked = [one for one in movements if one.plant not in (*NOT_BOOKED, "payout_not_received")]
    for number, one in enumerate(booked, start=1):
        knows_txn = one.plant in (None, "fee_variance", "amount_mismatch") and number % 10 < 7
        rows.append(
            {
                "entry_id": f"GL-{one.day:%Y%m%d}-{slug[:2].upper()}{number:06}",
                "provider": slug,
                "account": account,
                "merchant_id": merchant,
                "business_date": one.day,
                "booked_at": one.instant(ZoneInfo(zone)) + timedelta(seconds=3),
                "kind": one.kind,
                "merchant_ref": one.merchant_ref,
                "txn_id": one.txn_id if knows_txn or one.merchant_ref is None else None,
                "parent_ref": one.parent_ref,
                "payment_method": one.method,
                "currency": one.currency,
                "amount": _booked(one),
                "status": "succeeded",
                "memo": one.kind.replace("_", " "),
            }
        )
    frame = pl.DataFrame(
        rows, schema_overrides={"amount": pl.Decimal(38, 18)}, infer_schema_length=None
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in LEDGER_ENTRY.items())


def _booked(one: Movement) -> Decimal:
    if one.plant == "amount_mismatch":
        return one.amount + 10
    if one.plant == "direction_mismatch":
        return -one.amount
    return one.amount


def labels(slug: str, account: str, movements: Iterable[Movement]) -> pl.DataFrame:
    """LABEL of the planted movements that a run of the three days reports."""
    rows = []
    for one in movements:
        if one.plant is None:
            continue
        reported = one.day + timedelta(days=one.plant in ONE_SIDED)
        difference = {
            "missing_in_ledger": one.amount,
            "unidentified_receipt": one.amount,
            "payout_not_received": -one.amount,
            "payout_mismatch": -one.surplus,
            "missing_in_provider": -one.amount,
            "fee_variance": one.surplus,
        }.get(one.plant, one.amount - _booked(one))
        rows.append(
            {
                "type": one.plant,
                "provider": slug,
                "account": account,
                "business_date": reported,
                "currency": one.currency,
                "difference": difference,
                "merchant_ref": one.merchant_ref,
                "txn_id": one.txn_id if one.is_on_statement else None,
                "note": f"{one.kind} of {one.amount} {one.currency}: {one.plant.replace('_', ' ')}",
            }
        )
    if not rows:
        return pl.DataFrame(schema=LABEL)
    frame = pl.DataFrame(
        rows, schema_overrides={"difference": pl.Decimal(38, 18)}, infer_schema_length=None
    )
    frame = frame.select(pl.col(name).cast(dtype) for name, dtype in LABEL.items())
    return frame.filter(pl.col("business_date") <= DAYS[-1])


def nothing_carried() -> pl.DataFrame:
    return pl.DataFrame(schema=CARRIED)
