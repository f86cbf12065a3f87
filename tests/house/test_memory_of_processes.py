"""What a process carries about with it: nothing that only the command line or the migrations need."""

import subprocess
import sys

import pytest

HEAVY = ("sqlalchemy", "alembic", "mako", "ultravin")


@pytest.mark.parametrize("module", ["autoshop.app", "autoshop.worker"])
def test_a_process_loads_nothing_that_it_has_no_use_for(module: str) -> None:
    told = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
