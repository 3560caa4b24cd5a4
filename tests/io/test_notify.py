"""One message a run, to places whose addresses are secrets."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.faults.place import FLOW, Place

HUSH = "hush-t0ken"


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A place that takes messages: its Apprise URL, and what it has got."""
    got: list[dict[str, str]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/{HUSH}", got
    server.shutdown()
    server.server_close()
    thread.join()


def place_with(folder: Path, settings: str) -> Place:
    place = Place(folder)
    path = folder / "configs" / "recon.toml"
    path.write_text(f"{path.read_text('utf-8')}\n[notify]\n{settings}\n", "utf-8")
    return place


def test_a_run_tells_whether_it_is_proved_and_nothing_secret(
    tmp_path: Path,
    webhook: tuple[str, list[dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    url, got = webhook
    monkeypatch.setenv("PLACE", url)
    monkeypatch.setenv("CLOSED", f"json://127.0.0.1:1/{HUSH}")
    monkeypatch.setenv("NONE", f"{HUSH}")
    place = place_with(tmp_path, 'urls_env = ["PLACE"]')
    assert place.run_day("--notify").code == 0
    [told] = got
    assert told["title"] == "reconciliation of 2026-11-18: proved"
    assert told["message"].splitlines()[0] == "1 of 1 days proved, 2 discrepancies"
    assert "open next: " in told["message"]
    assert told["type"] == "success"
    (place.dropped / FLOW).unlink()
    other = place_with(tmp_path / "other", 'urls_env = ["CLOSED", "NONE", "PLACE"]')
    (other.dropped / FLOW).unlink()
    said = other.run_day("--notify")
    assert said.code == 3
    assert "not taken by CLOSED, NONE;" in said.err
    assert got[1]["title"].endswith("NOT PROVED")
    assert "wechatpay 1600000001: the fund_flow statement is missing" in got[1]["message"]
    assert HUSH not in said.out + said.err + caplog.text + json.dumps(got)
    quiet = place_with(tmp_path / "quiet", 'urls_env = ["PLACE"]\nwhen = "not_proved"')
    assert quiet.run_day("--notify").code == 0
    assert len(got) == 2


def test_a_place_that_cannot_be_told_makes_a_proved_run_end_as_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLACE", raising=False)
    place = place_with(tmp_path, 'urls_env = ["PLACE"]')
    said = place.run_day("--notify")
    assert said.code == 2
    assert "PLACE; it is not set" in said.err
    assert (place.reports / "discrepancies.xlsx").is_file()
    assert "notify.urls_env: " in place.recon("check").err


def test_an_address_that_is_not_there_keeps_the_message_from_nobody_else(
    tmp_path: Path, webhook: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, got = webhook
    monkeypatch.delenv("ABSENT", raising=False)
    monkeypatch.setenv("PLACE", url)
    place = place_with(tmp_path, 'urls_env = ["ABSENT", "PLACE"]')
    assert "ABSENT; it is not set" in place.run_day("--notify").err
    assert len(got) == 1


def test_nobody_to_tell_is_said_before_the_run(tmp_path: Path) -> None:
    place = Place(tmp_path)
    said = place.run_day("--notify")
    assert (said.code, said.out) == (2, "")
    assert "--notify needs [notify]" in said.err
