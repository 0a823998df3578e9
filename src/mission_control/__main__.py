"""``python -m mission_control``: the command line."""

import sys

from mission_control.cli import main

sys.exit(main())
