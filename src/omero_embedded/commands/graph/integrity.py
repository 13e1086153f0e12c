"""What a command must not tear apart: Filesets, Wells' Images, tags in use; and links whose ends part."""

from collections.abc import Callable, Sequence

import omero
import omero.cmd
from sqlalchemy import Column, ColumnElement, FromClause, select, true, update

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import May, permitted
from omero_embedded.commands.graph.rules import HOLDERS_OF, kind_of, links
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import impossible
from omero_embedded.schema import CLASSES, ModelClass, Reference

UNDIVIDED = ("imagingEnvironment", "instrument", "stageLabel", "experiment")
"""What of an Image moves or stays with all Images that share it."""


def _named(cls: str, identifier: int) -> str:
    return f"{CLASSES[cls].java}[{identifier}]"


def check_filesets(call: Call, request: omero.cmd.Request, chosen: Selection, verb: str) -> None:
    """Refuse where some Images of a Fileset are taken and others not."""
    split = _parted(call, chosen, "Image", "fileset")
    if split is not None:
        fileset, taken, left = split
        raise impossible(
            request,
            f"within {_named('Fileset', fileset)} may not {verb} {_named('Image', taken)}"
            f" while {_named('Image', left)} remains",
        )


def _within(rows: FromClause, groups: Sequence[int] | None) -> ColumnElement[bool]:
    """Return the condition that a row is in one of the groups; None is every group."""
    return true() if groups is None else rows.c.details_group.in_(groups)


def _parted(
    call: Call, chosen: Selection, cls: str, field: str, groups: Sequence[int] | None = None
) -> tuple[int, int, int] | None:
    """Return what objects of the class share of which some are taken, with one that is and one that is not."""
    rows, column = tables.table(cls), tables.column_name(cls, field)
    taken, left = rows.alias(), rows.alias()
    query = (
        select(taken.c[column], taken.c.id, left.c.id)
        .join(left, left.c[column] == taken.c[column])
        .where(chosen.among(kind_of(cls), taken.c.id), ~chosen.holds(kind_of(cls), left.c.id))
        .where(_within(taken, groups))
        .order_by(taken.c[column], taken.c.id, left.c.id)
        .limit(1)
    )
    found = call.db.execute(query).first()
    return None if found is None else (found[0], found[1], found[2])


End = tuple[str, Column[int]]
"""A kind of objects, and the column that their ids stand in."""


def _torn(
    call: Call,
    chosen: Selection,
    rows: FromClause,
    taken: End,
    left: End,
    groups: Sequence[int] | None = None,
) -> tuple[int, int] | None:
    """Return the ids of a row's two objects of which the one is taken and the other is not; None where there is no such row."""
    query = select(taken[1], left[1]).where(
        left[1].is_not(None), chosen.among(*taken), ~chosen.holds(*left), _within(rows, groups)
    )
    found = call.db.execute(query.limit(1)).first()
    return None if found is None else (found[0], found[1])


def check_wells(
    call: Call,
    request: omero.cmd.Request,
    chosen: Selection,
    verb: str,
    groups: Sequence[int] | None = None,
) -> None:
    """Refuse where an Image is taken from under a Well that is not."""
    rows = tables.table("WellSample")
    taken, left = ("Image", rows.c.image), ("WellSample", rows.c.id)
    torn = _torn(call, chosen, rows, taken, left, groups)
    if torn is not None:
        image, sample = _named("Image", torn[0]), _named("WellSample", torn[1])
        raise impossible(request, f"may not {verb} {image} while {sample} remains")


def check_files(call: Call, request: omero.cmd.Request, chosen: Selection, verb: str) -> None:
    """Refuse where a file is taken from under a Fileset that is not."""
    rows = tables.table("FilesetEntry")
    taken, left = ("OriginalFile", rows.c.originalFile), ("FilesetEntry", rows.c.id)
    torn = _torn(call, chosen, rows, taken, left)
    if torn is not None:
        file, used = _named("OriginalFile", torn[0]), _named("FilesetEntry", torn[1])
        raise impossible(request, f"may not {verb} {file} while {used} remains")


def check_file_users(call: Call, request: omero.cmd.Request, chosen: Selection, verb: str) -> None:
    """Refuse where a file is moved or given without the annotations that are made of it."""
    rows = tables.table("FileAnnotation")
    torn = _torn(call, chosen, rows, ("OriginalFile", rows.c.file), ("Annotation", rows.c.id))
    if torn is not None:
        file, user = _named("OriginalFile", torn[0]), _named("FileAnnotation", torn[1])
        raise impossible(request, f"may not {verb} {file} while used by {user}")


def check_rois(
    call: Call,
    request: omero.cmd.Request,
    chosen: Selection,
    verb: str,
    groups: Sequence[int] | None = None,
) -> None:
    """Refuse where a Roi is taken out of an Image that stays."""
    rows = tables.table("Roi")
    torn = _torn(call, chosen, rows, ("Roi", rows.c.id), ("Image", rows.c.image), groups)
    if torn is not None:
        roi, image = _named("Roi", torn[0]), _named("Image", torn[1])
        raise impossible(request, f"cannot {verb} {roi} while {image} remains")


