"""What a command must not tear apart: Filesets, Wells' Images, tags in use; and links whose ends part."""

import omero
import omero.cmd
from sqlalchemy import Column, and_, select, update

from omero_embedded import tables
from omero_embedded.call import Call
from omero_embedded.commands.graph.closure import May, permitted
from omero_embedded.commands.graph.rules import HOLDERS_OF, kind_of, links
from omero_embedded.commands.graph.selection import Selection
from omero_embedded.commands.graph.targets import impossible
from omero_embedded.schema import CLASSES, ModelClass, Reference

UNDIVIDED = (("Image", "instrument", "images"), ("FileAnnotation", "file", "file annotations"))
"""Who shares these moves or stays together: class, reference, and what to call them."""


def check_filesets(call: Call, request: omero.cmd.Request, chosen: Selection) -> None:
    """Refuse where some Images of a Fileset are taken and others not."""
    image = tables.table("Image")
    taken, left = image.alias(), image.alias()
    query = (
        select(taken.c.fileset)
        .join(left, left.c.fileset == taken.c.fileset)
        .where(chosen.among("Image", taken.c.id), ~chosen.holds("Image", left.c.id))
        .limit(1)
    )
    split = call.db.execute(query).scalar()
    if split is not None:
        raise impossible(request, f"may not split {CLASSES['Fileset'].java}[{split}]")


def check_wells(call: Call, request: omero.cmd.Request, chosen: Selection, verb: str) -> None:
    """Refuse where an Image is taken from under a Well that is not."""
    sample = tables.table("WellSample")
    taken = and_(chosen.among("Image", sample.c.image), ~chosen.holds("WellSample", sample.c.id))
    found = call.db.execute(select(sample.c.id, sample.c.image).where(taken).limit(1)).first()
    if found is not None:
        image, well = (
            f"{CLASSES['Image'].java}[{found.image}]",
            f"{CLASSES['WellSample'].java}[{found.id}]",
        )
        raise impossible(request, f"may {verb} {image} only via {well}")


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
            name = f"{CLASSES['TagAnnotation'].java}[{found.tag}]"
            other = f"{CLASSES[holding.holder_kind].java}[{found.id}]"
            raise impossible(request, f"may not delete {name} because {other} is tagged with it")


def check_shared(call: Call, request: omero.cmd.Request, chosen: Selection) -> None:
    """Refuse where Images that share an Instrument, or annotations that share a file, would part."""
    for cls, field, called in UNDIVIDED:
        rows, column = tables.table(cls), tables.column_name(cls, field)
        kind, target = kind_of(cls), CLASSES[cls].fields[field]
        assert isinstance(target, Reference)
        taken, left = rows.alias(), rows.alias()
        query = (
            select(taken.c[column])
            .join(left, left.c[column] == taken.c[column])
            .where(chosen.among(kind, taken.c.id), ~chosen.holds(kind, left.c.id))
            .limit(1)
        )
        shared = call.db.execute(query).scalar()
        if shared is not None:
            java = CLASSES[target.target].java
            raise impossible(request, f"may not split {called} that share {java}[{shared}]")


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


def select_torn_links(chosen: Selection, torn: Selection) -> None:
    """Add to `torn` the links of which one end is taken and one is not."""
    kinds = set(chosen.kinds())
    for link in links():
        ends, rows = _ends(link), tables.table(link.name)
        for (kind, here), (other, there) in zip(ends, reversed(ends), strict=True):
            if kind in kinds and len(ends) == 2:
                parted = (chosen.among(kind, here), ~chosen.holds(other, there))
                torn.add_all(link.name, rows.c.id, select(rows.c.id).where(*parted))


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
