"""A bank: the euro account as camt.053, the yuan account as MT940, three days of each.

Payouts of the other samples arrive here a day later, those of Adyen by their number, those of
Stripe without; one never comes. What the acquirer has turned over comes on the next business day,
once without the rent of a terminal. Beside them are charges, suppliers and a credit nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from types import ModuleType
from xml.sax.saxutils import escape

import polars as pl

from tests.generator import book
from tests.generator.book import Movement
from tests.generator.sources import DAYS, SampleSet, acquirer, adyen, stripe

_ZONE = "Europe/Amsterdam"


@dataclass(frozen=True)
class _Account:
    number: str
    currency: str
    opening: Decimal


_EURO = _Account("NL02RECO0123456789", "EUR", Decimal("41250.17"))
_YUAN = _Account("6222021000001234567", "CNY", Decimal("305000.00"))
_RENT = Decimal("14.90")
_SUPPLIERS = ("Bluebird Roasters", "Harbour Freight & Co", "Paper Mill Ltd")


def samples() -> SampleSet:
    euro, yuan = _euro(), _yuan()
    files: dict[str, tuple[bytes, int]] = {}
    for day in DAYS:
        there = [one for one in euro if one.day == day and one.is_on_statement]
        before = [one for one in euro if one.day < day and one.is_on_statement]
        files[f"{_EURO.number}_{day}.camt053.xml"] = camt(there, before, day), len(there)
    for day in DAYS:
        there = [one for one in yuan if one.day == day and one.is_on_statement]
        before = [one for one in yuan if one.day < day and one.is_on_statement]
        files[f"{_YUAN.number}_{day}.mt940.sta"] = _mt940(there, before, day), len(there)
    made = [
        book.sample_set("bank", account.number, _ZONE, movements, {}, {})
        for account, movements in ((_EURO, euro), (_YUAN, yuan))
    ]
    return SampleSet(
        slug="bank",
        files={name: data for name, (data, _) in files.items()},
        rows={name: count for name, (_, count) in files.items()},
        described={
            "*.camt053.xml": "bank statements of the euro account, camt.053 version 8",
            "*.mt940.sta": "bank statements of the yuan account, MT940",
        },
        ledger=pl.concat(
            _renumbered(one.ledger, series) for one, series in zip(made, "EY", strict=True)
        ),
        labels=pl.concat(one.labels for one in made),
        carried=book.nothing_carried(),
    )


def _renumbered(ledger: pl.DataFrame, series: str) -> pl.DataFrame:
    """Both accounts number their entries alike; the series tells them apart."""
    return ledger.with_columns(pl.col("entry_id") + series)


def _euro() -> list[Movement]:
    """Payouts of the day before, suppliers, a monthly charge."""
    made = []
    for day, (reference, amount) in zip(DAYS[1:], _payouts(adyen), strict=False):
        made.append(_transfer(day, "EUR", amount, f"AD{day:%y%m%d}", reference))
    (_, first), (_, second), _ = _payouts(stripe)
    lost = _transfer(DAYS[1], "EUR", first, f"ST{DAYS[1]:%y%m%d}", None)  # due then, and not there
    made.append(replace(lost, plant="payout_not_received"))
    made.append(_transfer(DAYS[2], "EUR", second, f"ST{DAYS[2]:%y%m%d}", None))
    (first_day, earned), (second_day, rest) = acquirer.payouts()
    short = _transfer(first_day, "EUR", earned - _RENT, f"KP{first_day:%y%m%d}", _of(first_day))
    made.append(replace(short, plant="payout_mismatch", surplus=_RENT))
    made.append(_transfer(second_day, "EUR", rest, f"KP{second_day:%y%m%d}", _of(second_day)))
    for number, day in enumerate(DAYS):
        paid = Decimal("1250.40") + 310 * number
        made.append(_transfer(day, "EUR", -paid, f"SUP{day:%y%m%d}", f"INV-{8810 + number}"))
    charge = _transfer(DAYS[2], "EUR", Decimal("-12.50"), "FEE261120", None)
    made.append(replace(charge, kind="fee"))
    stranger = _transfer(DAYS[1], "EUR", Decimal("88.00"), "UNK261119", None)
    made.append(replace(stranger, plant="unidentified_receipt"))
    return sorted(made, key=lambda one: (one.day, one.txn_id or ""))


def _of(day: date) -> str:
    """What the acquirer calls its payout of a day."""
    return f"4711-0815/{day:%Y%m%d}"


def _payouts(source: ModuleType) -> list[tuple[str, Decimal]]:
    """Number and amount of the payouts in euro, in the order of their days."""
    entries = source.samples().ledger.filter(kind="payout", currency="EUR").sort("business_date")
    return [
        (str(row["txn_id"]), book.cents(-row["amount"])) for row in entries.iter_rows(named=True)
    ]


def _yuan() -> list[Movement]:
    """Alipay's withdrawal arrives, rent and wages go, and one amount is booked wrong."""
    return [
        _transfer(DAYS[0], "CNY", Decimal("-18000.00"), "C26111801", "RENT-1118"),
        _transfer(DAYS[1], "CNY", Decimal("15000.00"), "C26111901", "WD-20261119"),
        replace(
            _transfer(DAYS[1], "CNY", Decimal("-760.00"), "C26111902", "PWR-1119"),
            plant="amount_mismatch",
        ),
        _transfer(DAYS[2], "CNY", Decimal("-9400.00"), "C26112001", "WAGE-1120"),
    ]


