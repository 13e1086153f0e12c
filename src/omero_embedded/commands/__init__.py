"""What clients ask for by `submit`: requests that run by themselves, with a handle to wait for their response.

    wire/handles.py ─▶ one class for each request ─▶ graph/   (for those that work on what belongs together)

Importing this package registers them all (see `wire.registry.command`).
"""

import omero.clients  # noqa: F401  # first: the parts of omero-py can be imported in this order only

from omero_embedded.commands import (
    chgrp,
    chmod,
    chown,
    composite,
    delete,
    disk_usage,
    duplicate,
    find,
    images,
    save,
    sessions,
    status,
)

__all__ = [
    "chgrp",
    "chmod",
    "chown",
    "composite",
    "delete",
    "disk_usage",
    "duplicate",
    "find",
    "images",
    "save",
    "sessions",
    "status",
]
