"""Payouts to merchants as a file for the bank: ISO 20022 customer credit transfer, pain.001.001.09.

One payment information block for each account that is debited, currency and date. All identifiers
are made of the settlements, so the same payouts give the same file, byte for byte.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from lxml import etree

from recon.errors import ensure
from recon.merchants.lines import BankAccount
from recon.money import EXPONENT

NAMESPACE: Final[str] = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_NAMES: Final[Any] = {None: NAMESPACE}  # lxml knows the default namespace, its types do not
_LONGEST_ID: Final = 35
_LONGEST_NAME: Final = 140


@dataclass(frozen=True)
class Payment:
    """One payout: from one of our accounts to a merchant's."""

    payment_id: str
    payer: BankAccount
    payee: BankAccount
    amount: Decimal
    pay_on: date
    remittance: str

    @property
    def currency(self) -> str:
        return self.payer.currency

    @property
    def amount_text(self) -> str:
        """With the decimals of the currency. Errors: BrokenInvariantError where it has more."""
        text = f"{self.amount:.{EXPONENT[self.currency]}f}"
        ensure(Decimal(text) == self.amount > 0, f"{self.amount} {self.currency} cannot be paid")
        return text


def message_id(payments: Sequence[Payment]) -> str:
    """The name of a file: it follows from what is paid."""
    said = "\n".join(sorted(repr(payment) for payment in payments))
    return f"RECON-{hashlib.sha256(said.encode()).hexdigest()[:24]}"


def pain001(payments: Sequence[Payment], initiator: str, made_on: date) -> bytes:
    """The file. `made_on` is the date it bears: a day of the settlement, so that it can be made
    again."""
    ensure(bool(payments), "a payment file without payments")
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap=_NAMES)
    body = _add(root, "CstmrCdtTrfInitn")
    name = message_id(payments)
    header = _add(body, "GrpHdr")
    _add(header, "MsgId", name)
    _add(header, "CreDtTm", f"{made_on.isoformat()}T00:00:00Z")
    _add(header, "NbOfTxs", str(len(payments)))
    _add(header, "CtrlSum", _control_sum(payments))
    _add(_add(header, "InitgPty"), "Nm", initiator[:_LONGEST_NAME])
    blocks = groupby(sorted(payments, key=_place), key=_block)
    for number, (_, members) in enumerate(blocks, start=1):
        _block_of(body, f"{name}-{number}"[:_LONGEST_ID], list(members))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _control_sum(payments: Sequence[Payment]) -> str:
    return f"{sum((Decimal(one.amount_text) for one in payments), Decimal(0)):f}"


def _block(one: Payment) -> tuple[str, str, date]:
    return one.payer.iban or one.payer.account_number or "", one.currency, one.pay_on


def _place(one: Payment) -> tuple[tuple[str, str, date], str]:
    return _block(one), one.payment_id


def _block_of(body: etree._Element, name: str, members: Sequence[Payment]) -> None:
    payer, is_sepa = members[0].payer, all(_is_sepa(one) for one in members)
    block = _add(body, "PmtInf")
    _add(block, "PmtInfId", name)
    _add(block, "PmtMtd", "TRF")
    _add(block, "NbOfTxs", str(len(members)))
    _add(block, "CtrlSum", _control_sum(members))
    if is_sepa:
        _add(_add(_add(block, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(block, "ReqdExctnDt"), "Dt", members[0].pay_on.isoformat())
    _add(_add(block, "Dbtr"), "Nm", payer.name[:_LONGEST_NAME])
    _account(_add(block, "DbtrAcct"), payer)
    _agent(_add(block, "DbtrAgt"), payer)
    _add(block, "ChrgBr", "SLEV" if is_sepa else "SHAR")
    for one in members:
        _transfer(_add(block, "CdtTrfTxInf"), one)


def _is_sepa(one: Payment) -> bool:
    return one.currency == "EUR" and None not in (one.payer.iban, one.payee.iban)


def _transfer(transfer: etree._Element, one: Payment) -> None:
    ids = _add(transfer, "PmtId")
    _add(ids, "InstrId", one.payment_id)
    _add(ids, "EndToEndId", one.payment_id)
    amount = _add(_add(transfer, "Amt"), "InstdAmt", one.amount_text)
    amount.set("Ccy", one.currency)
    if one.payee.bic is not None:
        _agent(_add(transfer, "CdtrAgt"), one.payee)
    _add(_add(transfer, "Cdtr"), "Nm", one.payee.name[:_LONGEST_NAME])
    _account(_add(transfer, "CdtrAcct"), one.payee)
    _add(_add(transfer, "RmtInf"), "Ustrd", one.remittance[:_LONGEST_NAME])


def _account(parent: etree._Element, account: BankAccount) -> None:
    number = _add(parent, "Id")
    if account.iban is not None:
        _add(number, "IBAN", account.iban)
    else:
        _add(_add(number, "Othr"), "Id", account.account_number or "")
    _add(parent, "Ccy", account.currency)


def _agent(parent: etree._Element, account: BankAccount) -> None:
    agent = _add(parent, "FinInstnId")
    if account.bic is not None:
        _add(agent, "BICFI", account.bic)
    else:
        _add(_add(agent, "Othr"), "Id", "NOTPROVIDED")


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text
    return child


def payment_rows(payments: Sequence[Payment]) -> list[Mapping[str, str]]:
    """The same payouts as rows of text, for banks that take CSV."""
    return [
        {
            "payment_id": one.payment_id,
            "payer": one.payer.iban or one.payer.account_number or "",
            "beneficiary": one.payee.name,
            "account": one.payee.iban or one.payee.account_number or "",
            "bic": one.payee.bic or "",
            "currency": one.currency,
            "amount": one.amount_text,
            "pay_on": one.pay_on.isoformat(),
            "remittance": one.remittance,
        }
        for one in sorted(payments, key=_place)
    ]
