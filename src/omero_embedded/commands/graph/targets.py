"""What the client named, checked: classes that may be named, objects that exist, may be seen and may be worked on.

Refusals are what the real server answers: an ERR for a request that is wrong in itself, a GraphException for an object
that cannot be worked on, both with the request's name as category.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import omero
import omero.cmd
from sqlalchemy import literal, null, select

from omero_embedded import permissions, tables
from omero_embedded.call import ALL_GROUPS, Call
from omero_embedded.commands.graph import options
from omero_embedded.commands.graph.closure import May
from omero_embedded.commands.graph.options import Option
from omero_embedded.commands.graph.rules import ANNOTATION_LINKS, LEGAL_TARGETS, kind_of
from omero_embedded.commands.graph.selection import Selection, in_parts
from omero_embedded.permissions import Rights, rights
from omero_embedded.schema import CLASSES, ModelClass
from omero_embedded.wire.handles import Refused

Describe = Callable[[str], str]


def category(request: omero.cmd.Request) -> str:
    """Return the name of the request as its answers give it: ::omero::cmd::Delete2."""
    return str(request.ice_id())


def refused(request: omero.cmd.Request, name: str, message: str = "") -> Refused:
    """Make the refusal of a request that is wrong in itself."""
    return Refused(omero.cmd.ERR(category(request), name, _parameters(message, message)))


def declined(request: omero.cmd.Request, name: str, **parameters: object) -> Refused:
    """Make the refusal of a request for which no exception stands behind it: nothing but its own parameters."""
    said = {key.replace("_", "-"): str(value) for key, value in parameters.items()}
    return Refused(omero.cmd.ERR(category(request), name, said))


def impossible(request: omero.cmd.Request, message: str) -> Refused:
    """Make the refusal of a request that meets an object it cannot work on."""
    parameters = _parameters(message, f"GraphException: {message}")
    return Refused(omero.cmd.GraphException(category(request), "graph-fail", parameters, message))


def _parameters(message: str, trace: str) -> dict[str, str]:
    return {"message": message, "stacktrace": trace}


@contextmanager
def in_all_groups(call: Call) -> Iterator[Call]:
    """Look into all groups meanwhile."""
    previous, call.group_id = call.group_id, ALL_GROUPS
    try:
        yield call
    finally:
        call.group_id = previous


def legal_targets(request: omero.cmd.Request) -> tuple[str, ...]:
    """Return what a request may name, each with the classes below it; nothing for one that is not about a graph."""
    return LEGAL_TARGETS.get(category(request).rsplit("::", 1)[-1], ())


def may_be_named(request: omero.cmd.Request, model: ModelClass) -> bool:
    """Whether a request takes objects of the class for targets."""
    return any(
        model.link and model.name.endswith("AnnotationLink")
        if legal == ANNOTATION_LINKS
        else model.is_a(legal)
        for legal in legal_targets(request)
    )


def class_of(request: omero.cmd.Request, name: str) -> str:
    """Return the class that a target is named by."""
    short = name.rpartition(".")[2]
    model = CLASSES.get(short)
    if model is None:
        raise refused(request, "graph-fail")
    if not may_be_named(request, model):
        raise refused(request, "bad-target", f"cannot target {short}")
    return model.name


def child_options(request: omero.cmd.GraphModify2) -> list[Option]:
    """Read the ChildOptions of a request."""
    try:
        return options.read(request.childOptions)
    except ValueError as error:
        raise refused(request, "steps-cancel", str(error)) from error


def classes_named(
    request: omero.cmd.Request, names: Sequence[str] | None, refusal: str = "steps-cancel"
) -> list[str]:
    """Return the classes of a list such as typesToIgnore."""
    try:
        return [options.class_named(name) for name in names or ()]
    except ValueError as error:
        raise refused(request, refusal, str(error)) from error


def select_targets(
    call: Call,
    request: omero.cmd.Request,
    selection: Selection,
    may: May,
    complaint: Describe,
    targets: Mapping[str, Sequence[int]] | None = None,
) -> None:
    """Select the objects that the request names.

    Parameters
    ----------
    may
        Which right one must have on each.
    complaint
        Makes the message for one on which it is missing, from its name such as ome.model.core.Image[5].
    targets
        Ids by class; those of the request unless given.
    """
    given = request.targetObjects if targets is None else targets
    named = [(class_of(request, name), ids or ()) for name, ids in (given or {}).items()]
    for cls, ids in named:
        wanted = list(dict.fromkeys(ids))
        for part in in_parts(wanted):
            _check(call, request, cls, part, may, complaint)
        known = set(call.db.execute(selection.ids(kind_of(cls))).scalars())
        selection.add(kind_of(cls), [i for i in wanted if i not in known])


def _check(
    call: Call,
    request: omero.cmd.Request,
    cls: str,
    ids: Sequence[int],
    may: May,
    complaint: Describe,
) -> None:
    rows, model = tables.table(cls), CLASSES[cls]
    concrete = rows.c.get("class")
    whose = (null(), null()) if model.is_global else (rows.c.details_owner, rows.c.details_group)
    name = literal(model.name) if concrete is None else concrete
    query = select(rows.c.id, *(c.label(n) for c, n in zip(whose, ("owner", "group"), strict=True)))
    query = query.add_columns(name.label("concrete")).where(rows.c.id.in_(ids))
    of_class = tables.of_class(cls, rows)
    if of_class is not None:
        query = query.where(of_class)
    found = {row.id: row for row in call.db.execute(query)}
    for identifier in ids:
        row = found.get(identifier)
        if row is None or not (model.is_global or permissions.can_read(call, row.owner, row.group)):
            raise impossible(request, f"cannot read {model.java}[{identifier}]")
        held = (
            Rights(delete=call.user.is_admin)
            if model.is_global
            else rights(call, row.owner, row.group)
        )
        if not may(held):
            raise impossible(request, complaint(f"{CLASSES[row.concrete].java}[{identifier}]"))
