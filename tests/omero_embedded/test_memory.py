"""A process that serves keeps the memory that it freed."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import re
from omero_embedded.memory import keep_freed_memory
keep_freed_memory()
block = bytearray(b"x") * (200 << 20)
del block
print(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library is left as it is")
def test_freed_memory_is_kept_for_the_next_message():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 190 << 10  # kB
