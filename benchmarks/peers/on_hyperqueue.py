"""HyperQueue: one job of as many tasks, each a process of its own; server and worker are processes, and keep no journal."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

from peer import TRUE, asked, tell

if __name__ == "__main__":
    args = asked()
    with LocalCluster() as cluster:
        cluster.start_worker(WorkerConfig(cores=args.slots))
        client = cluster.client()
        began = time.perf_counter()
        job = Job()
        for _ in range(args.jobs):
            job.program([TRUE])
        submitted = client.submit(job)
        assert client.wait_for_jobs([submitted])
        tell(began, {"HyperQueue": "hyperqueue"})
