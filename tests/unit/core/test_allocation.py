"""How memory is handed out."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource, threading
from headrace.core.allocation import reuse_freed_memory
reuse_freed_memory()
def work():
    for _ in range(20):
        [b'x' * (3 << 20) for _ in range(8)]
for _ in range(3):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(**environment):
    own = {name: value for name, value in os.environ.items() if name not in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")}
    command = [sys.executable, "-c", PROGRAM]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, env=own | environment).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is done")
def test_memory_that_was_freed_is_used_anew_and_the_environment_goes_first():
    assert faults() < faults(MALLOC_ARENA_MAX="8") / 3
