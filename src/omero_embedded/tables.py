"""Where the model lives in the database: SQLAlchemy tables made from the schema.

One table for each class directly below IObject; the rows of its subclasses are in the same table, told apart by the
column `class` (the simple name, such as TagAnnotation). So `a.class` is a column, a subclass's field on a superclass's
path is a column, and no query joins tables only to put one object together. Columns:

- `id`; `version` where the class has one;
- a value under its field's name (time as milliseconds, bool as bool, strings as JSON text);
- a quantity under its field's name (the number) and `<field>_unit` (the symbol, such as µm);
- a reference under its field's name (the id of the row it points to);
- `<inverse>_index` beside the inverse reference of an ordered collection (`pixels_index` of Channel): the place in it;
- `details_owner`, `details_group`, `details_creationEvent`, `details_updateEvent` (not in global classes) and
  `details_externalInfo`; ExperimenterGroup alone has `details_permissions` (the bits that `PermissionsI` takes: as
  everywhere in OMERO an object's permissions are those of its group).

Maps (NamedValues) have a table each: `parent`, `position`, `name`, `value`. Experimenter has a `password` table beside
it that no query of a client can name. Ask by class and field, not by column name:

    from omero_embedded import tables
    t = tables.table("TagAnnotation").alias()       # the table of Annotation
    t.c[tables.column_name("TagAnnotation", "textValue")]
    tables.of_class("TagAnnotation", t)              # the condition that a row is one, or None where always true

A table is made when it is first asked for: all of them take longer than all else that a server does until it is ready.
Each is a world of its own (a MetaData), so that what one thread makes is never seen by another before it is whole.

References are foreign keys and have an index, but for those to enumerations and of `details`: they tell so little
apart that SQLite's planner, which takes every index for a sharp one, would choose them to its harm.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Float,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from omero_embedded.lists import one_of
from omero_embedded.schema import (
    CLASSES,
    DETAILS_TARGETS,
    Collection,
    Field,
    ModelClass,
    Quantity,
    Reference,
    Value,
)


class Real(Float[float]):
    """A floating-point number.

    SQLite takes NaN for NULL, so there it is a text, which like NaN in PostgreSQL equals itself and comes after all
    numbers.
    """

    def __init__(self) -> None:
        super().__init__(53)

    def bind_processor(self, _dialect: Dialect) -> Callable[[Any], Any]:
        """Return what makes a number what SQLite gets."""
        return lambda value: "NaN" if value != value else value  # noqa: PLR0124  # NaN alone

    def result_processor(self, _dialect: Dialect, _kind: object) -> Callable[[Any], float | None]:
        """Return what makes a number of what SQLite gives."""
        return lambda value: None if value is None else float(value)


ID = BigInteger().with_variant(Integer, "sqlite")
TYPES: dict[str, TypeEngine[object]] = {
    "string": Text(),  # type: ignore[dict-item]  # the types of values differ
    "int": Integer(),  # type: ignore[dict-item]
    "long": BigInteger(),  # type: ignore[dict-item]
    "time": BigInteger(),  # type: ignore[dict-item]
    "double": Real(),  # type: ignore[dict-item]
    "bool": Boolean(),  # type: ignore[dict-item]
    "bytes": LargeBinary(),  # type: ignore[dict-item]
    "strings": JSON(),
}
# Told apart by these together, beside the links (parent, child and owner) and the values of enumerations.
UNIQUE: dict[str, tuple[str, ...]] = {
    "Experimenter": ("omeName",),
    "ExperimenterGroup": ("name",),
    "GroupExperimenterMap": ("parent", "child"),
    "Namespace": ("name",),
    "Node": ("uuid",),
    "Session": ("uuid",),
}

LINK = ("parent", "child", "details_owner")

_making = threading.Lock()
_made: dict[str, MetaData] = {}


def _new_metadata() -> MetaData:
    return MetaData(
        naming_convention={
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def roots() -> list[ModelClass]:
    """Return the classes that have a table of their own."""
    return [c for c in CLASSES.values() if c.base == "IObject"]


@cache
def column_name(cls: str, field: str) -> str:
    """Return the name of the column that holds a value, a quantity's number or a reference of the class.

    Raises
    ------
    KeyError
        The class has no such field.
    """
    return _column_name(
        next(c for c in CLASSES[cls].ancestors if any(f.name == field for f in c.own)),
        CLASSES[cls].fields[field],
    )


def _column_name(owner: ModelClass, field: Field) -> str:
    """Siblings share a column where their fields are of one kind (Rectangle.x, Ellipse.x), else each has its own."""
    kinds = {
        type(f)
        if isinstance(f, Collection)
        else getattr(f, "type", getattr(f, "unit", getattr(f, "target", None)))
        for c in owner.root.subclasses
        for f in c.own
        if f.name == field.name
    }
    return field.name if len(kinds) == 1 else f"{owner.name}_{field.name}"


def index_column_name(collection: Collection) -> str:
    """Return the name of the column, in the table of its class, that holds the place in an ordered collection."""
    return f"{collection.inverse}_index"


@cache
def table(cls: str) -> Table:
    """Return the table that holds the rows of the class."""
    root = CLASSES[cls].root
    return _made_of(root).tables[root.name.lower()]


@cache
def map_table(cls: str, field: str) -> Table:
    """Return the table of a map field: columns `parent` (the object's id), `position`, `name`, `value`."""
    owner = next(c for c in CLASSES[cls].ancestors if any(f.name == field for f in c.own))
    return _made_of(owner.root).tables[f"{owner.name}_{field}".lower()]


def _made_of(root: ModelClass) -> MetaData:
    with _making:
        made = _made.get(root.name)
        if made is None:
            made = _made[root.name] = _new_metadata()
            _make_table(root, made)
        return made


def all_tables() -> MetaData:
    """Return all tables together, which know one another, made anew: to be created in a database."""
    together = _new_metadata()
    for root in roots():
        _make_table(root, together)
    for beside in (password, configuration):
        beside.to_metadata(together)
    return together


def of_class(cls: str, rows: FromClause) -> ColumnElement[bool] | None:
    """Return the condition that a row of `rows` (the class's table, or an alias of it) is of the class or below it."""
    model = CLASSES[cls]
    if model.root is model:
        return None
    names = [c.name for c in model.concrete]
    column = rows.c["class"]
    return column == names[0] if len(names) == 1 else one_of(column, names)


def _details(cls: ModelClass) -> list[Column[object]]:
    columns: list[Column[object]] = [
        Column("details_externalInfo", ID, ForeignKey("externalinfo.id"))
    ]
    if cls.name == "ExperimenterGroup":
        columns.append(Column("details_permissions", BigInteger, nullable=False))
    if not cls.is_global:
        for name in ("owner", "group", "creationEvent", "updateEvent"):
            target = DETAILS_TARGETS[name].lower()
            columns.append(
                Column(f"details_{name}", ID, ForeignKey(f"{target}.id"), nullable=False)
            )
    return columns


def _columns(owner: ModelClass, field: Field) -> list[Column[object]]:
    """Return the columns of one field. Subclasses' fields must be nullable here: saving sees to those."""
    if isinstance(field, Collection) or (isinstance(field, Value) and field.type == "map"):
        return []
    name, nullable = _column_name(owner, field), field.nullable or owner.root is not owner
    if isinstance(field, Reference):
        target = CLASSES[field.target]
        key = ForeignKey(f"{target.root.name.lower()}.id")
        return [Column(name, ID, key, nullable=nullable, index=not target.enumeration)]
    if isinstance(field, Quantity):
        return [
            Column(name, Real, nullable=nullable),
            Column(f"{name}_unit", Text, nullable=nullable),
        ]
    return [Column(name, TYPES[field.type], nullable=nullable)]


def _make_table(root: ModelClass, together: MetaData) -> None:
    columns: dict[str, Column[object]] = {"id": Column("id", ID, primary_key=True)}
    if root.subclasses != (root,):
        columns["class"] = Column("class", Text, nullable=False, index=True)
    if root.versioned:
        columns["version"] = Column("version", Integer)
    for owner in root.subclasses:
        for field in owner.own:
            columns.update({c.name: c for c in _columns(owner, field) if c.name not in columns})
    columns.update({name: Column(name, Integer) for name in _index_columns(root)})
    columns.update({c.name: c for c in _details(root)})
    unique = _unique(root)
    if unique == LINK:
        columns["parent"].index = columns["child"].index = None  # see `_index_links`
    constraints = [UniqueConstraint(*unique)] if unique else []
    made = Table(
        root.name.lower(), together, *columns.values(), *constraints, sqlite_autoincrement=True
    )
    if unique == LINK:
        _index_links(made)
    for owner in root.subclasses:
        for field in owner.own:
            if isinstance(field, Value) and field.type == "map":
                _make_map_table(made, f"{owner.name}_{field.name}".lower())


def _index_links(made: Table) -> None:
    """Index links from either end, with all that tells whether one may be seen: to count them the index is enough."""
    for end, other in (("parent", "child"), ("child", "parent")):
        columns = (made.c[name] for name in (end, "details_group", "details_owner", other))
        Index(f"ix_{made.name}_{end}", *columns)


def _index_columns(root: ModelClass) -> list[str]:
    """Return the columns that hold the places of the table's rows in ordered collections."""
    return [
        index_column_name(f)
        for cls in CLASSES.values()
        for f in cls.own
        if isinstance(f, Collection) and f.ordered and CLASSES[f.target].root is root
    ]


def _unique(root: ModelClass) -> tuple[str, ...]:
    """Return the columns that together tell the table's rows apart, beside the id."""
    if root.enumeration:
        return ("value",)
    if root.link and not root.is_global:
        return LINK
    return UNIQUE.get(root.name, ())


def _make_map_table(parent: Table, name: str) -> None:
    made = Table(
        name,
        parent.metadata,
        Column("parent", ID, ForeignKey(f"{parent.name}.id", ondelete="CASCADE"), primary_key=True),
        Column("position", Integer, primary_key=True),
        Column("name", Text, nullable=False),
        Column("value", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    Index(f"ix_{name}_value", made.c.name, made.c.value)


password = Table(
    "password",
    _new_metadata(),
    Column("experimenter", ID, ForeignKey("experimenter.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),
)
"""The hash of each user's password (see `passwords`)."""

configuration = Table(
    "configuration",
    _new_metadata(),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Configuration values that differ from the default, and the database's uuid."""
