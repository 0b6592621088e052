"""What the programs of rivals share: how they are asked, and what they say. They run in an environment of their own."""

from __future__ import annotations

import argparse
import json
import time
from importlib.metadata import version

TRUE = "/bin/true"


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--database", default="")
    return parser.parse_args()


def tell(began: float, packages: dict[str, str]) -> None:
    """:param packages: names for people, and in the package index"""
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "versions": {name: version(package) for name, package in packages.items()}}))
