"""`python -m lineage_pipelines.flights`, in the folder of a checkout."""

import sys

from lineage_pipelines.flights.flights_cli import main

sys.exit(main())
