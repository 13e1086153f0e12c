"""Chgrp2, Chown2 and Chmod2 through the real client."""

from typing import Any

import omero
import omero.cmd
import omero.gateway
import omero.model
import pytest
from omero.cmd import Chgrp2, Chmod2, Chown2
from omero.rtypes import rbool, rdouble, rstring

from omero_bench import counts

GROUP = "select o.details.group.id from {} o where o.id = :id"
OWNER = "select o.details.owner.id from {} o where o.id = :id"


@pytest.fixture
def second_group(omero_new_user: Any, omero_server: Any) -> Any:
    """Give a function that makes a user a member of one more group, and returns the group's id."""

    def make(*users: Any, permissions: str = "rwr---") -> int:
        client = omero.client(omero_server.host, omero_server.port)
        client.createSession(omero_server.user, omero_server.password)
        try:
            admin = client.sf.getAdminService()
            group = omero.model.ExperimenterGroupI()
            group.name, group.ldap = rstring(f"second-{users[0].name}"), rbool(False)
            group.details.permissions = omero.model.PermissionsI(permissions)
            made = admin.createGroup(group)
            for user in users:
                admin.addGroups(
                    omero.model.ExperimenterI(user.id, False),
                    [omero.model.ExperimenterGroupI(made, False)],
                )
            return int(made)
        finally:
            client.closeSession()

    return make


def test_a_dataset_moves_with_images_links_and_own_tags(
    omero_new_user: Any, bench_of: Any, second_group: Any
) -> None:
    user = omero_new_user()
    group = second_group(user)
    bench = bench_of(user)
    dataset = bench.named("Dataset")
    image = bench.image(dataset)
    tag = bench.tag(("Image", image))
    moved = bench.run(Chgrp2(targetObjects={"Dataset": [dataset]}, groupId=group))
    assert counts(moved.includedObjects) == {
        "Channel": 1,
        "Dataset": 1,
        "DatasetImageLink": 1,
        "Image": 1,
        "ImageAnnotationLink": 1,
        "LogicalChannel": 1,
        "Pixels": 1,
        "TagAnnotation": 1,
    }
    assert moved.deletedObjects == {}
    for cls, identifier in (("Dataset", dataset), ("Image", image), ("TagAnnotation", tag)):
        assert bench.value(GROUP.format(cls), identifier) == group


def test_links_between_what_moves_and_what_stays_are_cut(
    omero_new_user: Any, bench_of: Any, second_group: Any
) -> None:
    user = omero_new_user()
    group = second_group(user)
    bench = bench_of(user)
    dataset, other, project = bench.named("Dataset"), bench.named("Dataset"), bench.named("Project")
    bench.link("Project", project, "Dataset", dataset)
    image = bench.image(dataset, other)
    tag = bench.tag(("Dataset", dataset), ("Dataset", other))
    moved = bench.run(Chgrp2(targetObjects={"Dataset": [dataset]}, groupId=group))
    assert counts(moved.includedObjects) == {"Dataset": 1}
    assert counts(moved.deletedObjects) == {
        "DatasetAnnotationLink": 1,
        "DatasetImageLink": 1,
        "ProjectDatasetLink": 1,
    }
    for cls, identifier in (("Image", image), ("TagAnnotation", tag), ("Project", project)):
        assert bench.value(GROUP.format(cls), identifier) == user.group


def test_the_gateway_moves_into_a_container_of_the_other_group(
    omero_new_user: Any, bench_of: Any, second_group: Any
) -> None:
    user = omero_new_user()
    group = second_group(user)
    bench = bench_of(user)
    dataset = bench.named("Dataset")
    project = omero.model.ProjectI()
    project.name = rstring("there")
    there = bench.update.saveAndReturnObject(project, {"omero.group": str(group)}).id.val
    gateway = omero.gateway.BlitzGateway(client_obj=bench.client)
    handle = gateway.chgrpObjects("Dataset", [dataset], group, there)
    response = gateway._waitOnCmd(handle).getResponse()
    handle.close()
    assert not isinstance(response, omero.cmd.ERR)
    hql = "select l.parent.id from ProjectDatasetLink l where l.child.id = :id"
    assert bench.value(hql, dataset) == there


def test_a_dry_run_moves_nothing(omero_new_user: Any, bench_of: Any, second_group: Any) -> None:
    user = omero_new_user()
    group = second_group(user)
    bench = bench_of(user)
    dataset = bench.named("Dataset")
    told = bench.run(Chgrp2(targetObjects={"Dataset": [dataset]}, groupId=group, dryRun=True))
    assert counts(told.includedObjects) == {"Dataset": 1}
    assert bench.value(GROUP.format("Dataset"), dataset) == user.group


