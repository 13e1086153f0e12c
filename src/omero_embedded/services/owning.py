"""Single objects between groups and owners, with what stands in the way (IAdmin's changeGroup and changePermissions).

omero.cmd.Chgrp2 and Chmod2 move whole graphs and cut what stands in the way; these refuse.
"""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import FromClause, func, select

from omero_embedded import errors, saving, tables
from omero_embedded.call import Call
from omero_embedded.schema import CLASSES, Reference


def move(call: Call, cls: str, identifier: int, group: int) -> None:
    """Move an object to another group, an Image with its Pixels.

    Raises
    ------
    omero.SecurityViolation
        Something in another group refers to it ("Locks").
    """
    saving.change(call, cls, identifier, details_group=group)
    if cls == "Image":
        pixels = tables.table("Pixels")
        query = select(pixels.c.id).where(pixels.c.image == identifier)
        for found in call.db.execute(query).scalars().all():
            saving.change(call, "Pixels", found, details_group=group)
    locks: Counter[str] = Counter()
    for name, rows, column, targets in _references():
        if CLASSES[cls].is_a(targets):
            elsewhere = select(func.count()).where(
                rows.c[column] == identifier, rows.c.details_group != group
            )
            locks[name] += call.db.execute(elsewhere).scalar_one()
    found_locks = {name: count for name, count in sorted(locks.items()) if count}
    if found_locks:
        told = ", ".join(f"{name}={count}" for name, count in found_locks.items())
        raise errors.security(f"Locks: {{*={sum(found_locks.values())}, {told}}}")


def between_owners(call: Call, group: int) -> dict[str, int]:
    """Count, by class and field, what in a group refers to something of another owner's in it."""
    locks: Counter[str] = Counter()
    for name, rows, column, targets in _references():
        other = tables.table(targets).alias()
        query = (
            select(func.count())
            .select_from(rows)
            .join(other, other.c.id == rows.c[column])
            .where(
                rows.c.details_group == group,
                other.c.details_group == group,
                rows.c.details_owner != other.c.details_owner,
            )
        )
        locks[name] += call.db.execute(query).scalar_one()
    return {name: count for name, count in locks.items() if count}


def _references() -> Iterator[tuple[str, FromClause, str, str]]:
    """Yield every reference between objects that have owner and group: its name, the rows, the column, the class."""
    for cls in CLASSES.values():
        if cls.is_global:
            continue
        for field in cls.own:
            if isinstance(field, Reference) and not CLASSES[field.target].is_global:
                column = tables.column_name(cls.name, field.name)
                yield f"{cls.java}.{field.name}", tables.table(cls.name), column, field.target
