"""Tables on a terminal: what counts stands whole, what has no room is named, pipes keep rows."""

from recon.console.grids import draw
from recon.wording import display_width

CELLS = {
    "business_date": ["2026-11-20", "2026-11-20"],
    "account": ["20889990001234560156", "acct_RECONDEMO0001"],
    "txn_id": ["4200004508202611188784903741", "K72719269840"],
    "tariff": ["cards and wallets of Europe 1.2% + 0.10", "standard"],
    "currency": ["EUR", "JPY"],
    "difference": ["-12345678.90", "100"],
    "explanation": ["The provider has one more of these than the ledger.", "A sentence."],
}


def drawn(width: int | None, *names: str, title: str = "found") -> list[str]:
    return list(draw(title, {name: CELLS[name] for name in names}, ("difference",), width))


def test_what_is_piped_keeps_whole_rows() -> None:
    title, heading, _, *rows = drawn(None, *CELLS)
    assert title == "found"
    assert heading.split() == list(CELLS)
    for row, cells in zip(rows, zip(*CELLS.values(), strict=True), strict=True):
        assert all(cell in row for cell in cells)


def test_a_table_that_fits_is_left_as_it_is() -> None:
    assert drawn(80, "account", "difference") == [
        "found",
        "account                 difference",
        "──────────────────────────────────",
        "20889990001234560156  -12345678.90",
        "acct_RECONDEMO0001             100",
    ]


def test_amounts_stand_whole_and_what_is_the_same_everywhere_is_said_once() -> None:
    assert drawn(40, "business_date", "account", "currency", "difference") == [
        "found · business_date 2026-11-20",
        "account     currency    difference",
        "──────────────────────────────────",
        "20889…0156  EUR       -12345678.90",
        "acct_…0001  JPY                100",
    ]


def test_texts_go_on_over_further_lines() -> None:
    assert drawn(40, "tariff", "difference") == [
        "found",
        "tariff                  difference",
        "──────────────────────────────────",
        "cards and wallets of  -12345678.90",
        "Europe 1.2% + 0.10",
        "standard                       100",
    ]


def test_what_has_no_room_is_named() -> None:
    said = drawn(36, "account", "txn_id", "currency", "difference")
    assert said[1].split() == ["account", "currency", "difference"]
    assert said[-1] == "no room for txn_id; a wider terminal, --json or a pipe shows them"


def test_sentences_stand_below_their_row() -> None:
    assert drawn(34, "currency", "difference", "explanation")[3:] == [
        "EUR       -12345678.90",
        "  The provider has one more of",
        "  these than the ledger.",
        "JPY                100",
        "  A sentence.",
    ]


def test_chinese_takes_two_places() -> None:
    lines = list(draw("", {"类型": ["金额不符", "fx"], "n": ["1", "22"]}, ("n",), 80))
    assert {display_width(line) for line in lines if line[-1] != "─"} == {12}


def test_a_verdict_has_its_colour_at_a_terminal_and_stays_longer_than_figures() -> None:
    verdicts = ["proved", "NOT PROVED", "the bank [/] has proved nothing"]
    cells = {
        "account": [letter * 12 for letter in "ABC"],
        "result": verdicts,
        "lines": ["1", "2", "3"],
    }
    piped = list(draw("", cells, ("lines",), None))
    assert not any("\033" in line for line in piped)
    good, bad, plain = list(draw("", cells, ("lines",), 80))[2:]
    assert good == f"{'A' * 12}  \033[32mproved\033[0m{' ' * 25}      1"
    assert "\033[31mNOT PROVED\033[0m  " in bad
    assert plain == f"{'C' * 12}  the bank [/] has proved nothing      3"
    heading, *_, left_out = draw("", cells, ("lines",), 32)
    assert heading.split() == ["account", "result"]
    assert left_out.startswith("no room for lines;")
