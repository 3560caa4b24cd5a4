"""Rows of delimited text have as many cells as the header, however they are quoted."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.errors import StatementError
from recon.providers.delimited import Table, rows
from tests.generator.reading import content_of

NAMES = ("a", "b", "c")


def complete(*lines: str) -> list[bool]:
    """Whether each line below the header is a whole row."""
    data = "\n".join([",".join(NAMES), *lines, ""]).encode()
    return rows(content_of("x.csv", data), Table(NAMES, 1), NAMES).collect()["complete"].to_list()


@pytest.mark.parametrize(
    ("line", "is_whole"),
    [
        ('"1","2","3"', True),
        ('"1",2,"3"', True),
        ('"1","2,5","3"', True),
        ('"","",""', True),
        ('"1""0","2","3"', True),
        ('"1","2"', False),
        ('"1","2","3","4"', False),
        ('"1"0","2"", "3"', False),  # a quote within a cell that does not double it
        ('"1"","2"","3"', False),
    ],
)
def test_a_row_has_the_cells_of_the_header(line: str, is_whole: bool) -> None:
    assert complete('"x","y","z"', line) == [True, is_whole]


def quoted(cells: Sequence[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


@given(st.lists(st.lists(st.text('1", ', max_size=4), min_size=1, max_size=5), min_size=1))
def test_what_was_written_with_as_many_cells_is_whole_and_nothing_else_is(
    written: list[list[str]],
) -> None:
    lines = [quoted(cells) for cells in written]
    assert complete(*lines) == [len(cells) == len(NAMES) for cells in written]


def test_a_quote_that_is_never_closed_is_an_error() -> None:
    with pytest.raises(StatementError):
        complete('"1","2","3')
