"""Fuzzing of what comes from outside: what gateways say, what browsers say, what a daemon says (docs/fuzzing.md).

``python -m tests.fuzz`` runs it, which is ``make fuzz``.
"""
