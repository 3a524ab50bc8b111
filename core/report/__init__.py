"""The shareable report: one HTML file with everything inside, about a data set and its checkpoints."""

from core.report.contents import Member, Report, gather
from core.report.html import render

__all__ = ["Member", "Report", "gather", "render"]
