"""Asks a web server the same again and again over some connections, as a process of its own; prints what came of it.

    python benchmarks/getting.py URL PATH TOKEN [--seconds 5] [--connections 4] [--unchanged]

With ``--unchanged`` each request names the version that the last answer had, as a page does that looks whether to draw anew.
"""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from collections import Counter
from urllib.parse import urlsplit


class Asker(threading.Thread):
    """One connection, one request at a time."""

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__()
        self._args = args
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.size = 0

    def run(self) -> None:
        address = urlsplit(self._args.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        headers = {"Authorization": f"Token {self._args.token}", "Accept-Encoding": "gzip"}
        ends = time.monotonic() + self._args.seconds
        while time.monotonic() < ends or not self.times:
            began = time.perf_counter()
            connection.request("GET", self._args.path, headers=headers)
            answer = connection.getresponse()
            self.size = len(answer.read()) or self.size
            self.times.append(time.perf_counter() - began)
            self.statuses[answer.status] += 1
            if self._args.unchanged and (version := answer.headers.get("ETag")):
                headers["If-None-Match"] = version
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("url", "path", "token"):
        parser.add_argument(name)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--unchanged", action="store_true")
    askers = [Asker(parser.parse_args()) for _ in range(parser.parse_args().connections)]
    began = time.monotonic()
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    seconds = time.monotonic() - began
    statuses = sum((asker.statuses for asker in askers), Counter())
    times = [one for asker in askers for one in asker.times]
    print(json.dumps({"seconds": seconds, "statuses": statuses, "times": times, "size": max(asker.size for asker in askers)}))


if __name__ == "__main__":
    main()
