"""How many jobs there are of each status, by everybody who can tell: a test may ask them all and hear the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.test import Client

from scale.job.models import Job, JobExecution, JobExecutionEnd
from scale.queue.models import Queue

Counts = dict[str, int]


class Witnesses:
    """The service, asked over REST, and the rows below it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def jobs(self) -> dict[str, Counts]:
        """Jobs by status."""
        return {
            "the rows": Counter(Job.objects.values_list("status", flat=True)),
            "the list": Counter(job["status"] for job in self._everything("jobs/?order=id&page_size=1000")),
            "the filtered lists": self._by_filter(),
            "the job types": self._by_type(),
        }

    def waiting(self) -> dict[str, int]:
        """Executions on the queue."""
        return {
            "the rows": Queue.objects.filter(is_canceled=False).count(),
            "the queue": sum(line["count"] for line in self._get("queue/status/")["results"]),
            "the status": self._get("status/")["queue"]["total"],
        }

    def running(self) -> dict[str, int]:
        """Executions that run."""
        return {
            "the rows": JobExecution.objects.filter(has_ended=False).count(),
            "the status": self._on_nodes("running"),
        }

    def ended(self) -> dict[str, Counts]:
        """Executions that ran to an end of their own."""
        rows = Counter(JobExecutionEnd.objects.values_list("status", flat=True))
        return {
            "the rows": {status: rows[status] for status in ("COMPLETED", "FAILED")},
            "the status": {"COMPLETED": self._on_nodes("completed"), "FAILED": self._on_nodes("failed")},
        }

    def _get(self, path: str) -> Any:
        answer = self._client.get(path if path.startswith("http") else f"/api/v7/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def _everything(self, path: str | None) -> list[dict[str, Any]]:
        found = []
        while path:
            page = self._get(path)
            found += page["results"]
            path = page["next"]
        assert len(found) == page["count"] == len({one["id"] for one in found})
        return found

    def _by_filter(self) -> Counts:
        statuses = ("QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELED")
        counts = {status: self._get(f"jobs/?status={status}&page_size=1")["count"] for status in statuses}
        return {status: count for status, count in counts.items() if count}

    def _by_type(self) -> Counts:
        counts: Counter[str] = Counter()
        for kind in self._get("job-types/status/")["results"]:
            for told in kind["job_counts"]:
                counts[told["status"]] += told["count"]
        return counts

    def _on_nodes(self, kind: str) -> int:
        return sum(node["job_executions"][kind]["total"] for node in self._get("status/")["nodes"])


def the_same(told: dict[str, Any]) -> Any:
    """What all of them say; it is a failure if they do not agree."""
    first, *others = told.values()
    assert all(other == first for other in others), told
    return first
