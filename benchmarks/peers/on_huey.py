"""Huey on SQLite as it comes (no fsync): each task starts a process and waits for it; threads of one consumer."""

import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from huey import SqliteHuey

from peer import TRUE, asked, tell

huey = SqliteHuey(filename="huey.db")


@huey.task()
def run() -> int:
    return subprocess.run([TRUE], check=True).returncode


if __name__ == "__main__":
    args = asked()
    consumer = huey.create_consumer(workers=args.slots, worker_type="thread", periodic=False)
    began = time.perf_counter()
    for _ in range(args.jobs):
        run()
    consumer.start()
    while huey.result_count() < args.jobs:
        time.sleep(0.005)
    tell(began, {"huey": "huey"})
    consumer.stop(graceful=False)
