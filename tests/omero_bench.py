"""Objects to delete, move and give, made through the real client, and requests run as clients run them."""

from collections.abc import Callable
from typing import Any

import omero
import omero.callbacks
import omero.clients
import omero.cmd
import omero.model
import omero.sys
import pytest
from omero.rtypes import rstring

Run = Callable[..., Any]


def run(client: Any, request: Any, context: dict[str, str] | None = None) -> Any:
    """Submit a request, wait for it and return its response."""
    handle = client.sf.submit(request, context) if context else client.sf.submit(request)
    callback = omero.callbacks.CmdCallbackI(client, handle)
    try:
        callback.loop(60, 500)
        return callback.getResponse()
    finally:
        callback.close(True)


def counts(objects: dict[str, list[int]]) -> dict[str, int]:
    """Return how many objects of each class a response names."""
    return {name.rpartition(".")[2]: len(ids) for name, ids in objects.items()}


class Bench:
    """One client's objects, made in few words; each method returns an id."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.query = client.sf.getQueryService()
        self.update = client.sf.getUpdateService()

    def save(self, o: Any) -> int:
        return int(self.update.saveAndReturnObject(o).id.val)

    def named(self, cls: str, name: str = "n") -> int:
        o = getattr(omero.model, f"{cls}I")()
        o.name = rstring(name)
        return self.save(o)

    def image(self, *datasets: int) -> int:
        kind = self.query.findByQuery("from PixelsType where value = 'uint8'", None)
        image = self.client.sf.getPixelsService().createImage(4, 3, 1, 1, [0], kind, "i", "").val
        for dataset in datasets:
            self.link("Dataset", dataset, "Image", image)
        return int(image)

    def tag(self, *on: tuple[str, int], text: str = "t", ns: str | None = None) -> int:
        tag = omero.model.TagAnnotationI()
        tag.textValue = rstring(text)
        tag.ns = None if ns is None else rstring(ns)
        made = self.save(tag)
        for cls, identifier in on:
            self.annotate(cls, identifier, "Tag", made)
        return made

    def comment(self, cls: str, identifier: int) -> int:
        comment = omero.model.CommentAnnotationI()
        comment.textValue = rstring("c")
        made = self.save(comment)
        self.annotate(cls, identifier, "Comment", made)
        return made

    def annotate(self, cls: str, identifier: int, kind: str, annotation: int) -> int:
        link = getattr(omero.model, f"{cls}AnnotationLinkI")()
        link.parent = getattr(omero.model, f"{cls}I")(identifier, False)
        link.child = getattr(omero.model, f"{kind}AnnotationI")(annotation, False)
        return self.save(link)

    def link(self, cls: str, parent: int, inside: str, child: int) -> int:
        link = getattr(omero.model, f"{cls}{inside}LinkI")()
        link.parent = getattr(omero.model, f"{cls}I")(parent, False)
        link.child = getattr(omero.model, f"{inside}I")(child, False)
        return self.save(link)

    def exists(self, cls: str, identifier: int) -> bool:
        hql = f"select o.id from {cls} o where o.id = :id"
        parameters = omero.sys.ParametersI().addId(identifier)
        return bool(self.query.projection(hql, parameters, {"omero.group": "-1"}))

    def value(self, hql: str, identifier: int) -> Any:
        parameters = omero.sys.ParametersI().addId(identifier)
        rows = self.query.projection(hql, parameters, {"omero.group": "-1"})
        return omero.rtypes.unwrap(rows[0][0]) if rows and rows[0] else None

    def run(self, request: Any, context: dict[str, str] | None = None) -> Any:
        return run(self.client, request, context)

    def delete(self, **targets: list[int]) -> dict[str, int]:
        return counts(self.run(omero.cmd.Delete2(targetObjects=targets)).deletedObjects)


@pytest.fixture
def bench(omero_client: Any) -> Bench:
    """Give the bench of a new user in a new group."""
    return Bench(omero_client)


@pytest.fixture
def bench_of() -> Any:
    """Give a function that makes the bench of a user, logged in until the end of the test."""
    clients = []

    def make(user: Any) -> Bench:
        clients.append(user.log_in())
        return Bench(clients[-1])

    yield make
    for client in clients:
        client.closeSession()
