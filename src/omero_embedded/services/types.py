"""omero.api.ITypes: enumerations."""

from typing import Any, TypeAlias

import omero
import omero.model
from omero.rtypes import rstring
from sqlalchemy import select

from omero_embedded import errors, saving, tables
from omero_embedded.call import Call, writing
from omero_embedded.initial import ENUMERATIONS
from omero_embedded.loading import Loader, class_name
from omero_embedded.saving.rows import values_of
from omero_embedded.schema import CLASSES, ModelClass, find_class
from omero_embedded.wire.registry import stateless

IObject: TypeAlias = omero.model.IObject


def enumeration_class(name: str) -> ModelClass:
    """Return the enumeration a client means.

    Raises
    ------
    omero.ApiUsageException
        There is none of that name.
    """
    cls = find_class(name or "")
    if cls is None or not cls.enumeration:
        raise errors.api_usage(f"{name} does not specify a valid class.")
    return cls


def all_values(call: Call, cls: ModelClass) -> list[IObject]:
    """Return all values of an enumeration, in the order of their ids."""
    table = tables.table(cls.name)
    ids = call.db.execute(select(table.c.id).order_by(table.c.id)).scalars()
    return list(Loader(call).objects(cls.name, ids).values())


def find_value(call: Call, cls: ModelClass, value: str) -> IObject | None:
    """Return one value of an enumeration, or None."""
    table = tables.table(cls.name)
    found = call.db.execute(select(table.c.id).where(table.c.value == value)).scalar_one_or_none()
    return None if found is None else Loader(call).object(cls.name, found)


@stateless("omero.api.ITypes")
class TypesService:
    """Enumerations: everybody reads them, administrators change them."""

    def allEnumerations(self, call: Call, type: str) -> list[IObject]:  # Slice's name
        """Give all values of an enumeration."""
        return all_values(call, enumeration_class(type))

    def getEnumeration(self, call: Call, type: str, value: str) -> IObject:
        """Give one value of an enumeration."""
        cls = enumeration_class(type)
        found = find_value(call, cls, value)
        if found is None:
            raise errors.api_usage(f"An {cls.java} enum does not exist with the value: {value}")
        return found

    def getEnumerationTypes(self, call: Call) -> list[str]:
        """Give the names of the enumerations."""
        return sorted(c.java for c in CLASSES.values() if c.enumeration)

    def getAnnotationTypes(self, call: Call) -> list[str]:
        """Give the names of the classes that can be annotated."""
        return sorted(
            c.java for c in CLASSES.values() if any(f.name == "annotationLinks" for f in c.own)
        )

    def getEnumerationsWithEntries(self, call: Call) -> dict[str, list[IObject]]:
        """Give every enumeration with all its values."""
        return {c.java: all_values(call, c) for c in CLASSES.values() if c.enumeration}

    def getOriginalEnumerations(self, call: Call) -> list[IObject]:
        """Give the values that a new server has; administrators only."""
        call.require_admin()
        found: list[IObject] = []
        for name, values in ENUMERATIONS.items():
            found += [o for o in all_values(call, CLASSES[name]) if o.value.val in values]
        return found

    @writing
    def createEnumeration(self, call: Call, newEnum: IObject) -> IObject:
        """Add a value: everybody may, if only here (ome.logic.TypesImpl)."""
        cls = enumeration_class(class_name(newEnum))
        values = values_of(newEnum, cls.name)
        if values["value"] is None:
            raise errors.validation(
                f"not-null property references a null or transient value: {cls.java}.value"
            )
        made = Loader(call).object(cls.name, saving.insert(call, cls.name, **values))
        assert made is not None
        return made

    @writing
    def updateEnumeration(self, call: Call, oldEnum: IObject) -> IObject:
        """Change a value; administrators only."""
        call.require_admin()
        return saving.save(call, [oldEnum])[0]

    @writing
    def updateEnumerations(self, call: Call, oldEnums: list[IObject]) -> None:
        """Change values; administrators only."""
        call.require_admin()
        saving.save(call, oldEnums)

    @writing
    def deleteEnumeration(self, call: Call, oldEnum: IObject) -> None:
        """Remove a value that nothing refers to; administrators only."""
        call.require_admin()
        if oldEnum.id is None:
            raise errors.api_usage("An enumeration value without an id cannot be deleted.")
        saving.delete(call, enumeration_class(class_name(oldEnum)).name, oldEnum.id.val)

    @writing
    def resetEnumerations(self, call: Call, enumClass: str) -> None:
        """Bring back the values that a new server has; administrators only."""
        call.require_admin()
        cls = enumeration_class(enumClass)
        there = {o.value.val for o in all_values(call, cls)}
        missing: list[Any] = []
        for value in ENUMERATIONS[cls.name]:
            if value not in there:
                made = getattr(omero.model, f"{cls.name}I")()
                made.value = rstring(value)
                missing.append(made)
        saving.save(call, missing)
