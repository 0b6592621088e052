"""Every command of `scale`, by name."""

from __future__ import annotations

import typer

from scale.cli import changing, cluster, demo, jobs, logs, nodes, operate, scheduler, sizes, storage, submit, types, up
from scale.cli.access import telling

EPILOG = (
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage or setting, 3 the service cannot be reached, 130 interrupted. "
    "The service is found by SCALE_URL and SCALE_TOKEN; on the machine where `scale up` runs, neither is needed."
)

app = typer.Typer(
    name="scale",
    help="Run jobs on a cluster, or on this machine.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("up")(telling(up.up))
app.command("scheduler")(telling(scheduler.scheduler))
app.command("demo")(telling(demo.demo))
app.command("submit", context_settings={"allow_interspersed_args": False})(telling(submit.submit))
app.command("jobs")(telling(jobs.jobs))
app.command("job")(telling(jobs.job))
app.command("explain")(telling(jobs.explain))
app.command("logs")(telling(logs.logs))
app.command("cancel")(telling(changing.cancel))
app.command("uncancel")(telling(changing.uncancel))
app.command("requeue")(telling(changing.requeue))
app.command("hold")(telling(changing.hold))
app.command("release")(telling(changing.release))
app.add_typer(types.app)
app.add_typer(storage.app)
app.command("files")(telling(storage.files))
app.command("status")(telling(cluster.status))
app.command("queue")(telling(cluster.queue))
app.command("load")(telling(cluster.load))
app.add_typer(nodes.app)
app.command("sizes")(telling(sizes.sizes))
app.command("pause")(telling(operate.pause))
app.command("resume")(telling(operate.resume))
app.command("drain")(telling(operate.drain))
app.command("version")(telling(cluster.version))
