"""No batch system at all: a job is a process of the host, started by a shell that stays to keep how it ended.

A job's id is its process id and the moment it began, `4711.8153`, for the kernel uses process ids again. What is known of it
lies in a directory of its user: `ID.run` and `ID.script` from its start, `ID.end` with its exit status once it is over. What
neither runs nor has an end (the host was started anew, or the keeping shell was killed) is UNDETERMINED.

The programs for the shell below are constant; whatever belongs to a job comes to them as an argument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, ClassVar, Final

from scale.batch import checks
from scale.batch.dialects.base import Argv, BaseSchedulerIO, Output, common_options, each, in_portions, optional, state_of
from scale.batch.errors import CommandFailedError, OutputParsingError
from scale.batch.jobs import QJob, QJobInfo, QState
from scale.batch.quantities import ps_duration, sge_duration
from scale.batch.resources import QResources
from scale.batch.results import CancelResult, CancelStatus
from scale.batch.states import BatchState, ShellState

#: the id of a process that lives, with the moment it began from /proc, in ticks since the host was started
_BORN: Final = """\
directory=${1:-${XDG_STATE_HOME:-$HOME/.local/state}/scale-shell}; shift
born() {
  local said; { said=$(<"/proc/$1/stat"); } 2>/dev/null || return
  local -a fields; read -ra fields <<<"${said##*) }"
  [[ ${fields[0]} == [ZX] ]] || echo "$1.${fields[19]}"
}
"""

#: $1 and $2 are the next ones down, $3 and $4 the files for the output, $5 the script. Ended jobs are forgotten after a month.
_SUBMIT: Final = """\
keep=$1 start=$2 output=$3 error=$4 script=$5
[ -f "$script" ] && [ -r "$script" ] || { echo "there is no script $script to read" >&2; exit 1; }
mkdir -p -m 700 -- "$directory" && new=$(mktemp -- "$directory/new.XXXXXX") || exit 1
find "$directory" -type f -name '*.end' -mtime +30 -delete
header() { sed -n "/^#/!q; s/^#SCALE $1 //p" -- "$script" | tail -n 1; }
name=$(header name) asked=$(header output) asked_error=$(header error)
setsid --fork bash -c "$keep" bash "$directory" "$script" "$start" "$new" \\
  "${name:-${script##*/}}" "${asked:-$output}" "${asked_error:-$error}" </dev/null 2>/dev/null