def check_tags(call: Call, request: omero.cmd.Request, chosen: Selection, may: May) -> None:
    """Refuse where a tag is deleted that is on somebody's object which one may not delete."""
    tag = tables.table("Annotation").alias("tag")
    is_tag = tag.c["class"] == "TagAnnotation"
    for holding in HOLDERS_OF["Annotation"]:
        if CLASSES[holding.holder_kind].is_global or not holding.link:
            continue
        tagged = tables.table(holding.holder_kind).alias("tagged")
        holder, held = holding.ends(holding.rows)
        query = (
            select(tagged.c.id, tag.c.id.label("tag"))
            .select_from(holding.rows)
            .join(tag, tag.c.id == held)
            .join(tagged, tagged.c.id == holder)
            .where(is_tag, chosen.among("Annotation", tag.c.id))
            .where(~chosen.holds(holding.holder_kind, tagged.c.id), ~permitted(call, may, tagged))
        )
        found = call.db.execute(query.limit(1)).first()
        if found is not None:
            name, other = _named("TagAnnotation", found.tag), _named(holding.holder_kind, found.id)
            raise impossible(request, f"may not delete {name} while {other} remains")


def check_shared(
    call: Call,
    request: omero.cmd.Request,
    chosen: Selection,
    verb: str,
    groups: Sequence[int] | None = None,
) -> None:
    """Refuse where Images that share an Instrument and the like, or annotations that share a file, would part."""
    for field in UNDIVIDED:
        parted = _parted(call, chosen, "Image", field, groups)
        if parted is not None:
            target = CLASSES["Image"].fields[field]
            assert isinstance(target, Reference)
            shared, taken, left = parted
            raise impossible(
                request,
                f"may not {verb} {_named('Image', taken)} while {_named('Image', left)} remains"
                f" as they share {_named(target.target, shared)}",
            )
    parted = _parted(call, chosen, "FileAnnotation", "file")
    if parted is not None:
        file = _named("OriginalFile", parted[0])
        raise impossible(request, f"cannot {verb} {file} while objects using it remain")


def _ends(link: ModelClass) -> list[tuple[str, Column[int]]]:
    """Return kind and column of those ends of a link that do not belong to everybody."""
    rows = tables.table(link.name)
    return [
        (kind_of(f.target), rows.c[f.name])
        for f in link.references
        if f.name in ("parent", "child") and not CLASSES[f.target].is_global
    ]


def select_inner_links(chosen: Selection) -> None:
    """Add the links both ends of which are taken, or one where the other belongs to everybody."""
    kinds = set(chosen.kinds())
    for link in links():
        ends, rows = _ends(link), tables.table(link.name)
        if ends and all(kind in kinds for kind, _ in ends):
            taken = [chosen.among(kind, column) for kind, column in ends]
            chosen.add_all(link.name, rows.c.id, select(rows.c.id).where(*taken))


def select_torn_links(
    chosen: Selection,
    torn: Selection,
    groups_of: Callable[[str], Sequence[int] | None] = lambda _link: None,
) -> None:
    """Add to `torn` the links of which one end is taken and one is not, in the groups that are told for each class."""
    kinds = set(chosen.kinds())
    for link in links():
        ends, rows = _ends(link), tables.table(link.name)
        within = _within(rows, groups_of(link.name))
        for (kind, here), (other, there) in zip(ends, reversed(ends), strict=True):
            if kind in kinds and len(ends) == 2:
                parted = (chosen.among(kind, here), ~chosen.holds(other, there), within)
                torn.add_all(link.name, rows.c.id, select(rows.c.id).where(*parted))


def select_external_infos(chosen: Selection) -> None:
    """Add what the taken objects say of where else they are known."""
    info = tables.table("ExternalInfo")
    for kind in chosen.kinds():
        rows = tables.table(kind)
        query = select(info.c.id).join(rows, rows.c.details_externalInfo == info.c.id)
        chosen.add_all("ExternalInfo", info.c.id, query.where(chosen.among(kind, rows.c.id)))


def cut_references(chosen: Selection) -> None:
    """Empty the references between what is taken and what is not, either way, where they may be empty."""
    kinds = set(chosen.kinds())
    for cls in CLASSES.values():
        for field in () if cls.is_global or cls.link else cls.own:
            if not isinstance(field, Reference) or not field.nullable:
                continue
            own, other = kind_of(cls.name), kind_of(field.target)
            if CLASSES[other].is_global or kinds.isdisjoint((own, other)):
                continue
            rows = tables.table(cls.name)
            column = rows.c[tables.column_name(cls.name, field.name)]
            for parted in (
                (chosen.among(own, rows.c.id), ~chosen.holds(other, column)),
                (chosen.among(other, column), ~chosen.holds(own, rows.c.id)),
            ):
                emptied = update(rows).where(column.is_not(None), *parted)
                chosen.db.execute(emptied.values({column.name: None}))
