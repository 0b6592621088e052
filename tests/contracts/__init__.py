"""What every engine has to keep, whatever stands behind it."""

import pytest

pytest.register_assert_rewrite("tests.contracts.engine_contract")
