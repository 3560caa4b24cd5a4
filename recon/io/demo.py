"""The demo: the shipped samples, reconciled and held against the labels of what was planted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from recon.errors import UserError
from recon.io.config import load_config
from recon.io.days import Workspace
from recon.io.jobs import OnDay, RunReport, run_period
from recon.io.ledger import import_ledger
from recon.periods import Period
from recon.wording import Language


@dataclass
class DemoReport:
    """The demo's runs, and the planted discrepancies beside those found."""

    runs: RunReport
    comparison: pl.DataFrame  # type, planted, found, agree

    @property
    def is_as_planted(self) -> bool:
        return bool(self.comparison["agree"].all())


def run_demo(
    root: Path,
    language: Language | None = None,
    on_day: OnDay = lambda account, day: None,
    *,
    is_live: bool = False,
) -> DemoReport:
    """Reconcile sample_statements/ with the shipped configuration and compare with its labels.

    `is_live`: every statement is fetched from a server of this machine, over SFTP or HTTPS.
    """
    project = Path(__file__).resolve().parents[2]
    samples = project / "sample_statements"
    if not (samples / "labels").is_dir():
        raise UserError("the demo needs the project's sample_statements/; run it in a clone")
    if not is_live:
        return _run(root, project / "configs", samples, language, on_day)
    from recon.io.live.servers import standing_in  # paramiko and keys, for those who ask

    with standing_in(project, root / "live") as configs:
        return _run(root, configs, samples, language, on_day)


def _run(
    root: Path, configs: Path, samples: Path, language: Language | None, on_day: OnDay
) -> DemoReport:
    config = load_config(configs)
    workspace = Workspace.begin(root, config if language is None else config.told_in(language))
    for ledger in sorted((samples / "ledger").glob("*.csv")):
        import_ledger(workspace.database, ledger, datetime.now(UTC))
    days = pl.read_csv(
        samples / "ledger" / "*.csv", columns=["business_date"], try_parse_dates=True
    ).to_series()
    period = Period(days.min(), days.max())  # type: ignore[arg-type]
    runs = run_period(workspace, workspace.config.accounts, period, fetch=True, on_day=on_day)
    labels = pl.read_csv(samples / "labels" / "*.csv", infer_schema=False)
    return DemoReport(runs, _against_labels(runs, labels))


def _against_labels(runs: RunReport, labels: pl.DataFrame) -> pl.DataFrame:
    """Planted and found, each counted by day and type; a difference in amount is a difference."""
    found = pl.concat(day.result.discrepancies for day in runs.days).select(
        "type",
        pl.col("business_date").cast(pl.String),
        "provider",
        pl.col("difference").cast(pl.String).str.strip_chars_end("0").str.strip_suffix("."),
    )
    key = found.columns
    planted = labels.select(
        pl.col(name)
        if name != "difference"
        else pl.when(pl.col(name).str.contains(".", literal=True))
        .then(pl.col(name).str.strip_chars_end("0").str.strip_suffix("."))
        .otherwise(pl.col(name))
        for name in key
    )
    counted = (
        planted.group_by(key)
        .len("planted")
        .join(found.group_by(key).len("found"), on=key, how="full", coalesce=True)
    )
    return (
        counted.with_columns(pl.col("planted", "found").fill_null(0))
        .with_columns(agree=pl.col("planted") == pl.col("found"))
        .group_by("type")
        .agg(pl.col("planted", "found").sum(), pl.col("agree").all())
        .sort("type")
    )
