"""The workbooks of a day and of a range, as data for `io.workbook`."""

from datetime import date

from recon.reporting import text
from recon.reporting.book import Book
from recon.reporting.discrepancies import discrepancy_sheets
from recon.reporting.overview import summary_sheet
from recon.reporting.proof import proof_sheet
from recon.reporting.proof_sheets import proof_sheets
from recon.reporting.receipts import receipts_sheet
from recon.reporting.settlement import settlement_sheets
from recon.reporting.sheets import Sheet, Workbook
from recon.reporting.text import Language
from recon.results import DayResult


def discrepancy_workbook(result: DayResult, run_id: str, language: Language = "en") -> Workbook:
    """discrepancies.xlsx: is the day proved, what differs, what is open, what was rejected."""
    sheets = (
        summary_sheet(result, run_id, language),
        *discrepancy_sheets(result, language),
    )
    return _of_day("report_discrepancies", result, run_id, language, sheets)


def settlement_workbook(result: DayResult, run_id: str = "", language: Language = "en") -> Workbook:
    """settlement.xlsx: batches, fees by tariff row, withdrawals, of a bank account the payouts
    received, and the proof."""
    arrived = [receipts_sheet(result, language)] if _receives(result) else []
    sheets = (*settlement_sheets(result, language), *arrived, proof_sheet(result, language))
    return _of_day("report_settlement", result, run_id, language, sheets)


def proof_workbook(book: Book, language: Language = "en") -> Workbook:
    """proof.xlsx of a day, summary.xlsx of a range: all accounts, from the sale to the bank."""
    days = str(book.period).replace("_", " – ")
    title = f"{text.phrase('report_proof', language)} · {days}"
    return made(title, book.period.last, proof_sheets(book, language), language, book.fingerprint)


def _receives(result: DayResult) -> bool:
    """Whether anything was sent to this account; most are no accounts that payouts go to."""
    in_transit = result.open_items.filter(side="payout")
    return bool(result.receipts.height or in_transit.height)


def _of_day(
    report: str, result: DayResult, run_id: str, language: Language, sheets: tuple[Sheet, ...]
) -> Workbook:
    whose = f"{result.provider} {result.account} {result.business_date.isoformat()}"
    title = f"{text.phrase(report, language)} · {whose}"
    return made(title, result.business_date, sheets, language, run_id)


def made(
    title: str,
    day: date,
    sheets: tuple[Sheet, ...],
    language: Language,
    run: str = "",
    called: str = "run_id",
) -> Workbook:
    """The workbook, with the number of what it tells at the foot of each page."""
    return Workbook(
        title=title,
        day=day,
        sheets=sheets,
        page=text.phrase("page", language),
        continued=text.phrase("continued", language),
        mark=f"{text.title(called, language)} {run}" if run else "",
        font=text.FONTS[language],
        line_height=text.LINE_HEIGHTS[language],
    )
