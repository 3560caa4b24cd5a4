"""The demo over the wire: real SFTP and HTTPS on loopback, pinned keys, signatures, our own CA."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from recon.cli import invoke
from recon.io.config import load_config
from recon.io.days import Workspace
from recon.io.fetch import fetch_all
from recon.io.live.servers import standing_in
from recon.periods import one_day

ROOT = Path(__file__).parents[2]


def test_the_live_demo_fetches_everything_and_finds_what_is_planted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ)
    assert invoke(["demo", "--live", "--json", "--workspace", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["as_planted"]
    assert {one["state"] for one in told["arrivals"]} == {"new"}
    channels = {one["provider"]: one["origin"][:5] for one in told["arrivals"]}
    over_sftp = dict.fromkeys(("acquirer", "bank", "paypal", "tpwallet"), "sftp ")
    over_https = dict.fromkeys(("adyen", "alipay", "stripe", "wechatpay"), "https")
    assert channels == over_sftp | over_https
    assert dict(os.environ) == before
    left = {path.name for path in (tmp_path / "live").iterdir()}
    assert left == {"configs", "sample_statements"}
    # What arrived is what was sent, to the byte; Stripe's lists are put together by us.
    shipped = (ROOT / "sample_statements").glob("*/*")
    sent = {path.read_bytes() for path in shipped if path.is_file()}
    kept = [path for path in (tmp_path / "inbox").rglob("*") if path.is_file()]
    made_here = {path for path in kept if path.suffix in {".json", ".zip"}}
    assert len(made_here) == 9
    assert all(path.read_bytes() in sent for path in kept if path not in made_here)


def test_check_asks_every_source_and_says_who_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with standing_in(ROOT, tmp_path / "live") as configs:
        common = ["--config", str(configs), "--workspace", str(tmp_path / "workspace")]
        assert invoke(["check", "--connect", *common]) == 0
        said = capsys.readouterr().out
        assert said.count("lets us in") == 4
        assert said.count("its certificate is valid") == 4
        monkeypatch.delenv("RECON_LIVE_STRIPE_API_KEY")
        paypal = configs / "providers" / "paypal.toml"
        paypal.write_text(paypal.read_text().replace('path = "/paypal"', 'path = "/typo"'))
        bank = configs / "providers" / "bank.toml"
        bank.write_text(bank.read_text().replace('user = "recon"', 'user = "nobody"'))
        assert invoke(["check", "--connect", *common]) == 2
        lines = capsys.readouterr().err.splitlines()
        monkeypatch.setenv("RECON_LIVE_STRIPE_API_KEY", "")
    assert len(lines) == 3
    assert any("stripe.toml: source.credentials.api_key: " in line for line in lines)
    assert any("paypal: 127.0.0.1 has no folder /typo; check source.path" in line for line in lines)
    assert any("bank: 127.0.0.1:" in line and "refuses the key" in line for line in lines)


def test_a_rerun_of_an_old_day_asks_an_api_only_for_what_is_not_here(tmp_path: Path) -> None:
    """For a week it may be corrected; afterwards it is asked for when somebody wants it to be."""
    with standing_in(ROOT, tmp_path / "live") as configs:
        place = Workspace.begin(tmp_path / "workspace", load_config(configs))

        def states(on: date, **how: bool) -> list[str]:
            now = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
            got = fetch_all(place, ["stripe"], one_day(date(2026, 11, 18)), now=now, **how)
            assert got.failures == []
            return [arrival.state for arrival in got.arrivals]

        assert states(date(2027, 3, 1)) == ["new"]
        assert states(date(2026, 11, 25)) == ["duplicate"]
        assert states(date(2026, 11, 26)) == []
        assert states(date(2026, 11, 26), ask_again=True) == ["duplicate"]
