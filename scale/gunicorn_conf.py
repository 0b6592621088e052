"""How gunicorn serves Scale; `scale up` hands it the listening socket.

One process with threads: it shares the machine with the scheduler, and the database is the only thing they share.
"""

from __future__ import annotations

import gc
import os
import resource
from typing import Any

from scale.environment import Environment
from scale.orphan import end_with, end_with_parent

_environment = Environment.read(os.environ)
_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
_PATIENCE = 20.0  #: seconds that a request waits for a database that is mute; then it is told so

wsgi_app = "scale.wsgi"
workers = 1
worker_class = "scale.gunicorn_worker.Worker"
threads = _environment.web_threads
#: as many as there are files for, beside those of each thread and of all: one that cannot be accepted would end the worker
worker_connections = max(2 * threads, min(1000, _FILES - 4 * threads - 64))
loglevel = _environment.log_level.lower()
accesslog = None
sendfile = False  # it waits for ever for who takes nothing
control_socket_disable = True  # it would stand in the home directory of the user, one for all services


def on_starting(_server: Any) -> None:
    """End with `scale up`."""
    end_with_parent()


def post_fork(_server: Any, worker: Any) -> None:
    """End with gunicorn's own parent process, so that a killed one leaves nobody behind."""
    end_with(worker.ppid)


def post_worker_init(_server: Any) -> None:
    """Spare the garbage collector what is here to stay: large requests make it look often, and are twice as fast without."""
    import scale.urls  # noqa: F401 else the first request would load it
    from scale.silence import bear_no_silence_for_ever

    bear_no_silence_for_ever(_PATIENCE)
    gc.collect()
    gc.freeze()
