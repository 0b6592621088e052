"""Grid Engine: qsub for scripts, qstat for jobs it still has, qacct for those that are over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from scale.batch import checks
from scale.batch.dialects.base import COMMON_KEYS, Argv, BaseSchedulerIO, Output, common_options_of_qsub, priority_of
from scale.batch.dialects.sge_output import ended_jobs, live_jobs
from scale.batch.errors import CommandFailedError, InvalidFieldError, UnsupportedResourcesError
from scale.batch.jobs import QJob
from scale.batch.quantities import clock_text
from scale.batch.resources import DependencyType, ProcessPlacement, QResources
from scale.batch.results import CancelResult, CancelStatus
from scale.kernel.errors import Fault

_SUBMITTED: Final = re.compile(r"^Your job(?:-array)? (\d+)(?:\.\d+-\d+:\d+)? \(\".*\"\) has been submitted\s*$", re.M)
#: as qsub -terse says it
_TERSE: Final = re.compile(r"^(\d+)(?:\.\d+-\d+:\d+)?\s*\Z", re.M)
_PRIORITIES: Final = range(-1023, 1025)
_DELETED: Final = re.compile(r"(?:for deletion|has deleted|forced the deletion|already in deletion)")
_UNKNOWN: Final = re.compile(r"does not exist|do not exist")
_NO_RECORD: Final = re.compile(r"job (?:id|name) \S+ not found")
#: the program, its page and its name of a job may not have these
_NOT_IN_A_NAME: Final = re.compile(r"[^\w.+=,-]", re.ASCII)
#: of a path: `#` ends a line even between quotes, and a dollar is for what Grid Engine itself puts there; the rest is literal
_NOT_IN_A_PATH: Final = re.compile(r"[\"'\\#]|\$(?!(?:HOME|USER|JOB_ID|JOB_NAME|HOSTNAME|TASK_ID)(?!\w))|^-", re.ASCII)
_PATHS: Final = frozenset({"qout_path", "qerr_path", "work_dir"})
_PARALLEL: Final = re.compile(r"[\w.*-]+ [\d-]+", re.ASCII)


class SGEIO(BaseSchedulerIO):
    """Son of Grid Engine 8, Open Grid Scheduler and their like.

    What a site names as it likes is told here: the parallel environment for jobs on one node (its allocation rule is
    `$pe_slots`), the one for jobs over several (`{}` stands for the slots on each node, so `mpi-{}` becomes `mpi-4`), and the
    resources that stand for memory (of a slot), time and gpus. Where a gpu is counted for each slot, `gpus_per_job` is that
    number.

    Up to `singly` ended jobs are asked for one by one; for more, all of the accounting is read, or what started in the last
    `history_days`.
    """

    name = "sge"
    prefix = "#$"
    #: a queue decides otherwise which shell is used, and output would be left in the home directory
    shebang = "#!/bin/bash\n#$ -S /bin/bash\n#$ -cwd"
    job_id_pattern = re.compile(r"\d{1,18}(?:\.\d{1,9})?", re.ASCII)
    job_id_like = "12 or 12.3"
    directives: ClassVar[Mapping[str, str]] = {
        "queue": "-q {}",
        "job_name": "-N {}",
        "pe": "-pe {}",
        "resources": "-l {}",
        "account": "-A {}",
        "project": "-P {}",
        "priority": "-p {}",
        "qout_path": "-o {}",
        "qerr_path": "-e {}",
        "join": "-j {}",
        "work_dir": "-wd {}",
        "mail_user": "-M {}",
        "mail_type": "-m {}",
        "rerunnable": "-r {}",
        "array": "-t {}",
        "tasks_at_once": "-tc {}",
        "hold": "-h",
        "hold_jid": "-hold_jid {}",
        "hold_jid_ad": "-hold_jid_ad {}",
        "begin": "-a {}",
        "reservation": "-R {}",
    }
    supported_qresources_keys = COMMON_KEYS | {"project"}

    def __init__(
        self,
        *,
        check_job_ids: bool = True,
        parallel_environment: str = "smp",
        across_nodes: str | None = None,
        memory: str = "h_vmem",
        time: str = "h_rt",
        gpu: str = "gpu",
        singly: int = 8,
        history_days: int | None = None,
    ) -> None:
        super().__init__(check_job_ids=check_job_ids)
        self.parallel_environment = parallel_environment
        self.across_nodes = across_nodes
        self.memory, self.time, self.gpu = memory, time, gpu
        self.singly, self.history_days = singly, history_days

    # ---- scripts

    def options_of(self, resources: QResources) -> dict[str, Any]:
        return common_options_of_qsub(resources) | {
            "pe": self._parallel(resources),
            "resources": ",".join(f"{name}={value}" for name, value in self._resources(resources).items()),
            "project": resources.project,
            "priority": priority_of(resources, _PRIORITIES),
            "hold_jid": ",".join(_predecessors(resources)),
        }

    def _parallel(self, resources: QResources) -> str | None:
        nodes, processes, each_node = resources.get_processes_distribution()
        on_each = (each_node or 1) * (resources.threads_per_process or 1)
        if (nodes or 1) > 1:
            return f"{self._across(resources.process_placement, on_each)} {(nodes or 1) * on_each}"
        slots = on_each if nodes else (processes or 1) * (resources.threads_per_process or 1)
        return f"{self.parallel_environment} {slots}" if slots > 1 else None

    def _across(self, placement: ProcessPlacement | None, slots: int) -> str:
        if self.across_nodes is None:
            wanted = placement.value if placement else "nodes"
            raise UnsupportedResourcesError(
                f"process_placement: Grid Engine has {wanted} on several nodes only by a parallel environment made for that; "
                "name it: SGEIO(across_nodes='mpi-{}'), where {} is the slots on a node"
            )
        return self.across_nodes.format(slots)

    def _resources(self, resources: QResources) -> dict[str, Any]:
        asked = {
            self.memory: resources.memory_per_thread and f"{resources.memory_per_thread}M",
            self.time: resources.time_limit and clock_text(resources.time_limit),
            self.gpu: resources.gpus_per_job,
            **(resources.licenses or {}),
            **dict.fromkeys(resources.constraints or (), "TRUE"),
        }
        return {name: value for name, value in asked.items() if value}

    def whole(self, job_id: str) -> str:
        return job_id.partition(".")[0]

    def word(self, option: str, value: str) -> str:
        """qsub knows double quotes, and expands nothing but its own names, and these in paths only."""
        if option == "job_name":
            return _name(value)
        if option in _PATHS:
            return _path(option, value)
        if option == "pe" and _PARALLEL.fullmatch(value):
            return value
        return checks.bare_word(option, value)

    # ---- orders

    def submit_words(self) -> Argv:
        return ("qsub",)

    def submitted_id(self, said: str) -> str | None:
        found = _SUBMITTED.search(said) or _TERSE.search(said)
        return found[1] if found else None

    def cancel_argv(self, ids: Sequence[str]) -> Argv:
        return ("qdel", *ids)

    def read_cancel(self, output: Output) -> CancelResult:
        """It tells of each job, on stdout or stderr; one that it did not find is no failure of the others."""
        said = output.stdout + output.stderr
        status = CancelStatus.FAILED
        if _DELETED.search(said) or not output.exit_code:
            status = CancelStatus.SUCCESSFUL
        elif _UNKNOWN.search(said):
            status = CancelStatus.JOB_ID_UNKNOWN
        return CancelResult(exit_code=output.exit_code, stdout=output.stdout, stderr=output.stderr, status=status)

    # ---- questions

    def live_argvs(self, ids: Sequence[str], user: str | None) -> list[Argv]:
        """Of everybody's jobs if some are named, for it lists no jobs by id in this form."""
        return [("qstat", "-xml", "-r", "-u", user or "*")]

    def history_argvs(self, ids: Sequence[str]) -> list[Argv]:
        """qacct takes one id, or none for all that there is."""
        jobs = list(dict.fromkeys(job.partition(".")[0] for job in ids))
        days = () if self.history_days is None else ("-d", str(self.history_days))
        if len(jobs) > self.singly:
            return [("qacct", *days, "-j")]
        return [("qacct", *days, "-j", job) for job in jobs]

    def read_jobs(self, output: Output) -> list[QJob]:
        return live_jobs(_said("qstat", output), memory=self.memory, time=self.time, gpu=self.gpu)

    def read_history(self, output: Output) -> list[QJob]:
        if output.exit_code and _NO_RECORD.search(output.stderr):
            return []
        return ended_jobs(_said("qacct", output), memory=self.memory, time=self.time, gpu=self.gpu)


