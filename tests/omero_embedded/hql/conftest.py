"""A small laboratory in a real database, to ask things of: SQLite always, PostgreSQL where it is installed.

ann and bob are members of `lab` (read-annotate) and `secret` (private); carol leads `secret`. In `lab` ann has a
Project with two Datasets of one Image each, a Tag and key-values; bob has a Dataset. In `secret` each has a Dataset.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import omero
import omero.all
import omero.model
import omero.sys
import pytest
from omero.rtypes import rbool, rdouble, rlist, rlong, rstring, unwrap
from sqlalchemy import insert, select

from omero_embedded import hql, saving, tables
from omero_embedded.call import Call
from omero_embedded.core import Core
from omero_embedded.database import Database, at

READ_ANNOTATE, PRIVATE = "rwra--", "rw----"


def parameters(**values: Any) -> omero.sys.Parameters:
    """Return parameters as a client sends them: an int is an RLong, a list of ints an RList of them."""
    made = omero.sys.ParametersI()
    made.map = {name: _rtype(value) for name, value in values.items()}
    return made


def _rtype(value: Any) -> Any:
    if isinstance(value, list):
        return rlist([_rtype(v) for v in value])
    for kind, wrap in ((bool, rbool), (int, rlong), (float, rdouble), (str, rstring)):
        if isinstance(value, kind):
            return wrap(value)
    return value


@dataclass
class Lab:
    """The laboratory: ids by name, and calls of its people."""

    core: Core
    ids: dict[str, int] = field(default_factory=dict)

    def call(
        self,
        user: str = "ann",
        group: str = "lab",
        *,
        writes: bool = False,
        everywhere: bool = False,
    ) -> Call:
        """Return a call of somebody in a group, or in all groups."""
        session = self.core.sessions.begin(self.ids[user], self.ids[group])
        return Call(self.core, session, {"omero.group": "-1"} if everywhere else {}, writes=writes)

    def find(
        self,
        query: str,
        page: tuple[int, int] | None = None,
        call: Call | None = None,
        **values: Any,
    ) -> list[Any]:
        """Return the objects that a query finds, for ann in `lab` unless another call is given."""
        return self._ask(hql.find, query, page, call, values)

    def project(
        self,
        query: str,
        page: tuple[int, int] | None = None,
        call: Call | None = None,
        **values: Any,
    ) -> list[Any]:
        """Return the rows that a query finds, unwrapped."""
        return [unwrap(row) for row in self.rows(query, page, call, **values)]

    def rows(
        self,
        query: str,
        page: tuple[int, int] | None = None,
        call: Call | None = None,
        **values: Any,
    ) -> list[Any]:
        """Return the rows that a query finds, as RTypes."""
        return self._ask(hql.project, query, page, call, values)

    def _ask(
        self,
        what: Any,
        query: str,
        page: tuple[int, int] | None,
        call: Call | None,
        values: dict[str, Any],
    ) -> list[Any]:
        given = parameters(**values)
        if page is not None:
            given.page(*page)
        asked = call or self.call()
        try:
            return list(what(asked, query, given))
        finally:
            asked.abandon()


def _people(lab: Lab) -> None:
    lab.ids |= {"root": 0, "system": 0}
    call = lab.call("root", "system", writes=True)
    for name, kind in (("lab", READ_ANNOTATE), ("secret", PRIVATE)):
        bits = omero.model.PermissionsI(kind).getPerm1()
        lab.ids[name] = saving.insert(
            call, "ExperimenterGroup", name=name, ldap=False, details_permissions=bits
        )
    for name in ("ann", "bob", "carol"):
        lab.ids[name] = saving.insert(
            call, "Experimenter", omeName=name, firstName=name.title(), lastName="Doe", ldap=False
        )
        for place, group in enumerate(("lab", "secret")):
            membership = {"parent": lab.ids[group], "child": lab.ids[name], "child_index": place}
            leads = name == "carol" and group == "secret"
            call.db.execute(
                insert(tables.table("GroupExperimenterMap")).values(owner=leads, **membership)
            )
    call.people_changed()
    call.finish()


def _data(lab: Lab) -> None:
    call, ids = lab.call(writes=True), lab.ids

    def put(name: str, cls: str, /, **values: Any) -> int:
        ids[name] = saving.insert(call, cls, **values)
        return ids[name]

    kinds, orders = tables.table("PixelsType"), tables.table("DimensionOrder")
    uint16 = call.db.execute(select(kinds.c.id).where(kinds.c.value == "uint16")).scalar_one()
    order = call.db.execute(select(orders.c.id).where(orders.c.value == "XYZCT")).scalar_one()
    put("project", "Project", name="yeast")
    put("tag", "TagAnnotation", textValue="Batgirl")
    put("map", "MapAnnotation", ns="facts")
    pairs = [("strain", "Mig1"), ("media", "2%")]
    saving.rows.write_map(call, "MapAnnotation", "mapValue", ids["map"], pairs, anew=False)
    for i in range(2):
        dataset = put(
            f"dataset{i}", "Dataset", name=f"Plate {i}", description=None if i else "first"
        )
        image = put(f"image{i}", "Image", name=f"pos00{i}", series=0, archived=bool(i))
        pixels = put(
            f"pixels{i}", "Pixels", image=image, image_index=0, pixelsType=uint16, dimensionOrder=order,
            sizeX=8, sizeY=6, sizeZ=2, sizeC=2, sizeT=3, sha1="Pending...", physicalSizeX=(0.5, "µm"),
        )  # fmt: skip
        for c in range(2):
            logical = put(f"logical{i}{c}", "LogicalChannel", name=("GFP", "RFP")[c])
            put(
                f"channel{i}{c}",
                "Channel",
                pixels=pixels,
                pixels_index=1 - c,
                logicalChannel=logical,
            )
        saving.insert(call, "ProjectDatasetLink", parent=ids["project"], child=dataset)
        saving.insert(call, "DatasetImageLink", parent=dataset, child=image)
    for cls, parent, child in (
        ("DatasetAnnotationLink", "dataset0", "tag"),
        ("DatasetAnnotationLink", "dataset0", "map"),
        ("ImageAnnotationLink", "image0", "tag"),
        ("ProjectAnnotationLink", "project", "tag"),
    ):
        saving.insert(call, cls, parent=ids[parent], child=ids[child])
    call.finish()
    for user, group in (("bob", "lab"), ("ann", "secret"), ("bob", "secret")):
        call = lab.call(user, group, writes=True)
        ids[f"{user} in {group}"] = saving.insert(call, "Dataset", name=f"{user} in {group}")
        call.finish()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return the laboratory; nothing that is asked changes it."""
    folder: Path = tmp_path_factory.mktemp("lab")
    url = (
        at(folder / "db.sqlite")
        if request.param == "sqlite"
        else request.getfixturevalue("new_postgresql")()
    )
    database = Database(url, durable=False)
    made = Lab(Core(folder, database, "secret"))
    _people(made)
    _data(made)
    yield made
    database.close()
