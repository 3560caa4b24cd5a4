"""An Alipay bill as it comes: a zip whose two members have GBK names and GBK contents."""

import zipfile
from pathlib import Path

from recon.cli import invoke
from tests.support import copy_place

_DAY, _STEM = "2026-11-18", "20889990001234560156_20261118"


class _GbkName(zipfile.ZipInfo):
    """A member whose name is GBK without saying so, which is how Alipay's zips are made."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def test_the_zip_is_taken_as_it_comes(tmp_path: Path) -> None:
    ledgers = copy_place(tmp_path, "alipay", "bank")
    folder = tmp_path / "sample_statements" / "alipay"
    members = {"业务明细(汇总).csv": "trade_summary", "业务明细.csv": "trade_detail"}
    with zipfile.ZipFile(folder / f"{_STEM}.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, kind in members.items():
            statement = folder / f"{_STEM}_{kind}.csv"
            archive.writestr(_GbkName(f"{_STEM}_{name}"), statement.read_bytes())
            statement.unlink()
    common = ["--config", str(tmp_path / "configs"), "--workspace", str(tmp_path / "workspace")]
    assert invoke(["ledger", "import", *map(str, ledgers), *common]) == 0
    run = ["run", "--date", _DAY, "--provider", "alipay", *common]
    assert invoke(run) == 0
    assert invoke(run) == 0  # the same zip again changes nothing
    assert invoke(["normalize", str(folder / f"{_STEM}.csv.zip"), *common]) == 0
