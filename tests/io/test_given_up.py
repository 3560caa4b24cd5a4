"""What was written off is remembered: it may come after all."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from recon.io.database import Database
from recon.io.write_offs import approved_write_offs, given_up_rows
from tests.io.test_cases import WHOSE, Place

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def test_what_was_given_up_is_known_to_later_days_as_it_was_carried(
    database: Database, tmp_path: Path
) -> None:
    place = Place(database, tmp_path)
    place.run(20, "r20", "match:L1=5", carried="L1 L2")
    place.run(21, "r21", carried="L1 L2")
    place.as_("anna").propose_write_off(1, "6602", "lost")
    place.as_("ben").approve(1)
    place.run(22, "r22", carried="L2")
    known = {}
    for day in (21, 22):
        written_off = approved_write_offs(place.database, *WHOSE, date(2026, 11, day))
        known[day] = given_up_rows(place.database, *WHOSE, written_off)
    assert known[21].is_empty()  # when it still was carried
    assert known[22].select("side", "item_id", "amount").rows() == [("line", "L1", Decimal("1.10"))]
