"""Every query that real clients were seen to ask is understood and answered."""

import json
import re
from pathlib import Path
from typing import Any

import omero

VALUES: dict[str, Any] = {
    **dict.fromkeys(("name", "omeName", "tagvalue", "key", "value", "ratingns", "ns", "mt"), "x"),
    **dict.fromkeys(("row", "column"), omero.rtypes.rint(1)),
    "ids": [1, 2, 3],
}


def test_every_query_that_clients_ask(lab: Any, shared: Path) -> None:
    calls = json.loads((shared / "facts" / "omero-client-calls.json").read_text(encoding="utf-8"))
    queries = sorted({query for client in calls.values() for query in client["hql"]})
    assert len(queries) > 100
    for query in queries:
        given = {name: VALUES.get(name, 1) for name in re.findall(r":(\w+)", query)}
        rows = lab.rows(query, **given)
        assert isinstance(rows, list), query
        if re.match(r"(select \w+ )?from ", query, re.IGNORECASE):
            lab.find(query, **given)


def test_the_queries_of_notebooks(lab: Any) -> None:
    ids = lab.ids
    found = lab.find(
        "select i from Image i left outer join fetch i.datasetLinks as dlinks "
        "left outer join fetch dlinks.child as image where dlinks.parent.id = :did",
        did=ids["dataset0"],
    )
    assert [i.name.val for i in found] == ["pos000"]
    assert found[0].copyDatasetLinks()[0].child is found[0]
    found = lab.find(
        "SELECT p FROM Pixels as p JOIN FETCH p.image JOIN FETCH p.pixelsType WHERE p.image.id in :iids",
        iids=[ids["image0"], ids["image1"]],
    )
    assert sorted(p.image.name.val for p in found) == ["pos000", "pos001"]
    found = lab.find(
        "select a from Annotation a where a.id in "
        "(select link.child.id from DatasetAnnotationLink link where link.parent.id = :did)",
        did=ids["dataset0"],
    )
    assert {a.id.val for a in found} == {ids["tag"], ids["map"]}
