"""The European Central Bank's file of rates, as it comes and as it may be broken."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from recon.cli import invoke
from recon.errors import UserError
from recon.io.rates import read_rates
from tests.support import copy_place

DAY = date(2026, 11, 20)
AS_IT_COMES = """\
Date,USD,JPY,CYP,
2026-11-23,1.3,170.1,N/A,
2026-11-20,1.0835,160,N/A,
2026-11-19,1.0801,159.55,N/A,
2026-11-12,1.07,158,N/A,
1999-01-04,1.1789,133.73,0.58231,
"""


def rates_in(folder: Path, text: str, max_age_days: int = 7) -> list[tuple[object, ...]]:
    path = folder / "eurofxref-hist.csv"
    path.write_text(text, "utf-8")
    return read_rates(path, DAY, max_age_days).rows()


def test_the_file_as_it_comes(tmp_path: Path) -> None:
    assert rates_in(tmp_path, AS_IT_COMES) == [
        (date(2026, 11, 19), "JPY", Decimal("159.55")),
        (date(2026, 11, 19), "USD", Decimal("1.0801")),
        (DAY, "JPY", Decimal(160)),
        (DAY, "USD", Decimal("1.0835")),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Date,USD\n2026-11-20,1,08\n20.11.2026,1.0\n", "'20.11.2026' is no date"),
        ("Date,USD\n2026-11-20,-1\n", "line 2: USD is '-1', which is no rate"),
        ("Date,USD\n2026-11-20,0\n", "line 2: USD is '0', which is no rate"),
        ("Date,USD\n2026-11-20,1.0e3\n", "line 2: USD is '1.0e3'"),
        ("Date,USD\n2026-11-20,1.1\n2026-11-20,1.2\n", "line 3: 2026-11-20 is there twice"),
        ("", "it is no CSV file"),
        ("<html>not found</html>\n", "the first line must be Date,USD,JPY"),
    ],
)
def test_a_file_that_is_not_it_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(UserError, match="of the European Central Bank") as refused:
        rates_in(tmp_path, text)
    assert why in str(refused.value)


def test_a_file_that_is_not_there_is_told_by_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_place(tmp_path, "paypal")
    configs = tmp_path / "configs"
    words = ["check", "--config", str(configs), "--workspace", str(tmp_path / "w")]
    recon = configs / "recon.toml"
    text = recon.read_text("utf-8")
    recon.write_text(text.replace("eurofxref-hist.csv", "nowhere.csv"), "utf-8")
    assert invoke(words) == 2
    assert "nowhere.csv: No such file" in capsys.readouterr().err
    recon.write_text(text.split("[rates]")[0], "utf-8")
    assert invoke(words) == 2
    assert "fx_tolerance_percent needs reference rates" in capsys.readouterr().err
