# SPDX-License-Identifier: Apache-2.0
"""A result on a terminal: tables, findings, the verdict, and what repeats it."""

from __future__ import annotations

from rich import table as rich_table
from rich.console import Console
from rich.text import Text as RichText

from vctx.tb.results.model import Chart, Defects, Explained, Findings, Marked, Result, Section, Table, Text

_STYLES = {"plain": "", "good": "green", "bad": "bold red", "warn": "yellow"}


class Terminal:
    """Renders on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def render(self, result: Result) -> None:
        """Print all sections, and the verdict last."""
        self._console.print()
        for section in result.sections:
            self._section(section)
        self._line(f"[{'bold green' if result.ok else 'bold red'}]{result.verdict}[/]: ", result.headline)
        first = [f"{label}: {path}" for label, path in result.files[:2]]
        self._line("", "   ".join(first))
        for label, path in result.files[2:]:
            self._line("", f"{label}: {path}")
        self._line("", f"repeat: {result.command}")

    def _line(self, styled: str, plain: str) -> None:
        """Print one line, however long: markup, and text that is none."""
        self._console.print(styled, end="")
        self._console.print(plain, soft_wrap=True, highlight=False, markup=False)

    def _section(self, section: Section) -> None:
        match section:
            case Table():
                self._console.print(RichText(section.title, "bold"), soft_wrap=True)
                self._console.print(_table(section))
                if section.note:
                    self._console.print(section.note, markup=False)
            case Text():
                if section.title:
                    self._console.print(RichText(section.title, _STYLES[section.tone]), soft_wrap=True)
                for label, text in section.lines:
                    self._line("", f"  {label}: {text}" if label else f"    {text}")
            case Findings():
                self._console.print(RichText(section.title, "bold red"), soft_wrap=True)
                for finding in section.findings:
                    self._line("", f"  {finding.name}: {finding.where}: {finding.evidence}")
                    if finding.calls:
                        self._line("", f"    {finding.calls}")
            case Explained():
                self._explained(section)
            case Defects():
                self._defects(section)
            case Chart():  # nothing to read in a terminal: its table stands beside it
                return
        self._console.print()

    def _defects(self, section: Defects) -> None:
        self._console.print(RichText(section.title, "bold"))
        for defect in section.defects:
            style = _STYLES[defect.tone]
            heading = RichText.assemble((f"{defect.name} {defect.verdict}".strip(), style), f": {defect.text}")
            self._console.print(heading, soft_wrap=True)
            if defect.source:
                self._line("", f"    {defect.source}; {defect.cure}")
            if defect.note:
                self._line("", f"    {defect.note}")
            for each in defect.evidence:
                self._line("", f"    {each.where}")
                found = RichText.assemble("      ", *((text, "bold" if who else "") for text, who in each.found))
                self._console.print(found, soft_wrap=True)
                for text in (each.calls, each.at):
                    if text:
                        self._line("", f"      {text}")
            if defect.more:
                self._line("", f"    {defect.more}")
        if section.note:
            self._line("", section.note)

    def _explained(self, section: Explained) -> None:
        self._console.print(RichText(section.title, "bold red"), soft_wrap=True)
        for label, text in section.facts:
            self._line("", f"  {label + ' ' if label in ('at', 'in') else ''}{text}")
        width = max((len(field.name) for field in section.fields), default=0)
        for field in section.fields:
            for label, value in (("expected", field.expected), ("observed", field.observed)):
                line = RichText(f"  {field.name:{width}}  {label}  ")
                self._console.print(line + _marked(value), soft_wrap=True)
            if field.what:
                pointers = "".join(("^" if differs else " ") * len(text) for text, differs in field.observed)
                self._line("", f"  {'':{width}}            {pointers.rstrip()}  {field.what}")
            if field.rule:
                self._line("", f"  {'':{width}}  rule {field.rule}")
        if section.more:
            self._line("", f"  ... and {section.more} more")
        if section.before:
            self._line("", f"the last {len(section.before)} instructions before:")
            for text in section.before:
                self._line("", f"  {text}")
        self._line("", f"reproduce with: {section.command}")


def _marked(value: Marked) -> RichText:
    return RichText.assemble(*((text, "bold red" if differs else "") for text, differs in value))


def _table(section: Table) -> rich_table.Table:
    table = rich_table.Table(box=None, pad_edge=False, header_style="bold", show_header=any(section.columns))
    if section.narrow:
        table.padding = (0, 1, 0, 0)
    for number, name in enumerate(section.columns):
        prose = number in section.prose
        left = number == 0 or number in section.left or prose
        table.add_column(name, justify="left" if left else "right", no_wrap=not prose, overflow="fold")
    for row in section.rows:
        table.add_row(*(RichText(cell.text, _STYLES[cell.tone]) for cell in row))
    return table
