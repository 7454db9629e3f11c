"""`python -m lineage_pipelines.flights`."""

import sys

from lineage_pipelines.flights.flights_cli import main

sys.exit(main())
