"""How long the machine looks for the story that breaks us: HYPOTHESIS_PROFILE is dev, ci or night."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

_EXAMPLES = {"dev": 50, "ci": 500, "night": 20_000}
_STEPS = 50
_A_NIGHT = 12 * 60 * 60  # seconds

for _name, _examples in _EXAMPLES.items():
    settings.register_profile(
        f"stateful-{_name}",
        max_examples=_examples,
        stateful_step_count=_STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")


def pytest_collection_modifyitems(items):
    """Only the machines here take their settings from the profile, and they may take their time."""
    chosen = settings.get_profile(f"stateful-{PROFILE}")
    for item in items:
        machine = getattr(getattr(item, "cls", None), "settings", None)
        if isinstance(machine, settings):
            item.cls.settings = chosen
            if PROFILE != "dev":
                item.add_marker(pytest.mark.timeout(_A_NIGHT))
