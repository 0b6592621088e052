"""Procrastinate on PostgreSQL: jobs deferred as one batch, each starts a process and waits for it; one worker."""

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from procrastinate import App, PsycopgConnector

from peer import TRUE, asked, tell

args = asked()
app = App(connector=PsycopgConnector(conninfo=args.database))


@app.task(name="run")
async def run() -> None:
    process = await asyncio.create_subprocess_exec(TRUE)
    assert await process.wait() == 0


async def main() -> None:
    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        before = await succeeded()
        began = time.perf_counter()
        await run.batch_defer_async(*({} for _ in range(args.jobs)))
        await app.run_worker_async(concurrency=args.slots, wait=False, install_signal_handlers=False)
        assert await succeeded() - before == args.jobs
        tell(began, {"Procrastinate": "procrastinate"})


async def succeeded() -> int:
    asked_for = "SELECT count(*) AS count FROM procrastinate_jobs WHERE status = 'succeeded'"
    return int((await app.connector.execute_query_one_async(asked_for))["count"])


if __name__ == "__main__":
    asyncio.run(main())
