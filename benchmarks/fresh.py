"""Import this first: Django in this process, in a data directory of its own that goes when the process ends.

What the service would log goes into a file there: to write it is part of what things cost. A process that was started
by another benchmark may be given that one's directory.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

GIVEN = "BENCHMARK_HOME"
HOME = Path(os.environ.get(GIVEN) or tempfile.mkdtemp(prefix="scale-bench-"))
if GIVEN not in os.environ:
    atexit.register(shutil.rmtree, HOME, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith("SCALE_")]:
    del os.environ[_name]
os.environ["SCALE_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "scale.settings"
sys.path.append(str(Path(__file__).parents[1]))

import django

django.setup()
_log = (HOME / "log").open("a")
for _handler in logging.getLogger().handlers:
    if isinstance(_handler, logging.StreamHandler):
        _handler.setStream(_log)

from django.core.management import call_command


def migrate() -> None:
    call_command("migrate", verbosity=0)
