"""What the commands print: tables for people, JSON for machines, complaints on standard error."""

from recon.console.cases import show_case
from recon.console.fees import (
    show_explanation,
    show_schedule,
    show_simulation,
    show_tie_out,
)
from recon.console.frames import (
    show_frame,
    show_frames,
    show_imports,
    show_settled,
    show_statements,
    show_table,
    show_written,
)
from recon.console.runs import show_demo, show_reports, show_run, tell_stale
from recon.console.sources import show_arrivals, show_check, show_providers
from recon.console.status import show_status
from recon.console.terminal import complain, day_listener, print_json

__all__ = [
    "complain",
    "day_listener",
    "print_json",
    "show_arrivals",
    "show_case",
    "show_check",
    "show_demo",
    "show_explanation",
    "show_frame",
    "show_frames",
    "show_imports",
    "show_providers",
    "show_reports",
    "show_run",
    "show_schedule",
    "show_settled",
    "show_simulation",
    "show_statements",
    "show_status",
    "show_table",
    "show_tie_out",
    "show_written",
    "tell_stale",
]
