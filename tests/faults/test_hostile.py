"""F10, F55, F59: a full disk, secrets that must stay where they are, names that lead out."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import sqlalchemy as sa

from recon.cli import invoke
from recon.io.database import Database
from recon.io.live.servers import standing_in
from recon.io.schema import RUNS
from tests.faults.place import DAY, FLOW, TRADES, Place

ROOT = Path(__file__).parents[2]


def reports(place: Place) -> dict[str, bytes]:
    folder = place.workspace / "reports"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("most_kilobytes", [2, 20, 60])
def test_f10_a_disk_that_is_full_anywhere_in_a_run_is_one_line_and_the_next_run_is_whole(
    tmp_path: Path, most_kilobytes: int
) -> None:
    place, other = Place(tmp_path / "full"), Place(tmp_path / "roomy")
    most = most_kilobytes * 1024

    def no_larger_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    command = [sys.executable, "-m", "recon", "run", "--date", str(DAY)]
    command += ["--config", f"{place.folder}/configs", "--workspace", str(place.workspace)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=no_larger_files,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stderr.startswith("recon: ")
    assert not [path for path in place.workspace.rglob("*.xlsx") if path.stat().st_size == most]
    for path in (place.workspace / "inbox").rglob("*.csv"):
        assert path.stat().st_mode & 0o777 == 0o400
    assert place.run_day().code == other.run_day().code == 0
    assert reports(place) == reports(other)
    assert not list((place.workspace / "staging").iterdir())


HOSTILE = ["../../../evil", "x'; DROP TABLE run;--", 'a"b', "..", "/etc/x", "%2e%2e%2fx", "店铺 一"]


@pytest.mark.parametrize("account", HOSTILE)
def test_f59_an_account_named_like_a_path_or_a_query_is_only_a_name(
    tmp_path: Path, account: str
) -> None:
    folder = tmp_path / "a" / "b" / "c" / "d"
    place = Place(folder)
    (folder / "configs" / "fees" / "wechatpay.toml").unlink()
    text = place.settings.read_text("utf-8").replace('"1600000001"', json.dumps(account))
    place.settings.write_text(text, "utf-8")
    for name in (TRADES, FLOW):
        data = (place.dropped / name).read_bytes()
        place.drop(name, data.replace(b"`1600000001", f"`{account}".encode()))
    ledger = folder / "ledger.csv"
    entries = pl.read_csv(folder / "sample_statements/ledger/wechatpay.csv", infer_schema=False)
    renamed = entries.filter(business_date=str(DAY)).with_columns(
        account=pl.lit(account), entry_id=pl.lit("n-") + pl.col("entry_id")
    )
    renamed.write_csv(ledger)
    assert place.recon("ledger", "import", ledger).code == 0
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(place.workspace)}
    said = place.run_day("--account", account, "--json")
    assert said.code in (0, 3), said.err
    after = {path for path in tmp_path.rglob("*") if not path.is_relative_to(place.workspace)}
    assert before == after
    [day] = said.json["days"]
    assert day["account"] == account
    assert Path(day["reports"]).resolve().is_relative_to(place.workspace.resolve() / "reports")
    book = place.workspace / "reports" / str(DAY) / "proof.xlsx"
    linked = [
        book.parent / target
        for sheet in openpyxl.load_workbook(book)
        for row in sheet.iter_rows(values_only=True)
        for target in re.findall(r'HYPERLINK\("([^"]*)"', " ".join(map(str, row)))
    ]
    assert linked, "the proof workbook leads to no reports"
    assert all(target.is_file() for target in linked)
    checked = place.recon("check")
    assert "is missing; make it again" not in checked.out + checked.err
    database = Database.open(f"sqlite:///{place.workspace / 'recon.db'}")
    with database.connect() as connection:
        assert connection.execute(sa.select(RUNS.c.account)).scalars().all() == [account]


def test_f55_no_secret_is_in_any_file_output_or_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    workspace = tmp_path / "workspace"
    with standing_in(ROOT, tmp_path / "live") as configs:
        common = ["--config", str(configs), "--workspace", str(workspace)]
        some = [word for name in ("stripe", "wechatpay", "adyen", "alipay", "paypal")
                for word in ("--provider", name)]  # fmt: skip
        secrets = [
            value.splitlines()[1] if "\n" in value else value
            for name, value in os.environ.items()
            if name.startswith("RECON_LIVE_")
            and name.endswith(("PRIVATE_KEY", "PASSWORD", "API_KEY"))
        ]
        assert len(secrets) == 4
        key = (tmp_path / "live" / "sftp" / "client_key").read_text().splitlines()[1]
        assert invoke(["check", "--connect", *common]) == 0, capsys.readouterr().err
        invoke(["run", "--date", str(DAY), *some, *common])
        # Now nobody lets us in any more, and everything that is said is about why.
        for name in [name for name in os.environ if name.startswith("RECON_LIVE_")]:
            if name.endswith(("PASSWORD", "API_KEY")):
                os.environ[name] += "-but-wrong"
        assert invoke(["run", "--date", str(DAY), "--ask-again", *some, *common]) == 3
        assert invoke(["check", "--connect", "--json", *common]) in (0, 2)
        kept = [path for path in [*workspace.rglob("*"), *configs.rglob("*")] if path.is_file()]
        said = capsys.readouterr()
        told = f"{said.out}{said.err}{caplog.text}"
        assert len(kept) > 40
        for secret in [*secrets, key, "token="]:
            assert secret not in told, secret[:8]
            assert not [p for p in kept if secret.encode() in p.read_bytes()], secret[:8]
