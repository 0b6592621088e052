"""The engine for this machine: a process per task, held by a keeper that outlives the scheduler."""
