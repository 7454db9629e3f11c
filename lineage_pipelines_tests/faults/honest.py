"""Whatever honest people do to a catalog, `verify` never raises an alarm against what they have kept of it.

`python -m lineage_pipelines_tests.faults.honest --histories 1000` lives so many lives: versions from one writer and
from several at once, retries, decisions for and against, approvals, lost and revoked keys, rebuilt indexes, clocks that
run backwards, copies that are continued, catalogs of an older release. Each is verified again and again, against every
checkpoint that was taken on its way. A C compiler is needed, for the clock.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from lineage_pipelines_tests.faults.interposer import under_interposer
from lineage_pipelines_tests.faults.lives import Life


def live(seed: int, steps: int) -> Life:
    """Live one life, verified on the way and at its end."""
    with tempfile.TemporaryDirectory() as name:
        life = Life(Path(name), seed)
        for _ in range(steps):
            life.step()
        life.verify()
        return life


def main() -> int:
    """Live, and print what was done and what raised an alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    under_interposer(__spec__.name, sys.argv[1:])
    done, refused, alarms, verified, begun = Counter[str](), Counter[str](), list[str](), 0, time.monotonic()
    for seed in range(asked.seed, asked.seed + asked.histories):
        life = live(seed, asked.steps)
        done += life.done
        refused += life.refused
        verified += life.verified
        alarms += [f"history {seed}, {alarm}" for alarm in life.alarms]
    for what in sorted(done | refused):
        sys.stdout.write(
            f"{what}: {done[what]:,} times{f', {refused[what]:,} more refused' if refused[what] else ''}\n"
        )
    sys.stdout.write("".join(f"  {alarm}\n" for alarm in alarms[:40]))
    sys.stdout.write(
        f"{asked.histories:,} histories in {time.monotonic() - begun:.0f} s, compared with a checkpoint {verified:,} "
        f"times: {len(alarms)} false alarms\n"
    )
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
