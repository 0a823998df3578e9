"""``python -m benchmarks`` runs the load benchmark, ``mailbox`` the actor runtime's, ``dashboard`` the page's."""

import sys

from benchmarks import dashboard, load, mailbox

OTHERS = {"dashboard": dashboard.main, "mailbox": mailbox.main}

if sys.argv[1:2] and sys.argv[1] in OTHERS:
    sys.exit(OTHERS[sys.argv[1]](sys.argv[2:]))
sys.exit(load.main())
