"""The page on threats: what it calls prevented or detected has a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/explanation/threats.md"


def test_every_defence_names_a_test() -> None:
    text = PAGE.read_text()
    tables = re.findall(r"^\| who \|.*\n\|-.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    threats = [line.strip("|").split("|") for table in tables for line in table.splitlines()]
    assert len(tables) == text.count("| who |")
    assert threats
    for _, what, verdict, tests in threats:
        named = re.findall(r"`([^`]+)`", tests)
        assert named or verdict.strip().startswith("out of scope"), what
        for each in named:
            assert (ROOT / each).is_file(), each