def test_only_ones_own_moves_and_only_into_ones_groups(
    omero_new_user: Any, bench_of: Any, second_group: Any
) -> None:
    owner = omero_new_user(permissions="rwrw--")
    member = omero_new_user(group=owner.group)
    group = second_group(member)
    dataset = bench_of(owner).named("Dataset")
    bench = bench_of(member)
    refused = bench.run(Chgrp2(targetObjects={"Dataset": [dataset]}, groupId=group))
    assert refused.message == f"does not own ome.model.containers.Dataset[{dataset}]"
    foreign = omero_new_user().group
    mine = bench.named("Dataset")
    refused = bench.run(Chgrp2(targetObjects={"Dataset": [mine]}, groupId=foreign))
    assert (refused.name, refused.parameters["message"]) == (
        "not-in-group",
        "not a member of the chgrp destination group",
    )


def test_what_others_left_on_an_image_does_not_go_into_a_private_group(
    omero_new_user: Any, bench_of: Any, second_group: Any
) -> None:
    owner = omero_new_user(permissions="rwra--")
    private = second_group(owner, permissions="rw----")
    mine, other = bench_of(owner), bench_of(omero_new_user(group=owner.group, leader=True))
    image = mine.image()
    roi = omero.model.RoiI()
    roi.image = omero.model.ImageI(image, False)
    point = omero.model.PointI()
    point.x, point.y = rdouble(0), rdouble(0)
    roi.addShape(point)
    theirs = other.save(roi)
    moved = mine.run(Chgrp2(targetObjects={"Image": [image]}, groupId=private))
    assert counts(moved.deletedObjects) == {"Point": 1, "Roi": 1}
    assert not mine.exists("Roi", theirs)


def test_a_leader_gives_objects_to_another_member(omero_new_user: Any, bench_of: Any) -> None:
    owner = omero_new_user()
    heir, leader = omero_new_user(group=owner.group), omero_new_user(group=owner.group, leader=True)
    mine = bench_of(owner)
    dataset = mine.named("Dataset")
    image = mine.image(dataset)
    given = bench_of(leader).run(Chown2(targetObjects={"Dataset": [dataset]}, userId=heir.id))
    assert counts(given.includedObjects)["Image"] == 1
    assert mine.value(OWNER.format("Image"), image) == heir.id
    assert mine.value(OWNER.format("Dataset"), dataset) == heir.id


def test_all_that_a_user_owns_can_be_given(omero_new_user: Any, bench_of: Any) -> None:
    owner = omero_new_user()
    heir, leader = omero_new_user(group=owner.group), omero_new_user(group=owner.group, leader=True)
    mine = bench_of(owner)
    made = {"Project": mine.named("Project"), "Image": mine.image(), "TagAnnotation": mine.tag()}
    bench_of(leader).run(Chown2(targetUsers=[owner.id], targetObjects={}, userId=heir.id))
    assert {mine.value(OWNER.format(cls), i) for cls, i in made.items()} == {heir.id}


def test_members_give_nothing_and_leaders_only_within_the_group(
    omero_new_user: Any, bench_of: Any
) -> None:
    owner = omero_new_user()
    leader, stranger = omero_new_user(group=owner.group, leader=True), omero_new_user()
    mine = bench_of(owner)
    dataset = mine.named("Dataset")
    refused = mine.run(Chown2(targetObjects={"Dataset": [dataset]}, userId=leader.id))
    assert refused.name == "steps-cancel"
    assert refused.parameters["message"].endswith("not an owner of any group")
    outside = bench_of(leader).run(Chown2(targetObjects={"Dataset": [dataset]}, userId=stranger.id))
    assert isinstance(outside, omero.cmd.GraphException)
    assert mine.value(OWNER.format("Dataset"), dataset) == owner.id


def test_giving_a_link_that_the_heir_has_made_too_leaves_one(
    omero_new_user: Any, bench_of: Any
) -> None:
    owner = omero_new_user(permissions="rwrw--")
    heir, leader = omero_new_user(group=owner.group), omero_new_user(group=owner.group, leader=True)
    mine = bench_of(owner)
    dataset = mine.named("Dataset")
    image = mine.image(dataset)
    bench_of(heir).link("Dataset", dataset, "Image", image)
    bench_of(leader).run(Chown2(targetObjects={"Dataset": [dataset]}, userId=heir.id))
    hql = "select count(l.id) from DatasetImageLink l where l.parent.id = :id"
    assert mine.value(hql, dataset) == 1


