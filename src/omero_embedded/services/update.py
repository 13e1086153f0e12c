"""omero.api.IUpdate: saving and deleting objects."""

from typing import TypeAlias

import omero
import omero.model

from omero_embedded import errors, saving
from omero_embedded.call import Call, writing
from omero_embedded.loading import class_name
from omero_embedded.wire.registry import stateless

IObject: TypeAlias = omero.model.IObject


def _given(objects: list[IObject] | None) -> list[IObject]:
    """Return the objects to save; one that is missing cannot be saved."""
    if any(o is None for o in objects or []):
        raise errors.internal(
            "Wrapped Exception: (java.lang.NullPointerException):\nAn object to save is null."
        )
    return objects or []


@stateless("omero.api.IUpdate")
class UpdateService:
    """Saving: each call is one transaction; all of it is written or nothing."""

    refuses_untyped = True

    @writing
    def saveObject(self, call: Call, obj: IObject) -> None:
        """Save a graph."""
        saving.save_ids(call, [self._one(obj)])

    @writing
    def saveAndReturnObject(self, call: Call, obj: IObject) -> IObject:
        """Save a graph and give it back."""
        return saving.save(call, [self._one(obj)])[0]

    @writing
    def saveCollection(self, call: Call, objs: list[IObject]) -> None:
        """Save graphs."""
        saving.save_ids(call, _given(objs))

    @writing
    def saveArray(self, call: Call, graph: list[IObject]) -> None:
        """Save graphs."""
        saving.save_ids(call, _given(graph))

    @writing
    def saveAndReturnArray(self, call: Call, graph: list[IObject]) -> list[IObject]:
        """Save graphs and give them back, in their order."""
        return saving.save(call, _given(graph)) if graph else []

    @writing
    def saveAndReturnIds(self, call: Call, graph: list[IObject]) -> list[int]:
        """Save graphs and give back the ids, in their order."""
        return saving.save_ids(call, _given(graph)) if graph else []

    @writing
    def deleteObject(self, call: Call, row: IObject) -> None:
        """Delete an object, its links and its parts; nothing where there is none."""
        if row is None:
            return
        if row.id is None:
            raise errors.api_usage("Non-managed IObject entity cannot be deleted. Must have an id.")
        saving.delete_object(call, class_name(row), row.id.val)

    def indexObject(self, call: Call, row: IObject) -> None:
        """Do nothing: searching looks at the database itself, which is always up to date."""
        if row is None or row.id is None:
            raise errors.validation("Non-managed IObject cannot be indexed.")
        call.require_admin()

    def _one(self, obj: IObject | None) -> IObject:
        if obj is None:
            raise errors.api_usage("Argument to save cannot be null.")
        return obj
