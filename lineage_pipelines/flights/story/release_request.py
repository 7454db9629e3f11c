"""Release request: a version of the story is reviewed, approved and promoted, as far as the policy allows it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines import LineageError

_LINEAGE = Path(sys.executable).with_name("lineage")
_REVIEWER = "reviewer@example.invalid"
_KEY = Path(".lineage") / "reviewer.pem"
_REFUSED = 1
"""The exit code of a promotion against the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """Somebody asks for a version to be in production."""

    root: Path
    """The checkout."""
    ref: str
    reason: str

    def decide(self, tell: Callable[[str], object], *, approved: bool) -> bool:
        """Approve the version, if the reviewer does, and ask for its promotion; return whether it is in production.

        Args:
            tell: called with each command, and with what came of it.
            approved: whether the reviewer approves it.

        Raises:
            LineageError: a command could not be run; its own words are in the message.
        """
        reason = ("--to", "production", "--reason", self.reason)
        if approved:
            if not (self.root / _KEY).exists():
                self._run(tell, "key", "new", "--owner", _REVIEWER, "--output", str(_KEY))
            self._run(tell, "approve", self.ref, *reason, "--key", str(_KEY))
        return self._run(tell, "promote", self.ref, *reason) != _REFUSED

    def _run(self, tell: Callable[[str], object], *words: str) -> int:
        tell(f"$ lineage {' '.join(f'{word!r}' if ' ' in word else word for word in words)}")
        # The decisions are the story's, not the user's.
        env = os.environ | {"LOGNAME": "demo"}
        done = subprocess.run([_LINEAGE, *words], cwd=self.root, env=env, capture_output=True, text=True, check=False)
        if done.returncode not in (0, _REFUSED):
            raise LineageError(
                f"lineage {words[0]} ended with {done.returncode}",
                where=str(self.root),
                fix=done.stderr.strip()[-2000:],
            )
        tell((done.stdout or done.stderr).rstrip())
        return done.returncode
