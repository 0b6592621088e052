"""Slurm: sbatch for scripts, squeue for jobs it still knows, sacct for those it has forgotten."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, Final

from scale.batch import checks
from scale.batch.dialects.base import COMMON_KEYS, Argv, BaseSchedulerIO, Output, common_options, in_portions
from scale.batch.dialects.slurm_output import HISTORY, LIVE, ended_jobs, live_jobs, tasks_of
from scale.batch.errors import CommandFailedError, OutputParsingError
from scale.batch.jobs import QJob
from scale.batch.quantities import slurm_duration_text
from scale.batch.resources import QResources
from scale.batch.results import CancelResult, CancelStatus

_UNKNOWN_JOB: Final = "Invalid job id specified"
_UNKNOWN_USER: Final = "error: Invalid user"  #: with an exit code of 0
_SUBMITTED: Final = re.compile(
    r"^(?:.*: )?(?:Submitted batch job|Granted job allocation) (\d+)(?: on cluster \S+)?\s*$", re.M | re.I
)
#: as sbatch --parsable says it
_PARSABLE: Final = re.compile(r"^(\d+)(?:;\S+)?\s*\Z", re.M)
_TERMINATING: Final = re.compile(r"Terminating job (\S+)")
#: there is no such job, or none any more
_GONE: Final = re.compile(rf"(?:job id (?P<job>\S+?):? )?(?:{_UNKNOWN_JOB}|Job/step already completing or completed)", re.I)
_RANGE: Final = r"\d{1,9}(?:-\d{1,9}(?::[1-9]\d{0,8})?)?"
_PLAIN: Final = re.compile(r"[\w.,:/%@+=^*-]+")
_TASKS: Final = re.compile(r"_\[.*\]")


class SlurmIO(BaseSchedulerIO):
    """Slurm 20.11 and later; accounting (slurmdbd) is needed for jobs that squeue has forgotten.

    `mark` separates fields in what Slurm says; by itself it is random, which is what keeps users from telling tales about others.
    """

    name = "slurm"
    prefix = "#SBATCH"
    job_id_pattern = re.compile(rf"\d{{1,18}}(?:_\d{{1,9}}|_\[{_RANGE}(?:,{_RANGE})*(?:%\d{{1,9}})?\]|\+\d{{1,9}})?", re.ASCII)
    job_id_like = "12, 12_3, 12_[1-5] or 12+1"
    directives: ClassVar[Mapping[str, str]] = {
        "partition": "--partition={}",
        "job_name": "--job-name={}",
        "nodes": "--nodes={}",
        "ntasks": "--ntasks={}",
        "ntasks_per_node": "--ntasks-per-node={}",
        "cpus_per_task": "--cpus-per-task={}",
        "mem": "--mem={}",
        "mem_per_cpu": "--mem-per-cpu={}",
        "hint": "--hint={}",
        "time": "--time={}",
        "exclude_nodes": "--exclude={}",
        "account": "--account={}",
        "mail_user": "--mail-user={}",
        "mail_type": "--mail-type={}",
        "constraint": "--constraint={}",
        "gres": "--gres={}",
        "gpus": "--gpus={}",
        "gpus_per_node": "--gpus-per-node={}",
        "requeue": "--requeue",
        "nodelist": "--nodelist={}",
        "propagate": "--propagate={}",
        "licenses": "--licenses={}",
        "qout_path": "--output={}",
        "qerr_path": "--error={}",
        "qos": "--qos={}",
        "priority": "--priority={}",
        "array": "--array={}",
        "exclusive": "--exclusive{}",
        "dependency": "--dependency={}",
        "kill_on_invalid_dep": "--kill-on-invalid-dep={}",
        "begin": "--begin={}",
        "deadline": "--deadline={}",
        "hold": "--hold",
        "no_requeue": "--no-requeue",
    }
    supported_qresources_keys = COMMON_KEYS | {"qos"}

    def __init__(self, *, check_job_ids: bool = True, mark: str | None = None) -> None:
        super().__init__(check_job_ids=check_job_ids)
        self.mark = mark or f"<{secrets.token_hex(8)}>"

    # ---- scripts

    def options_of(self, resources: QResources) -> dict[str, Any]:
        nodes, processes, each_node = resources.get_processes_distribution()
        return common_options(resources) | {
            "partition": resources.queue_name,
            "nodes": nodes,
            "ntasks": processes,
            "ntasks_per_node": each_node,
            "cpus_per_task": resources.threads_per_process,
            "mem_per_cpu": resources.memory_per_thread,
            "gres": resources.gpus_per_job and f"gpu:{resources.gpus_per_job}",
            "time": resources.time_limit and slurm_duration_text(resources.time_limit),
            "constraint": "&".join(resources.constraints or ()),
            "licenses": ",".join(f"{name}:{count}" for name, count in (resources.licenses or {}).items()),
            "qos": resources.qos,
            "priority": resources.priority or None,
            "mail_type": resources.email_address and "ALL",
            "dependency": ",".join(":".join([kind.value, *ids]) for kind, ids in (resources.dependencies or {}).items()),
            "requeue": resources.rerunnable,
            "no_requeue": resources.rerunnable is False,
        }

    def word(self, option: str, value: str) -> str:
        """sbatch takes a directive apart as a shell would, but expands nothing."""
        checks.printable(option, value)
        if option == "exclusive":
            return "" if value == "True" else f"={self.word('', value)}"
        if _PLAIN.fullmatch(value):
            return value
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'

    # ---- orders

    def submit_words(self) -> Argv:
        return ("sbatch",)

    def submitted_id(self, said: str) -> str | None:
        found = _SUBMITTED.search(said) or _PARSABLE.search(said)
        return found[1] if found else None

    def cancel_argv(self, ids: Sequence[str]) -> Argv:
        """Only with -v it says what it does."""
        return ("scancel", "-v", *(re.sub(r"%\d+", "", job) for job in ids))

    def read_cancel(self, output: Output) -> CancelResult:
        """It tells what it tries, then what went wrong, and ends with 0 all the same."""
        errors = [line for line in output.stderr.splitlines() if "error:" in line]
        gone = [found["job"] for line in errors if (found := _GONE.search(line))]
        tried = [job for job in _TERMINATING.findall(output.stderr) if job not in gone]
        status = CancelStatus.SUCCESSFUL if tried else CancelStatus.JOB_ID_UNKNOWN
        if len(gone) < len(errors) or (output.exit_code and not gone):
            status = CancelStatus.FAILED
        return CancelResult(
            job_id=tried[0] if status is CancelStatus.SUCCESSFUL else None,
            exit_code=output.exit_code,
            stdout=output.stdout,
            stderr=output.stderr,
            status=status,
        )

    # ---- questions

    def whole(self, job_id: str) -> str:
        return re.split(r"[_+]", job_id, maxsplit=1)[0]

    def listed(self, job_id: str) -> Iterable[str]:
        """`12_[1-5]` lists `12_1` and so on; all parts of `12` are `12_3`, `12+1` and their like."""
        whole, _, tasks = job_id.partition("_")
        if not tasks.startswith("["):
            return super().listed(job_id)
        return (f"{whole}_{task}" for task in chain.from_iterable(tasks_of(tasks)))

    def live_argvs(self, ids: Sequence[str], user: str | None) -> list[Argv]:
        """Ended ones too, and each task of an array by itself."""
        fields = ",".join(f"{name}:{self.mark}" for name in LIVE.values())
        ask = ("squeue", "--noheader", "--all", "--array", "--states=all", f"--Format={fields}")
        if ids:
            return [(*ask, f"--jobs={_listed(portion)}") for portion in in_portions(_jobs(ids))]
        return [(*ask, f"--user={user}") if user else ask]

    def history_argvs(self, ids: Sequence[str]) -> list[Argv]:
        """All runs of a job, and their steps, for only there is the signal that ended a job out of time."""
        ask = (
            "sacct",
            "--noheader",
            "--duplicates",
            "--parsable",
            f"--delimiter={self.mark}",
            f"--format={','.join(HISTORY.values())}",
        )
        wholes = list(dict.fromkeys(map(self.whole, ids)))  # it does not find the canceled tasks of an array by their own ids
        return [(*ask, f"--jobs={','.join(portion)}") for portion in in_portions(wholes)]

    def read_jobs(self, output: Output) -> list[QJob]:
        if output.exit_code and _UNKNOWN_JOB in output.stderr:
            return []  # the only one that was asked for
        return live_jobs(self._said("squeue", output), self.mark)

    def read_history(self, output: Output) -> list[QJob]:
        return ended_jobs(self._said("sacct", output), self.mark)

    def _said(self, program: str, output: Output) -> str:
        if output.exit_code or _UNKNOWN_USER in output.stderr:
            raise CommandFailedError(f"{program} ended with {output.exit_code}: {output.stderr.strip() or 'it did not say why'}")
        if output.stdout.strip() and self.mark not in output.stdout:
            raise OutputParsingError(
                f"{program} said {output.stdout.strip()[:100]!r}, which has no fields that end with {self.mark}"
            )
        return output.stdout


def _jobs(ids: Sequence[str]) -> list[str]:
    """Each once; of some tasks of an array the whole array, for squeue takes a comma for the end of the id."""
    return list(dict.fromkeys(_TASKS.sub("", job) for job in ids))


def _listed(ids: Sequence[str]) -> str:
    """One by itself is named twice: squeue fails for a single one that it does not know, but not for several."""
    return ",".join(ids if len(ids) > 1 else [*ids, *ids])
