"""``python -m benchmarks`` runs the load benchmark; ``python -m benchmarks.journal`` the journal's own."""

import sys

from benchmarks.load import main

sys.exit(main())
