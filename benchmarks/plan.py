"""What a run of the load benchmark is to be."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen


@frozen
class Plan:
    """``warm_up`` seconds of the same load come before the ``seconds`` that are measured."""

    agents: int
    rate: float
    seconds: float
    subscribers: int
    warm_up: float
    seed: int
    profile: Path | None


def parse(arguments: Sequence[str] | None = None) -> Plan:
    parser = argparse.ArgumentParser(prog="benchmarks", description="The whole way under load.")
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20, help="agent events a second of each agent")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--subscribers", type=int, default=10)
    parser.add_argument("--warm-up", type=float, default=5, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", type=Path, metavar="FILE", help="profile the daemon (cProfile) into this file")
    return Plan(**vars(parser.parse_args(arguments)))
