"""A file that says that something is ready, for a program that waits for it.

Called by `serving`, and by the command that runs it. The embedded server has its own way of this, as it knows nothing of
`pyomero_upload`.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyomero_upload.targets.files.durable import write_durably


@contextmanager
def saying_ready(path: Path | None, what: Mapping[str, object]) -> Iterator[None]:
    """Have a file say where something is, as long as this lasts; None: no file. Nobody reads half of it."""
    if path is None:
        yield
        return
    write_durably(path, json.dumps(what).encode("utf-8"))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
