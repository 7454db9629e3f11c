"""The `lineage` command: parse, ask one query, print one report, return one exit code.

The answer goes to stdout, everything else to stderr. 0: answered and clean; 1: answered, with findings; 2: usage or
bad input; 3: could not be answered.
"""

from lineage_pipelines.cli.main import main

__all__ = ["main"]
