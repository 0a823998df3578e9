"""Is what a daemon tells what really happened? The ground truth of a simulation against journal, history and stream.

``compare`` and all that it uses is pure: frozen readings in, a verdict out. ``journal``, ``daemon`` and ``run`` get the
readings and print the verdict. What the verdict's classes mean is in docs/chaos.md.
"""

from mission_control.verify.compare import compare
from mission_control.verify.verdict import Finding, Verdict

__all__ = ["Finding", "Verdict", "compare"]
