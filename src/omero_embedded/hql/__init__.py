"""Queries: HQL, as OMERO's clients write it, asked of the database.

    hql.find(call, "select d from Dataset d where d.name like :name", parameters)      # objects
    hql.find_one(call, "from Dataset d where d.id = :id", parameters)                  # one, or None
    hql.project(call, "select d.id, d.name from Dataset d", parameters)                # rows of RTypes

A text goes through three rooms, each with a tree of its own: `parse` (text to `tree`), `resolve` (names to the model:
`resolved`) and `emit` (to SQL, with what may be seen a part of it). `asking` takes it through them and to the
database; `finding` makes objects of the rows, `projecting` what a projection gives.
"""

from omero_embedded.hql.finding import find, find_one
from omero_embedded.hql.projecting import project

__all__ = ["find", "find_one", "project"]
