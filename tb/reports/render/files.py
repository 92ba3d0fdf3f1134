# SPDX-License-Identifier: Apache-2.0
"""A result as files for machines: JSON, JUnit XML, and a badge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from vctx.tb.process.files import write_json, write_text
from vctx.tb.results.model import Result
from vctx.tb.results.store import as_json

_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Json:
    """Renders as JSON, the form that `tb.results.store.read` reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def render(self, result: Result) -> None:
        """Write the file."""
        write_json(self._path, as_json(result))


class JUnit:
    """Renders as JUnit XML: a test suite, with a test case for each thing that was checked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def render(self, result: Result) -> None:
        """Write the file."""
        self.render_all([result])

    def render_all(self, results: Sequence[Result]) -> None:
        """Write a file of many results: a test suite for each."""
        root = ElementTree.Element("testsuites")
        root.extend(_suite(result) for result in results)
        ElementTree.indent(root)
        write_text(self._path, ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n")


def _suite(result: Result) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=f"vctx {result.kind}: {result.title}")
    suite.set("tests", str(len(result.cases)))
    suite.set("failures", str(sum(bool(case.text) for case in result.cases)))
    suite.set("errors", "0")
    for case in result.cases:
        element = ElementTree.SubElement(suite, "testcase", classname=f"vctx.{result.kind}", name=case.name)
        if case.text:
            message = _NOT_XML.sub("?", case.text)
            failure = ElementTree.SubElement(element, "failure", message=message.splitlines()[0])
            failure.text = f"{message}\nrepeat: {result.command}"
    return suite


class Badge:
    """Renders as a badge: an SVG of two words."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def render(self, result: Result) -> None:
        """Write the file."""
        write_text(self._path, badge(f"vctx {result.kind}", result.verdict, "#1a7f37" if result.ok else "#b42318"))


def badge(left: str, right: str, colour: str) -> str:
    """Return a badge as SVG; each text takes 7 px a character."""
    first, second = 7 * len(left) + 16, 7 * len(right) + 16
    text = 'y="14" text-anchor="middle" textLength="{}" fill="#fff">{}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="20" role="img" '
        f'aria-label="{left}: {right}" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<rect width="{first + second}" height="20" rx="3" fill="#444"/>'
        f'<rect x="{first}" width="{second}" height="20" rx="3" fill="{colour}"/>'
        f'<text x="{first / 2}" {text.format(first - 16, left)}'
        f'<text x="{first + second / 2}" {text.format(second - 16, right)}</svg>\n'
    )