def _path(option: str, value: str) -> str:
    if found := _NOT_IN_A_PATH.search(value):
        message = f"{value[:100]!r} has {found[0]!r} where Grid Engine takes it for something else; leave it out"
        raise InvalidFieldError([Fault(option, message)])
    return f'"{value}"' if re.search(r"[^\w./$:-]", value, re.ASCII) else value


def _said(program: str, output: Output) -> str:
    if output.exit_code:
        raise CommandFailedError(f"{program} ended with {output.exit_code}: {output.stderr.strip() or 'it did not say why'}")
    return output.stdout


def _name(text: str) -> str:
    """A name as Grid Engine allows it: it may not start with a digit, nor have blanks or any of `/:@\\*?`."""
    name = _NOT_IN_A_NAME.sub("_", text)
    return f"_{name}" if name[0].isdigit() or name[0] == "-" else name


def _predecessors(resources: QResources) -> list[str]:
    dependencies = resources.dependencies or {}
    other = [kind.value for kind in dependencies if kind is not DependencyType.AFTER_ANY]
    if other:
        raise UnsupportedResourcesError(
            f"dependencies: Grid Engine waits for the end of a job, whichever it is: it has afterany, but not {', '.join(other)}"
        )
    return dependencies.get(DependencyType.AFTER_ANY, [])
