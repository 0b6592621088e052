"""Dask: one map, each call starts a process and waits for it; scheduler and workers are processes, nothing is on disk."""

import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from distributed import Client, LocalCluster

from peer import TRUE, asked, tell


def run(_: int) -> int:
    return subprocess.run(["/bin/true"], check=True).returncode


if __name__ == "__main__":
    args = asked()
    assert TRUE == "/bin/true"
    with LocalCluster(n_workers=args.slots, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.gather(client.map(run, range(args.slots), pure=False))
        began = time.perf_counter()
        assert not any(client.gather(client.map(run, range(args.jobs), pure=False)))
        tell(began, {"Dask": "distributed"})
