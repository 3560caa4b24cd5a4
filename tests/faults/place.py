"""A shop of one's own to inject faults into: configuration, samples, ledger and workspace."""

import contextlib
import io
import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from recon.cli import invoke
from recon.io.config import load_config
from recon.io.days import Workspace
from recon.io.jobs import RunReport, run_period
from recon.periods import one_day
from tests.support import copy_place

DAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
TRADES = f"1600000001_trade_all_{DAY}.csv"
FLOW = f"1600000001_fund_flow_{DAY}.csv"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Place:
    """One provider's configuration, samples and workspace, with its ledger imported."""

    def __init__(self, folder: Path, provider: str = "wechatpay") -> None:
        self.folder = folder
        self.provider = provider
        [ledger] = copy_place(folder, provider)
        self.dropped = folder / "sample_statements" / provider
        self.settings = folder / "configs" / "providers" / f"{provider}.toml"
        self.workspace = folder / "workspace"
        assert self.recon("ledger", "import", ledger).code == 0

    def recon(self, *arguments: object) -> Said:
        """One command, as a user types it."""
        common = ["--config", str(self.folder / "configs"), "--workspace", str(self.workspace)]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = invoke([*map(str, arguments), *common])
        assert "Traceback" not in err.getvalue()
        return Said(code, out.getvalue(), err.getvalue())

    def run_day(self, *more: object, day: date = DAY) -> Said:
        return self.recon("run", "--date", day, *more)

    def run(self, now: datetime = NOW, day: date = DAY) -> RunReport:
        """The same at another moment, with its frames."""
        place = Workspace.open(self.workspace, load_config(self.folder / "configs"))
        return run_period(place, place.config.accounts, one_day(day), fetch=True, now=now)

    @property
    def reports(self) -> Path:
        [folder] = (self.workspace / "reports" / str(DAY) / self.provider).iterdir()
        return folder

    def report(self, name: str) -> bytes:
        return (self.reports / name).read_bytes()

    def setting(self, text: str) -> None:
        """More settings of the last account."""
        self.settings.write_text(self.settings.read_text("utf-8") + text, "utf-8")

    def drop(self, name: str, data: bytes) -> Path:
        """Deliver a file, now."""
        path = self.dropped / name
        path.write_bytes(data)
        os.utime(path, ns=(time.time_ns(), time.time_ns()))
        return path

    def kept(self) -> set[str]:
        """Names of all raw files in the inbox."""
        return {path.name for path in (self.workspace / "inbox").rglob("*") if path.is_file()}
