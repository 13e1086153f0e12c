"""How long queries take beside the same SQL by hand: every query that real clients were seen to ask.

    python benchmarks/hql.py [--images 100000] [--datasets 1000] [--calls omero-client-calls.json]

A SQLite database is filled with Datasets, Images with Pixels and two Channels each, tags and key-values. Then each
query is asked through `hql.find` or `hql.project`, up to the objects or values that would go to the client; and its
SQL, without what permissions add, is given by hand to the driver and to SQLAlchemy, up to a list of tuples. Figures are
milliseconds of CPU, the best of several runs in turn. Queries of which the driver makes less than a millisecond are
counted apart and held against SQLAlchemy: what Python adds to a call says more there than what the query does.
"""

import argparse
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import omero
import omero.all
import omero.sys
from omero.rtypes import rint, rlist, rlong, rstring
from sqlalchemy import Connection, insert, select

from omero_embedded import hql, lists, tables
from omero_embedded.call import Call
from omero_embedded.core import Core
from omero_embedded.database import Database, at
from omero_embedded.hql.emit import emit
from omero_embedded.hql.parameters import bound
from omero_embedded.hql.resolve import resolve

SHARED = Path(os.environ.get("PYOMERO_SHARED") or Path(__file__).parent.parent.parent / "shared")
LIMIT = 3
SMALL = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--datasets", type=int, default=1000)
    parser.add_argument("--calls", type=Path, default=SHARED / "facts" / "omero-client-calls.json")
    arguments = parser.parse_args()
    calls = json.loads(arguments.calls.read_text(encoding="utf-8"))
    queries = sorted({query for client in calls.values() for query in client["hql"]})
    with tempfile.TemporaryDirectory() as name:
        database = Database(at(Path(name) / "db.sqlite"), durable=False)
        core = Core(Path(name), database, "secret")
        session = core.sessions.begin(0, 0)
        filling = Call(core, session, {}, writes=True)
        fill(filling, arguments.images, arguments.datasets)
        filling.finish()
        rows = [
            (query, *compared(Call(core, session, {}, writes=False), query)) for query in queries
        ]
        database.close()
    print(f"{'ratio':>7}{'ours':>11}{'driver':>11}{'SQLAlchemy':>11}{'rows':>8}  query")
    for query, ours, driver, layer, found in sorted(rows, key=lambda row: row[1] / row[2]):
        print(f"{ours / driver:7.1f}{ours:11.3f}{driver:11.3f}{layer:11.3f}{found:8}  {query[:90]}")
    large = [(ours, driver) for _, ours, driver, _, _ in rows if driver >= SMALL]
    small = [(ours, layer) for _, ours, driver, layer, _ in rows if driver < SMALL]
    for these, least, whose in ((large, "and more", "driver"), (small, "and less", "SQLAlchemy")):
        within = sum(ours <= LIMIT * by_hand for ours, by_hand in these)
        print(
            f"{within} of the {len(these)} queries of {SMALL:g} ms {least} take at most {LIMIT} times as long as by {whose}"
        )
    print(f"the small ones take at most {max(ours - by for ours, by in small):.2f} ms longer")


def compared(call: Call, query: str) -> tuple[float, float, float, int]:
    """Return the milliseconds of a query, and of its SQL by the driver and by SQLAlchemy, and how many rows it gives."""
    objects = re.match(r"(select (obj\d*|l|c|p|e|oal) )?from ", query, re.IGNORECASE)
    ask: Callable[..., list[Any]] = hql.find if objects else hql.project
    given = parameters()
    sql, values = by_hand(call.db, query, given)
    driver = call.db.connection.driver_connection
    ours: list[float] = []
    drivers: list[float] = []
    layers: list[float] = []
    rows = ask(call, query, given)
    found = len(rows)
    spent = 0.0
    while len(ours) < 3 or (spent < 300 and len(ours) < 20):
        del rows
        begun = time.process_time()
        rows = ask(call, query, given)
        ours.append((time.process_time() - begun) * 1000)
        begun = time.process_time()
        driver.execute(sql, values).fetchall()
        drivers.append((time.process_time() - begun) * 1000)
        begun = time.process_time()
        call.db.exec_driver_sql(sql, values).fetchall()
        layers.append((time.process_time() - begun) * 1000)
        spent += ours[-1]
    call.abandon()
    return min(ours), min(drivers), min(layers), found


