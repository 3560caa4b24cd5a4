"""Rows of delimited text have as many cells as the header, however they are quoted."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.errors import StatementError
from recon.providers import contract
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


@given(
    st.lists(
        st.sampled_from(
            ["1,2,3", '"1","2","3"', '"1",2,3', '"1,5","2","3"', '1,"2"', "1,2,3,4", '"1"x,"2","3"',
             '"1""0","2","3"', '"1","2","3","4"', '"","",""', ",,", '1, "2" ,3', '"1",",","3"',
             '"1","2,5","3"', '"1",",2"x,"3"', '"1,2","3"', '"1","2",x","', '"1",x",","3"']
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(min_value=1, max_value=40),
)  # fmt: skip
def test_lines_are_judged_alike_whatever_stands_beside_them_and_wherever_a_block_ends(
    lines: list[str], line_end: str, block_bytes: int
) -> None:
    alone = [complete(line)[0] for line in lines]
    data = line_end.join([",".join(NAMES), *lines, ""]).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(contract, "_BLOCK_BYTES", block_bytes)
        found = rows(content_of("x.csv", data), Table(NAMES, 1), NAMES).collect()
    assert found["complete"].to_list() == alone
    assert found["line_no"].to_list() == list(range(2, 2 + len(lines)))


@pytest.mark.parametrize(
    "line",
    ['"1",",2","3"', '"1","2,","3"', '"1",",","3"', '"1","2","3,4"', '"1,0","2","3"', '"","",","'],
)
def test_separators_within_quotes_make_no_cells_beside_cells_whose_quotes_are_stray(
    line: str,
) -> None:
    assert complete('"1","2,5","3"', line, '"1"x,"2","3"') == [True, True, False]
    assert complete('"1","2,5","3"', line) == [True, True]


@pytest.mark.parametrize("line", ['"1","2",x","', '"1",x",","3"', '"1",x",",","', '"1","2","3"x'])
def test_a_quote_that_is_not_beside_its_separator_is_told(line: str) -> None:
    assert complete('"1","2,5","3"', line) == [True, False]


@pytest.mark.parametrize(
    "line", ['"1"x"2","3"', '1"","2","3"', '"1","2""3"', '"",1""', 'x",a,"y,2,3', '"1",x",2,"y,3']
)
def test_quotes_that_come_in_pairs_but_not_around_cells_are_told(line: str) -> None:
    assert complete('"1","2","3"', line, '"1","2","3"') == [True, False, True]
    assert complete(line) == [False]


def test_a_byte_that_is_not_utf8_is_told_with_its_line() -> None:
    content = content_of("x.csv", b"a,b,c\n1,2,3\n1,\xe9,3\n")
    with pytest.raises(StatementError, match=r"x\.csv, line 3: cannot be read as UTF-8"):
        rows(content, Table(NAMES, 1), NAMES)


@given(
    st.lists(st.sampled_from(["1,2,3", "1 1,2\t2,3", " 1,2,3", "1,2\t,3", '1," 2",3', "1,2,3 "])),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(min_value=1, max_value=40),
)
def test_cells_are_trimmed_wherever_the_file_pads_one(
    lines: list[str], line_end: str, block_bytes: int
) -> None:
    data = line_end.join([",".join(NAMES), *lines]).encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(contract, "_BLOCK_BYTES", block_bytes)
        found = rows(content_of("x.csv", data), Table(NAMES, 1), NAMES).select(NAMES).collect()
    cells = [line.replace('"', "").split(",") for line in lines]
    assert found.rows() == [tuple(cell.strip() for cell in row) for row in cells]


def test_lines_of_a_comment_and_blank_ones_are_no_rows() -> None:
    data = b"a,b,c\n1,2,3\n\n#5 inches of rain\n \n4,5,6\n#closing,1,2\n"
    found = rows(content_of("x.csv", data), Table(NAMES, 1, comment="#"), NAMES).collect()
    assert found.select("line_no", "a", "complete").rows() == [(2, "1", True), (6, "4", True)]


def test_a_quote_that_is_never_closed_is_an_error() -> None:
    with pytest.raises(StatementError):
        complete('"1","2","3')
