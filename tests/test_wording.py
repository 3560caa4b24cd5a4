"""What people are told: the same facts in both languages, and neither language in the other."""

import re
from dataclasses import replace
from string import Formatter

import polars as pl
import pytest

from recon import sentences, wording
from recon.discrepancies import told
from recon.fees import phrases
from recon.reporting import text as shown
from recon.wording import LANGUAGES, Phrases, words
from tests.generator import default_plants
from tests.support import run, shipped_config, small_day

NAMES = "SENTENCES ACTIONS REASONS KINDS STATUSES FIELDS NOTES WEEKDAYS"
GROUPS: dict[str, Phrases] = {
    name: getattr(wording, name, sentences.SENTENCES) for name in NAMES.split()
} | {"ROUNDINGS": phrases.ROUNDINGS, "ARITHMETIC": phrases.ARITHMETIC}


def gaps(template: str) -> set[str]:
    return {gap for _, gap, _, _ in Formatter().parse(template) if gap is not None}


@pytest.mark.parametrize("group", GROUPS)
def test_both_languages_have_the_same_gaps_and_are_not_the_same_text(group: str) -> None:
    for name, (english, chinese) in GROUPS[group].items():
        assert gaps(english) == gaps(chinese), name
        assert re.search("[\u4e00-\u9fff]", chinese), f"{name} is not Chinese"
        assert not re.search("[\u4e00-\u9fff]", english), f"{name} is not English"
        assert english[0] != " " or name in CONTINUED, name


_THE_SAME = {"", "agrees", "sha256"}  # a title of nothing, a tick, a name
SHOWN = [
    *("ANSWERS", "BASES", "CASE_STATES", "CHANGES", "COLUMNS", "COMPONENTS", "CONTROL_STATES"),
    *("DUE_STATES", "FIGURES", "HEADINGS", "OUTCOMES", "PARTIES", "PHRASES", "SEVERITIES"),
    *("SHEETS", "SIDES", "STATES", "TABLES", "TYPES", "VERDICTS"),
]


@pytest.mark.parametrize("group", SHOWN)
def test_what_workbooks_and_the_terminal_show_is_in_both_languages(group: str) -> None:
    for name, (english, chinese) in getattr(shown, group).items():
        assert gaps(english) == gaps(chinese), name
        assert not re.search("[\u4e00-\u9fff]", english), f"{name} is not English"
        is_same = name in _THE_SAME and english == chinese
        assert is_same or re.search("[\u4e00-\u9fff]", chinese), f"{name} is not Chinese"


# What follows another sentence; Chinese needs no space between the two.
CONTINUED = {
    "line_names_no_payment",
    "line_gives_back",
    "doubt",
    "perhaps_entry",
    "perhaps_line",
    "also_differs",
    "line_of_an_attempt",
    "entry_of_an_attempt",
    "payout_in_doubt",
    "payout_unsearched",
    "payout_by_amount",
    "payout_came_short",
    "was_written_off",
    "search_at_its_limit",
}


def test_gaps_are_filled_by_columns_and_expressions_in_the_order_of_the_language() -> None:
    frame = pl.DataFrame({"kind": ["trade_all", None]})
    for language, expected in zip(
        LANGUAGES,
        (
            "The trade_all statement of 2026-11-20 has not been delivered.",
            "2026-11-20 的 trade_all 对账单尚未送达。",
        ),
        strict=True,
    ):
        said = told(language, "file_missing", kind="kind", day=pl.lit("2026-11-20"))
        assert frame.select(said=said)["said"].to_list() == [expected, None]


def test_a_gap_that_is_forgotten_is_told_at_once() -> None:
    with pytest.raises(KeyError, match="day"):
        told("en", "file_missing", kind=pl.lit("x"))
    assert words(wording.KINDS, "zh")["refund"] == "退款"


def test_a_chinese_day_is_told_in_chinese_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    day = small_day("paypal", 300, **default_plants("paypal", 300))
    chinese = replace(shipped_config(), policy=replace(shipped_config().policy, language="zh"))
    monkeypatch.setattr("tests.support.shipped_config", lambda: chinese)
    found = run(day).discrepancies
    assert found["type"].n_unique() > 6
    for text in [*found["explanation"], *found["suggested_action"]]:
        assert re.search("[\u4e00-\u9fff]", text)
        assert not re.search(r"\b[a-z]{3,}\b", re.sub("“[^”]*”", "", text)), text
