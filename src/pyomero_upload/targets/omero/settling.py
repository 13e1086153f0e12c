"""Two machines that make the same thing at the same moment: one of the two stands.

Stands above `objects`; used by all that look for something and make it where it is not there. No server keeps two clients from
both finding nothing and both making it. So who made one looks again: the one with the lowest number stands, and who made
another takes that and deletes its own, which nobody can have used yet.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Literal, TypeAlias

from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.objects import delete, parameters

Settled: TypeAlias = Literal["Project", "Dataset", "Image", "TagAnnotation"]

# What hangs on such a thing when somebody uses it, and how often it does from the moment on that it was made.
_USES: Mapping[Settled, tuple[tuple[str, ...], int]] = {
    "Project": (("select count(l.id) from ProjectDatasetLink l where l.parent.id = :id",), 0),
    "Dataset": (("select count(l.id) from DatasetImageLink l where l.parent.id = :id",), 0),
    "Image": ((), 0),
    "TagAnnotation": (
        (
            "select count(l.id) from DatasetAnnotationLink l where l.child.id = :id",
            "select count(l.id) from ImageAnnotationLink l where l.child.id = :id",
        ),
        1,
    ),
}


def settle(conn: Connection, kind: Settled, made: int, look: Callable[[], Collection[int]]) -> int:
    """Return which of several things that are alike stands.

    Parameters
    ----------
    conn
        The session.
    kind, made
        What was made a moment ago, in this session; it is deleted if it does not stand and nobody has used it.
    look
        Returns the ids of all that are alike, as seen now.

    """
    first = min(look(), default=made)
    if first >= made or _used(conn, kind, made):
        return made
    # What somebody put into it at the last moment outlives it.
    delete(conn, kind, [made], keep=[below for below in ("Dataset", "Image") if below != kind])
    return first


def _used(conn: Connection, kind: Settled, made: int) -> bool:
    queries, from_the_start = _USES[kind]
    found = (conn.query.projection(hql, parameters(id=made)) for hql in queries)
    return sum(int(rows[0][0].val) for rows in found if rows) > from_the_start
