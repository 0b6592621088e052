"""``python -m tests.simulation``: makes Django ready, without which no model can be read, and lets the soak begin."""

import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scale.settings")
    django.setup()
    from tests.simulation.soak import main

    sys.exit(main())