"""

#: stays until the job is over. -m gives that a process group, and leaves it the signals that a shell takes from what is in the
#: background; but with it, wait returns for a job that is merely stopped
_KEEP: Final = """\
script=$1 start=$2 new=$3 name=$4 output=$5 error=$6
set -m
bash -c "$start" bash "$directory" "$script" "$new" "$name" "$output" "$error" "$(born $$)" &
exec >/dev/null; set +m
wait $!; status=$?
read -r id <"$new" || { rm -f -- "$new"; exit; }
printf '%s %s %s\\n' "$status" "$SECONDS" "$name" >"$new"
mv -f -- "$new" "$directory/$id.end"; rm -f -- "$directory/$id".{run,script}
"""

#: becomes the job; the script may be written anew as soon as it was submitted
_START: Final = """\
script=$1 new=$2 name=$3 output=$4 error=$5 keeper=$6
id=$(born $$)
cp -- "$script" "$directory/$id.script" && printf '%s %s\\n' "$keeper" "$name" >"$directory/$id.run" || exit
echo "$id" >"$new" && echo "$id"
exec bash "$directory/$id.script" >"$output" 2>"$error"
"""

#: $1 the directory, $2 whose jobs (empty: whoever's), then ids (none: all)
_ASK: Final = """\
user=$1; shift; cd -- "$directory" 2>/dev/null || exit 0
[ $# -gt 0 ] || { shopt -s nullglob; set -- *.run; set -- "${@%.run}"; }
declare -A ids
for id; do
  if [ "$(born "${id%.*}")" = "$id" ]; then ids[${id%.*}]=$id
  elif read -r status seconds name 2>/dev/null <"$id.end"; then echo "end $id $status $seconds $name"
  elif read -r keeper name 2>/dev/null <"$id.run"; then
    if [ -n "$keeper" ] && [ "$(born "${keeper%.*}")" = "$keeper" ]; then echo "ending $id $name"
    elif read -r status seconds name 2>/dev/null <"$id.end"; then echo "end $id $status $seconds $name"
    else echo "lost $id $name"; fi
  fi
done
[ ${#ids[@]} -gt 0 ] || exit 0
list=$(IFS=,; echo "${!ids[*]}")
LC_ALL=C ps -o pid=,user:64=,state=,etime= -p "$list" | while read -r pid owner state age; do
  [ -z "$user" ] || [ "$user" = "$owner" ] || continue
  name=; read -r keeper name 2>/dev/null <"${ids[$pid]}.run"
  echo "live ${ids[$pid]} $owner $state $age $name"
done
"""

#: a job and what it has started, at once; one that is stopped too
_CANCEL: Final = """\
for id; do
  if [ "$(born "${id%.*}")" = "$id" ]; then kill -KILL -- "-${id%.*}" || failed=1
  else echo "there is no job $id" >&2; fi
done
exit ${failed:-0}
"""
_NO_JOB: Final = "there is no job "
_ID: Final = re.compile(r"[1-9]\d{0,9}\.\d{1,19}", re.ASCII)


_LINES: Final = [
    re.compile(form.replace("ID", _ID.pattern), re.ASCII)
    for form in (
        r"(?P<kind>live) (?P<id>ID) (?P<user>\S+) (?P<state>\S) (?P<age>\S+) ?(?P<name>.*)",
        r"(?P<kind>end) (?P<id>ID) (?P<status>\d{1,3}) (?P<seconds>\d+) ?(?P<name>.*)",
        r"(?P<kind>ending|lost) (?P<id>ID) ?(?P<name>.*)",
    )
]
_WITHOUT_STATE: Final = {"ending": BatchState.COMPLETING, "lost": BatchState.LOST}


class ShellIO(BaseSchedulerIO):
    """Jobs as processes of a Linux host with bash, ps and setsid. `directory` is where it keeps what it knows of them."""

    name = "shell"
    prefix = "#SCALE"
    job_id_pattern = _ID
    job_id_like = "4711.8153: process and moment it began"
    directives: ClassVar[Mapping[str, str]] = {"job_name": "name {}", "qout_path": "output {}", "qerr_path": "error {}"}
    supported_qresources_keys = frozenset({"job_name", "output_filepath", "error_filepath", "process_placement"})

    def __init__(
        self,
        *,
        stdout_path: str | PurePath = "stdout",
        stderr_path: str | PurePath = "stderr",
        check_job_ids: bool = True,
        directory: str = "",
    ) -> None:
        super().__init__(check_job_ids=check_job_ids)
        self.stdout_path, self.stderr_path = str(stdout_path), str(stderr_path)
        self.directory = directory

    def options_of(self, resources: QResources) -> dict[str, Any]:
        return common_options(resources)

    def word(self, option: str, value: str) -> str:
        """The rest of the line as it is: no shell reads it."""
        return checks.printable(option, value)

    # ---- orders

    def submit_words(self) -> Argv:
        return self._bash(_SUBMIT, _BORN + _KEEP, _BORN + _START, self.stdout_path, self.stderr_path)

    def submitted_id(self, said: str) -> str | None:
        return said.strip() if _ID.fullmatch(said.strip()) else None

    def cancel_argv(self, ids: Sequence[str]) -> Argv:
        return self._bash(_CANCEL, *ids)

    def read_cancel(self, output: Output) -> CancelResult:
        status = CancelStatus.JOB_ID_UNKNOWN if _NO_JOB in output.stderr else CancelStatus.SUCCESSFUL
        return CancelResult(
            exit_code=output.exit_code,
            stdout=output.stdout,
            stderr=output.stderr,
            status=CancelStatus.FAILED if output.exit_code else status,
        )

    # ---- questions

    def live_argvs(self, ids: Sequence[str], user: str | None) -> list[Argv]:
        if ids:
            return [self._bash(_ASK, "", *portion) for portion in in_portions(ids)]
        return [self._bash(_ASK, user or "")]

    def history_argvs(self, ids: Sequence[str]) -> list[Argv]:
        """Ended jobs are told with the others."""
        return []

    def read_jobs(self, output: Output) -> list[QJob]:
        if output.exit_code:
            said = output.stderr.strip() or "it did not say why"
            raise CommandFailedError(f"asking for processes ended with {output.exit_code}: {said}")
        return each(filter(str.strip, output.stdout.split("\n")), _job)

    def read_history(self, output: Output) -> list[QJob]:
        return self.read_jobs(output)

    def _bash(self, program: str, *arguments: str) -> Argv:
        return ("bash", "-c", _BORN + program, "bash", self.directory, *arguments)


def _job(line: str) -> QJob:
    found = next((match for form in _LINES if (match := form.fullmatch(line))), None)
    if not found:
        raise OutputParsingError(f"{line[:100]!r} is not like: live ID USER STATE AGE NAME")
    told = found.groupdict()
    status = int(told["status"]) if "status" in told else None
    state, sub_state = _state(told["kind"], told.get("state", ""), status)
    return QJob(
        job_id=told["id"],
        name=told["name"] or None,
        exit_status=status,
        state=state,
        sub_state=sub_state,
        info=QJobInfo(),
        runtime=_seconds(told),
        username=told.get("user"),
        native_state=told.get("state", told["kind"]),
        reason="it is gone, and nobody was there to see how it ended" if told["kind"] == "lost" else None,
    )


def _state(kind: str, letter: str, status: int | None) -> tuple[QState, ShellState | None]:
    if kind in _WITHOUT_STATE:
        return _WITHOUT_STATE[kind].qstate, None
    if status is None:
        return state_of(ShellState, letter)
    return (QState.FAILED if status else QState.DONE), ShellState.DEAD


def _seconds(told: Mapping[str, str]) -> int | None:
    if "age" in told:
        return optional(ps_duration, told["age"], "etime")
    return optional(sge_duration, told.get("seconds"), "seconds")
