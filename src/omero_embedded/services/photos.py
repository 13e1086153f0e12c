"""Users' photos: a file with a namespace of its own, linked to the user, in the group of everybody."""

from omero.constants.namespaces import NSEXPERIMENTERPHOTO
from sqlalchemy import select

from omero_embedded import saving, tables
from omero_embedded.call import Call
from omero_embedded.files.keeping import keep, replace
from omero_embedded.people import USER


def store_photo(call: Call, name: str, mimetype: str, data: bytes) -> int:
    """Keep a photo of who asks instead of the one there was; return the id of its OriginalFile."""
    there = photos_of(call, call.user_id)
    call.abandon()
    shared = call.in_group(USER, writes=True)
    try:
        if there:
            file = there[0]
            saving.change(shared, "OriginalFile", file, name=name, mimetype=mimetype)
            replace(shared, file, data)
        else:
            file = keep(shared, data, name=name, path="/", mimetype=mimetype)
            annotation = saving.insert(shared, "FileAnnotation", ns=NSEXPERIMENTERPHOTO, file=file)
            saving.insert(
                shared, "ExperimenterAnnotationLink", parent=call.user_id, child=annotation
            )
        shared.finish()
    except BaseException:
        shared.abandon()
        raise
    return file


def photos_of(call: Call, user: int) -> list[int]:
    """Return the ids of the OriginalFiles of a user's photos."""
    links, annotations = tables.table("ExperimenterAnnotationLink"), tables.table("FileAnnotation")
    query = (
        select(annotations.c.file)
        .join(links, links.c.child == annotations.c.id)
        .where(links.c.parent == user, annotations.c.ns == NSEXPERIMENTERPHOTO)
        .order_by(annotations.c.file)
    )
    return list(call.db.execute(query).scalars())
