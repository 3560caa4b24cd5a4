"""What gives money back, or takes that back again, against the order it belongs to.

Rows are `<entry> <day> <kind> <order> <amount> [status]`; today is 20 November.
"""

from decimal import Decimal

import pytest

from recon.matching.origins import over_refunds, unfounded_reversals
from recon.tables import LEDGER_ENTRY
from tests.support import WHOSE, frame_of


def reported(text: str) -> list[str]:
    rows = [row.split() for row in text.strip().splitlines()]
    orders = frame_of(
        LEDGER_ENTRY,
        [
            {
                "entry_id": entry_id,
                "business_date": f"2026-{day}",
                "kind": kind,
                "merchant_ref" if kind == "payment" else "parent_ref": order,
                "currency": "CNY",
                "amount": amount,
                "status": status[0] if status else "succeeded",
            }
            for entry_id, day, kind, order, amount, *status in rows
        ],
    )
    found = [*over_refunds(orders, WHOSE).iter_rows(named=True)]
    found += unfounded_reversals(orders, WHOSE).iter_rows(named=True)
    return sorted(
        f"{row['type']} {row['merchant_ref']} {row['difference']:.2f} {' '.join(row['entry_ids'])}"
        for row in found
    )


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        # A dispute that was lost in spring and won in autumn is as it should be.
        (
            """
            P1 03-01 payment             R1  100.00
            C1 04-01 chargeback          R1 -100.00
            W1 11-20 chargeback_reversal R1  100.00
            """,
            [],
        ),
        # Lost again: a second chargeback, and a second representment.
        (
            """
            P1 03-01 payment             R1  100.00
            C1 04-01 chargeback          R1 -100.00
            W1 05-01 chargeback_reversal R1  100.00
            C2 06-01 chargeback          R1 -100.00
            W2 11-20 chargeback_reversal R1  100.00
            """,
            [],
        ),
        (
            """
            P1 03-01 payment             R1  100.00
            W1 11-20 chargeback_reversal R1  100.00
            """,
            ["chargeback_unrecorded R1 -100.00 W1"],
        ),
        (
            """
            P1 03-01 payment             R1  100.00
            C1 04-01 chargeback          R1  -60.00
            W1 11-20 chargeback_reversal R1  100.00
            """,
            ["chargeback_unrecorded R1 -40.00 W1"],
        ),
        (
            """
            P1 03-01 payment         R1  100.00
            F1 04-01 refund          R1 -100.00 failed
            V1 11-20 refund_reversal R1  100.00
            """,
            ["refund_unlinked R1 -100.00 V1"],
        ),
        # Reported on its own day, and not again when another one comes.
        (
            """
            P1 03-01 payment             R1  100.00
            W1 05-01 chargeback_reversal R1   30.00
            C1 11-20 chargeback          R1  -10.00
            """,
            [],
        ),
        # A payment older than the ledger: nothing can be told.
        ("W1 11-20 chargeback_reversal R1 100.00", []),
        # Refunded and disputed: more has gone than was paid.
        (
            """
            P1 03-01 payment    R1  100.00
            F1 04-01 refund     R1  -70.00
            C1 11-20 chargeback R1 -100.00
            """,
            ["over_refund R1 -70.00 C1"],
        ),
    ],
)
def test_a_reversal_needs_what_it_reverses(orders: str, expected: list[str]) -> None:
    assert reported(orders) == expected


def test_the_sentence_says_what_was_never_booked() -> None:
    rows = [
        {"entry_id": "P1", "kind": "payment", "merchant_ref": "R1", "amount": "100"},
        {"entry_id": "W1", "kind": "chargeback_reversal", "parent_ref": "R1", "amount": "30"},
    ]
    orders = frame_of(
        LEDGER_ENTRY,
        [row | {"business_date": WHOSE.business_date, "currency": "CNY"} for row in rows],
    )
    (found,) = unfounded_reversals(orders, WHOSE).iter_rows(named=True)
    assert found["explanation"] == (
        "Of order R1, 30.00 CNY has come back as chargeback reversal, but the ledger has only 0.00 "
        "CNY of chargeback booked: a chargeback of 30.00 CNY was never booked."
    )
    assert found["difference"] == Decimal(-30)