def by_hand(
    connection: Connection, query: str, given: omero.sys.Parameters
) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL of a query, without permissions, and its parameters in order."""
    resolved = resolve(query)
    statement = emit(resolved, lambda _cls, _rows: None, sqlite=True, call_permissions=0)
    compiled = statement.sql.compile(dialect=connection.dialect)
    values = {
        name: lists.as_parameter(value, sqlite=True) if isinstance(value, list) else value
        for name, value in bound(query, resolved.variables, given).items()
    }
    expanded = compiled.construct_expanded_state(values)
    return expanded.statement, tuple(
        expanded.parameters[name] for name in expanded.positiontup or ()
    )


def parameters() -> omero.sys.Parameters:
    """Return values for the parameters of all queries: those of objects that exist."""
    made = omero.sys.ParametersI()
    numbers = {
        **dict.fromkeys(("id", "imid", "imageId", "image_id"), 77),
        **dict.fromkeys(("dsid", "did", "dataset"), 5),
        **dict.fromkeys(("pid", "project", "annotation", "screen", "plate", "roi_id"), 3),
        "group": 0,
    }
    texts = {
        **dict.fromkeys(("ratingns", "ns", "mt"), "n"),
        "name": "Dataset 0005", "omeName": "root", "tagvalue": "tag 5", "key": "strain", "value": "v7",
    }  # fmt: skip
    made.map = {name: rlong(number) for name, number in numbers.items()}
    made.map |= {name: rstring(text) for name, text in texts.items()}
    made.map |= {
        "row": rint(1),
        "column": rint(1),
        "ids": rlist([rlong(i + 1) for i in range(1000)]),
    }
    return made


# ---------------------------------------------------------------- the database
def fill(call: Call, images: int, datasets: int) -> None:
    """Fill the database."""
    kinds, orders = tables.table("PixelsType"), tables.table("DimensionOrder")
    uint16 = call.db.execute(select(kinds.c.id).where(kinds.c.value == "uint16")).scalar_one()
    order = call.db.execute(select(orders.c.id)).scalars().first()
    first = call.event_id + 1
    kind = call.db.execute(select(tables.table("Event").c.type)).scalars().first()
    event = {"experimenter": 0, "experimenterGroup": 0, "type": kind, "session": call.session.id}

    def put(cls: str, rows: Iterator[dict[str, Any]]) -> None:
        """Write rows, numbered from 1."""
        made = []
        for number, row in enumerate(rows):
            own = first + number % images
            details = {f"details_{name}Event": own for name in ("creation", "update")}
            made.append(
                {"id": number + 1, **details, "details_owner": 0, "details_group": 0, **row}
            )
        call.db.execute(insert(tables.table(cls)), made)

    call.db.execute(
        insert(tables.table("Event")),
        [{"id": first + i, "time": i, **event} for i in range(images)],
    )
    put("Project", ({"name": f"Project {i}"} for i in range(10)))
    put("Dataset", ({"name": f"Dataset {i * 7919 % datasets:04d}"} for i in range(datasets)))
    put("ProjectDatasetLink", ({"parent": 1 + i % 10, "child": 1 + i} for i in range(datasets)))
    put(
        "Image",
        (
            {"name": f"Image {i * 7919 % images:06d}", "series": 0, "version": 0}
            for i in range(images)
        ),
    )
    put("DatasetImageLink", ({"parent": 1 + i % datasets, "child": 1 + i} for i in range(images)))
    sizes = {
        "sizeX": 512,
        "sizeY": 512,
        "sizeZ": 5,
        "sizeC": 2,
        "sizeT": 10,
        "sha1": "Pending...",
        "version": 0,
    }
    sizes |= {
        "physicalSizeX": 0.1,
        "physicalSizeX_unit": "µm",
        "pixelsType": uint16,
        "dimensionOrder": order,
    }
    put("Pixels", ({"image": 1 + i, "image_index": 0, **sizes} for i in range(images)))
    put("LogicalChannel", ({"name": "GFP", "version": 0} for _ in range(2 * images)))
    put(
        "Channel",
        (
            {"pixels": 1 + i // 2, "pixels_index": i % 2, "logicalChannel": 1 + i, "version": 0}
            for i in range(2 * images)
        ),
    )
    annotate(call, put, images, datasets)


def annotate(
    call: Call, put: Callable[[str, Iterator[dict[str, Any]]], None], images: int, datasets: int
) -> None:
    """Give each Image and Dataset one of a hundred tags, and each tenth Image key-values."""
    keyed = images // 10
    kinds = ["TagAnnotation"] * 100 + ["MapAnnotation"] * keyed
    put(
        "Annotation",
        (
            {"class": kind, "textValue": f"tag {i}" if i < 100 else None}
            for i, kind in enumerate(kinds)
        ),
    )
    pairs = tables.map_table("MapAnnotation", "mapValue")
    call.db.execute(
        insert(pairs),
        [
            {"parent": 101 + i, "position": 0, "name": "strain", "value": f"v{i % 500}"}
            for i in range(keyed)
        ],
    )
    put(
        "ImageAnnotationLink",
        (
            {"parent": 1 + i, "child": 1 + i % 100} if i < images else {"parent": 1 + 10 * (i - images), "child": 101 + i - images}
            for i in range(images + keyed)
        ),
    )  # fmt: skip
    put("DatasetAnnotationLink", ({"parent": 1 + i, "child": 1 + i % 100} for i in range(datasets)))
    put("ProjectAnnotationLink", ({"parent": 1 + i, "child": 1 + i} for i in range(10)))


if __name__ == "__main__":
    main()
