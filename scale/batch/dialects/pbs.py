"""PBS Pro and OpenPBS: qsub for scripts, qstat for jobs, also for those that are over, as long as the server keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from scale.batch import checks
from scale.batch.dialects.base import (
    COMMON_KEYS,
    Argv,
    BaseSchedulerIO,
    Output,
    common_options_of_qsub,
    each,
    in_portions,
    priority_of,
)
from scale.batch.dialects.pbs_output import Record, job_of, records_of
from scale.batch.errors import CommandFailedError
from scale.batch.jobs import QJob
from scale.batch.quantities import clock_text
from scale.batch.resources import ProcessPlacement, QResources
from scale.batch.results import CancelResult, CancelStatus
from scale.batch.states import NativeState, PBSState

_ID: Final = re.compile(r"\d{1,18}(?:\[\d*\])?\.[\w.:-]+", re.ASCII)
#: not failures: these jobs are over or were never there, the others are told
_NOT_THERE: Final = re.compile(r"Unknown Job Id|Job has finished|Unknown queue|illegally formed job identifier", re.I)
_NOT_IN_A_NAME: Final = re.compile(r"[^\w.+-]", re.ASCII)
_PRIORITIES: Final = range(-1024, 1024)
_INDEX: Final = "^array_index^"  #: of a task, in a path; no server expands anything else there

_PLACES: Final = {
    ProcessPlacement.SCATTERED: "scatter",
    ProcessPlacement.EVENLY_DISTRIBUTED: "scatter",
    ProcessPlacement.SAME_NODE: "pack",
}


class PBSIO(BaseSchedulerIO):
    """PBS Pro 14 and later, OpenPBS. Ended jobs are known while the server keeps them (job_history_enable, two weeks).

    An array is `12[].server`, a task of it `12[3].server`. `json=False` asks for text, as older servers want it.
    """

    name = "pbs"
    prefix = "#PBS"
    job_id_pattern = _ID
    job_id_like = "12.server, 12[].server or 12[3].server"
    #: the class of its states
    states: ClassVar[type[NativeState]] = PBSState
    directives: ClassVar[Mapping[str, str]] = {
        "queue": "-q {}",
        "job_name": "-N {}",
        "account": "-A {}",
        "select": "-l {}",
        "walltime": "-l walltime={}",
        "model": "-l model={}",
        "place": "-l place={}",
        "group_list": "-W group_list={}",
        "mail_user": "-M {}",
        "mail_type": "-m {}",
        "qout_path": "-o {}",
        "qerr_path": "-e {}",
        "priority": "-p {}",
        "rerunnable": "-r {}",
        "array": "-J {}",
        "resources": "-l {}",
        "join": "-j {}",
        "hold": "-h",
        "depend": "-W depend={}",
        "begin": "-a {}",
    }
    supported_qresources_keys = COMMON_KEYS | {"project"}

    def __init__(self, *, check_job_ids: bool = True, json: bool = True) -> None:
        super().__init__(check_job_ids=check_job_ids)
        self.json = json

    # ---- scripts

    def options_of(self, resources: QResources) -> dict[str, Any]:
        return (
            common_options_of_qsub(resources)
            | {
                "group_list": resources.project,
                "priority": priority_of(resources, _PRIORITIES),
                "walltime": resources.time_limit and clock_text(resources.time_limit),
                "resources": ",".join(f"{name}={count}" for name, count in (resources.licenses or {}).items()),
                "depend": ",".join(":".join([kind.value, *ids]) for kind, ids in (resources.dependencies or {}).items()),
            }
            | self.places_of(resources)
        )

    def places_of(self, resources: QResources) -> dict[str, Any]:
        """The options that say where processes lie, and what each place has."""
        if resources.process_placement is None:
            return {}
        nodes, processes, each_node = resources.get_processes_distribution()
        threads = resources.threads_per_process or 1
        cpus = (each_node or 1) * threads
        words = [f"ncpus={cpus}", f"mpiprocs={each_node}"] if nodes else []
        if not nodes and resources.threads_per_process:
            words.append(f"ncpus={cpus}")
        if threads > 1 or (resources.threads_per_process and not nodes):
            words.append(f"ompthreads={threads}")
        if resources.memory_per_thread:
            words.append(f"mem={cpus * resources.memory_per_thread}mb")
        words += [f"{feature}=True" for feature in resources.constraints or ()]
        chunks = _with_gpus(nodes or processes or 1, words, resources.gpus_per_job or 0)
        return {"select": f"select={'+'.join(chunks)}", "place": _PLACES.get(resources.process_placement)}

    def whole(self, job_id: str) -> str:
        return re.sub(r"\[\d+\]", "[]", job_id)

    def word(self, option: str, value: str) -> str:
        if option == "job_name":
            return _name(value)
        if option in ("qout_path", "qerr_path"):
            checks.bare_word(option, value.replace(_INDEX, ""))
            return checks.no_option(value)
        return checks.bare_word(option, value)

    # ---- orders

    def submit_words(self) -> Argv:
        return ("qsub",)

    def submitted_id(self, said: str) -> str | None:
        """The last that it says."""
        return next((line for line in map(str.strip, reversed(said.splitlines())) if self.job_id_pattern.fullmatch(line)), None)

    def cancel_argv(self, ids: Sequence[str]) -> Argv:
        return ("qdel", *ids)

    def read_cancel(self, output: Output) -> CancelResult:
        """It says nothing of the jobs that it deletes."""
        unknown = _only_not_there(output.stderr)
        failure = CancelStatus.JOB_ID_UNKNOWN if unknown else CancelStatus.FAILED
        status = failure if output.exit_code else CancelStatus.SUCCESSFUL
        return CancelResult(exit_code=output.exit_code, stdout=output.stdout, stderr=output.stderr, status=status)

    # ---- questions

    def live_argvs(self, ids: Sequence[str], user: str | None) -> list[Argv]:
        """Those that are over too where jobs are named, so that one command tells of all."""
        ask = ("qstat", "-f", *(("-F", "json") if self.json else ()), "-t")
        if ids:
            return [(*ask, "-x", *portion) for portion in in_portions(ids)]
        return [(*ask, "-u", user) if user else ask]

    def history_argvs(self, ids: Sequence[str]) -> list[Argv]:
        """There is no other history than qstat tells."""
        return []

    def read_jobs(self, output: Output) -> list[QJob]:
        if output.exit_code and not _only_not_there(output.stderr):
            said = output.stderr.strip() or "it did not say why"
            raise CommandFailedError(f"qstat ended with {output.exit_code}: {said}")
        jobs = each(self.records(output.stdout), lambda record: job_of(record, self.states))
        ids = [str(job.job_id) for job in jobs]
        told_by_task = {self.whole(job_id) for job_id in ids if job_id != self.whole(job_id)}
        return [job for job in jobs if job.job_id not in told_by_task]

    def read_history(self, output: Output) -> list[QJob]:
        return self.read_jobs(output)

    def records(self, said: str) -> Iterable[Record]:
        """What qstat said, job by job: the id, and values by name, as in `Resource_List.mem`."""
        return records_of(said)


def _with_gpus(chunks: int, words: Sequence[str], gpus: int) -> list[str]:
    """So many equal chunks; gpus of the job are dealt out to them one by one."""
    most, more = divmod(gpus, chunks)
    dealt = [(more, most + 1), (chunks - more, most)]
    return [":".join([str(count), *words, *([f"ngpus={each}"] if each else [])]) for count, each in dealt if count]


def _only_not_there(said: str) -> bool:
    lines = [line for line in said.splitlines() if line.strip()]
    return bool(lines) and all(_NOT_THERE.search(line) for line in lines)


def _name(text: str) -> str:
    """A name as every PBS allows it."""
    name = _NOT_IN_A_NAME.sub("_", text)
    return f"_{name}" if name[0] in "-+" else name
