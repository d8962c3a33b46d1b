"""What a run was worth: a table for the terminal, Markdown for people, JSON for programs, a card for the Hub."""

from __future__ import annotations

from hf_efficient.report.markdown import report_markdown
from hf_efficient.report.model_card import Assets, model_card
from hf_efficient.report.table import print_table
from hf_efficient.report.write import Report, read_report, write_reports

__all__ = ["Assets", "Report", "model_card", "print_table", "read_report", "report_markdown", "write_reports"]
