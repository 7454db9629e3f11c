"""The page on threats: what it calls prevented or detected has a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/explanation/threats.md"


def test_every_defence_names_a_test() -> None:
    rows = [line.strip("|").split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    threats = [row for row in rows if row[0].strip() != "who"]
    assert threats
    for _, what, verdict, tests in threats:
        named = re.findall(r"`([^`]+)`", tests)
        assert named or verdict.strip().startswith("out of scope"), what
        for each in named:
            assert (ROOT / each).is_file(), each