def _transfer(day: date, currency: str, amount: Decimal, bank: str, ref: str | None) -> Movement:
    return Movement(day, 0, "transfer", currency, amount, Decimal(0), bank, ref)


def camt(movements: Sequence[Movement], before: Sequence[Movement], day: date) -> bytes:
    opening = _EURO.opening + sum(one.amount for one in before)
    closing = opening + sum(one.amount for one in movements)
    balances = [_camt_balance("OPBD", opening, day), _camt_balance("CLBD", closing, day)]
    entries = [_camt_entry(one, number) for number, one in enumerate(movements)]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">',
            " <BkToCstmrStmt>",
            f"  <GrpHdr><MsgId>STMT{day:%Y%m%d}</MsgId><CreDtTm>{day}T23:30:00</CreDtTm></GrpHdr>",
            "  <Stmt>",
            f"   <Id>E{day:%Y%m%d}</Id>",
            f"   <Acct><Id><IBAN>{_EURO.number}</IBAN></Id><Ccy>EUR</Ccy></Acct>",
            *balances,
            f"   <TxsSummry><TtlNtries><NbOfNtries>{len(movements)}</NbOfNtries></TtlNtries>"
            "</TxsSummry>",
            *entries,
            "  </Stmt>",
            " </BkToCstmrStmt>",
            "</Document>",
            "",
        ]
    ).encode()


def _camt_balance(code: str, amount: Decimal, day: date) -> str:
    return (
        f"   <Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_camt_amount(amount)}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _camt_amount(amount: Decimal) -> str:
    side = "CRDT" if amount >= 0 else "DBIT"
    return f'<Amt Ccy="EUR">{abs(amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _camt_entry(one: Movement, number: int) -> str:
    family = "<Fmly><Cd>{}</Cd><SubFmlyCd>{}</SubFmlyCd></Fmly>"
    code = family.format("MCOP", "CHRG") if one.kind == "fee" else family.format("RCDT", "ESCT")
    reference, text = one.merchant_ref or "NOTPROVIDED", _SUPPLIERS[number % 3]
    if reference.startswith("TX"):  # as Adyen writes it, and as banks wrap it
        text, reference = f"{reference[:6]} {reference[6:]} batch, ReconDemoEU", "NOTPROVIDED"
    return (
        f"   <Ntry>{_camt_amount(one.amount)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{one.day}</Dt></BookgDt><ValDt><Dt>{one.day}</Dt></ValDt>"
        f"<AcctSvcrRef>{one.txn_id}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd>{code}</Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>"
        f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _mt940(movements: Sequence[Movement], before: Sequence[Movement], day: date) -> bytes:
    opening = _YUAN.opening + sum(one.amount for one in before)
    closing = opening + sum(one.amount for one in movements)
    lines = [f":20:STMT{day:%y%m%d}", f":25:{_YUAN.number}", f":28C:{day:%j}/1",
             f":60F:C{day:%y%m%d}CNY{_comma(opening)}"]  # fmt: skip
    for one in movements:
        mark = "C" if one.amount > 0 else "D"
        lines += [
            f":61:{day:%y%m%d}{day:%m%d}{mark}{_comma(abs(one.amount))}NTRFNONREF//{one.txn_id}",
            f":86:EREF+{one.merchant_ref}",
            "SVWZ+transfer",
        ]
    lines += [f":62F:C{day:%y%m%d}CNY{_comma(closing)}", "-"]
    return ("\r\n".join(lines) + "\r\n").encode()


def _comma(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")
