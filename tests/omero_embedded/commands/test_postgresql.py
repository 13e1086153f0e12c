"""The commands over PostgreSQL instead of SQLite."""

from collections.abc import Iterator
from pathlib import Path

import omero
import omero.clients
import omero.cmd
import omero.model
import pytest
from omero.rtypes import rbool, rstring

from omero_bench import Bench, counts
from omero_embedded import Server
from postgresql import NewDatabase


@pytest.fixture(scope="module")
def pg_bench(
    new_postgresql: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """Give the bench of root on a server that keeps everything in PostgreSQL."""
    folder: Path = tmp_path_factory.mktemp("server")
    with Server(folder, database_url=new_postgresql(), in_process=True) as server:
        client = omero.client(server.host, server.port)
        client.createSession(server.user, server.password)
        yield Bench(client)
        client.closeSession()


def _group(bench: Bench, name: str) -> int:
    group = omero.model.ExperimenterGroupI()
    group.name, group.ldap = rstring(name), rbool(False)
    group.details.permissions = omero.model.PermissionsI("rwra--")
    return int(bench.client.sf.getAdminService().createGroup(group))


def test_a_dataset_is_deleted_with_what_it_holds(pg_bench: Bench) -> None:
    dataset = pg_bench.named("Dataset")
    image = pg_bench.image(dataset)
    pg_bench.tag(("Dataset", dataset), ("Image", image))
    option = omero.cmd.graphs.ChildOption(excludeType=["Annotation"], includeNs=["none"])
    request = omero.cmd.Delete2(targetObjects={"Dataset": [dataset]}, childOptions=[option])
    assert counts(pg_bench.run(request).deletedObjects) == {
        "Channel": 1,
        "Dataset": 1,
        "DatasetAnnotationLink": 1,
        "DatasetImageLink": 1,
        "Image": 1,
        "ImageAnnotationLink": 1,
        "LogicalChannel": 1,
        "Pixels": 1,
        "TagAnnotation": 1,
    }


def test_objects_move_change_their_owner_and_are_copied(pg_bench: Bench) -> None:
    dataset, project = pg_bench.named("Dataset"), pg_bench.named("Project")
    pg_bench.link("Project", project, "Dataset", dataset)
    image = pg_bench.image(dataset)
    copy = pg_bench.run(omero.cmd.Duplicate(targetObjects={"Dataset": [dataset]})).duplicates
    assert counts(copy)["Image"] == 1
    group = _group(pg_bench, "elsewhere")
    moved = pg_bench.run(omero.cmd.Chgrp2(targetObjects={"Dataset": [dataset]}, groupId=group))
    assert counts(moved.deletedObjects) == {"ProjectDatasetLink": 1}
    hql = "select i.details.group.id from Image i where i.id = :id"
    assert pg_bench.value(hql, image) == group
    guest = 1
    pg_bench.run(omero.cmd.Chown2(targetObjects={"Dataset": [dataset]}, userId=guest))
    assert pg_bench.value("select i.details.owner.id from Image i where i.id = :id", image) == guest
    private = omero.cmd.Chmod2(targetObjects={"ExperimenterGroup": [group]}, permissions="rw----")
    assert pg_bench.run(private).deletedObjects == {}


def test_what_is_inside_is_found_and_counted(pg_bench: Bench) -> None:
    dataset = pg_bench.named("Dataset")
    image = pg_bench.image(dataset)
    up = omero.cmd.FindParents(
        targetObjects={"Image": [image]}, typesOfParents=["Dataset"], stopBefore=[]
    )
    assert pg_bench.run(up).parents == {"ome.model.containers.Dataset": [dataset]}
    used = pg_bench.run(
        omero.cmd.DiskUsage2(targetObjects={"Dataset": [dataset]}, targetClasses=[])
    )
    assert used.totalBytesUsed == {}
