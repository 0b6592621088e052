"""Makes the database and the first administrator ready; `scale up` runs it, as a process of its own, before all else."""

from __future__ import annotations

import os
import secrets
import sys

from scale.cli.home import write_private
from scale.environment import Environment
from scale.kernel.clock import SystemClock
from scale.kernel.errors import ScaleError
from scale.orphan import end_with_parent


def main() -> None:
    end_with_parent()
    import django

    django.setup()
    from django.db import DatabaseError

    try:
        _prepare(Environment.read(os.environ))
    except ScaleError as trouble:
        sys.exit(str(trouble))
    except DatabaseError as trouble:
        sys.exit(f"The database cannot be used: {trouble}")


def _prepare(environment: Environment) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    _ensure_admin(environment)


def _ensure_admin(environment: Environment) -> None:
    """Make the first administrator, once, and put the token where the `scale` command looks for it."""
    from django.contrib.auth.models import User

    from scale.account.services import admin_ensure

    password = None  # one who is there keeps the present password
    if not User.objects.filter(username=environment.admin_user).exists():
        password = environment.admin_password or secrets.token_urlsafe(12)
        if environment.admin_password is None:
            write_private(environment.home / "password", password)
    token = admin_ensure(username=environment.admin_user, password=password, when=SystemClock().now())
    write_private(environment.home / "token", token)


if __name__ == "__main__":
    main()
