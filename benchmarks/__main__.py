"""``python -m benchmarks`` runs the load benchmark; ``python -m benchmarks mailbox`` the actor runtime's."""

import sys

from benchmarks import load, mailbox

if sys.argv[1:2] == ["mailbox"]:
    sys.exit(mailbox.main(sys.argv[2:]))
sys.exit(load.main())