def test_a_leader_changes_what_members_may_do(omero_new_user: Any, bench_of: Any) -> None:
    owner = omero_new_user(permissions="rw----")
    member, leader = (
        omero_new_user(group=owner.group),
        omero_new_user(group=owner.group, leader=True),
    )
    dataset = bench_of(owner).named("Dataset")
    other = bench_of(member)
    request = Chmod2(targetObjects={"ExperimenterGroup": [owner.group]}, permissions="rwrw--")
    refused = other.run(request)
    assert refused.message.startswith("not permitted to change permissions on ")
    with pytest.raises(omero.SecurityViolation):
        other.query.get("Dataset", dataset)
    changed = bench_of(leader).run(request)
    assert changed.includedObjects == {"ome.model.meta.ExperimenterGroup": [owner.group]}
    assert other.query.get("Dataset", dataset).details.permissions.canEdit()


def test_a_group_that_becomes_private_loses_what_joins_different_owners(
    omero_new_user: Any, bench_of: Any
) -> None:
    owner = omero_new_user(permissions="rwra--")
    leader = omero_new_user(group=owner.group, leader=True)
    mine, other = bench_of(owner), bench_of(leader)
    dataset = mine.named("Dataset")
    kept = mine.tag(("Dataset", dataset))
    other.annotate("Dataset", dataset, "Tag", other.tag(text="theirs"))
    request = Chmod2(targetObjects={"ExperimenterGroup": [owner.group]}, permissions="rw----")
    assert counts(other.run(request).deletedObjects) == {"DatasetAnnotationLink": 1}
    hql = "select l.child.id from DatasetAnnotationLink l where l.parent.id = :id"
    assert mine.value(hql, dataset) == kept


def _scene(bench: Any) -> dict[str, int]:
    """Make a Project with a Dataset with an Image that bears a tag and a Roi."""
    project, dataset = bench.named("Project"), bench.named("Dataset")
    bench.link("Project", project, "Dataset", dataset)
    image, roi = bench.image(dataset), omero.model.RoiI()
    bench.tag(("Image", image))
    roi.image = omero.model.ImageI(image, False)
    bench.save(roi)
    return {"Project": project, "Dataset": dataset, "Image": image}


IMAGE = {"Channel": 1, "Image": 1, "LogicalChannel": 1, "Pixels": 1}


@pytest.mark.parametrize(
    ("permissions", "with_notes", "cut"),
    [
        ("rwr---", True, {"ProjectDatasetLink": 1}),
        ("rwra--", False, {"ProjectDatasetLink": 1}),
        ("rwrw--", False, {}),
    ],
)
def test_what_is_given_along_and_what_is_cut_depends_on_the_group(
    omero_new_user: Any,
    bench_of: Any,
    permissions: str,
    cut: dict[str, int],
    *,
    with_notes: bool,
) -> None:
    """blitz-chown-rules.xml: annotations and Rois stay where people annotate one another's objects."""
    owner = omero_new_user(permissions=permissions)
    heir, leader = omero_new_user(group=owner.group), omero_new_user(group=owner.group, leader=True)
    made = _scene(bench_of(owner))
    given = bench_of(leader).run(
        Chown2(targetObjects={"Dataset": [made["Dataset"]]}, userId=heir.id)
    )
    notes = {"ImageAnnotationLink": 1, "Roi": 1, "TagAnnotation": 1} if with_notes else {}
    assert counts(given.includedObjects) == {**IMAGE, "Dataset": 1, "DatasetImageLink": 1, **notes}
    assert counts(given.deletedObjects) == cut


@pytest.mark.parametrize("name", ["Well", "PlateAcquisition", "Channel", "DatasetImageLink"])
def test_what_only_goes_along_cannot_be_moved_by_itself(bench: Any, name: str) -> None:
    refused = bench.run(Chgrp2(targetObjects={name: [1]}, groupId=1))
    assert refused.parameters["message"] == f"cannot target {name}"


def test_a_roi_is_not_moved_out_of_its_image(
    omero_new_user: Any, bench_of: Any, second_group: Any
) -> None:
    user = omero_new_user()
    group = second_group(user)
    bench, roi = bench_of(user), omero.model.RoiI()
    image = bench.image()
    roi.image = omero.model.ImageI(image, False)
    made = bench.save(roi)
    refused = bench.run(Chgrp2(targetObjects={"Roi": [made]}, groupId=group))
    assert refused.message == (
        f"cannot move ome.model.roi.Roi[{made}] while ome.model.core.Image[{image}] remains"
    )
