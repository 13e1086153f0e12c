"""Images on a server: made, described, and made anew where a run was killed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import ezomero
import omero.clients
import pytest
from omero.gateway import BlitzGateway
from omero.model.enums import UnitsLength, UnitsTime

from killed import killed_everywhere
from omero_world import count, world
from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Channel, Hypercube, Plan, PlaneIndex, PlaneInfo, Point, Sizes
from pyomero_upload.targets.omero import images, provenance
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.containers import ensure_dataset
from pyomero_upload.targets.omero.objects import linked_annotations, pairs_of
from pyomero_upload.targets.target import ChannelRange, UnderWayError

GFP = Channel(
    "GFP", label="Msn2-GFP", color="#00FF00", exposure_ms=30.0, excitation_nm=488.0, emission_nm=525.0, em_gain=270.0, voltage_v=2.5
)  # fmt: skip
DIC = Channel("DIC")
RANGES = {0: ChannelRange(0, 7.0, 4000.0, 90.0, 2100.0)}


def image_of(**changes: Any) -> Hypercube:
    """Return an image of 2 time points, 2 channels and 3 sections, of which everything is known."""
    sizes = Sizes(2, 2, 3, 4, 5)
    image = Hypercube(
        "pos001",
        sizes,
        "uint16",
        (GFP, DIC),
        planes={},
        physical_size_um=Point(0.2, 0.2, 0.6),
        time_increment_s=300.0,
        stage=Point(10846.5, -10208.1, 3431.425),
        acquired=datetime(2018, 9, 28, 17, 18, 15),  # noqa: DTZ001 - a clock on the wall
        plane_infos={
            PlaneIndex(1, 0, 2): PlaneInfo(None, 300.25, 45.0, Point(1.0, 2.0, 3.0)),
            PlaneIndex(0, 1, 0): PlaneInfo(None, 1.5),
        },
    )
    return replace(image, **changes)


def made(conn: Connection, plan: Plan, image: Hypercube) -> images.NewImage:
    dataset = ensure_dataset(conn, plan, key="key", project=None)
    return images.create_image(
        conn, image, dataset_id=dataset, key="key", inputs="inputs", metadata="metadata"
    )


def described(conn: Connection, plan: Plan, image: Hypercube) -> images.NewImage:
    new = made(conn, plan, image)
    images.describe_image(conn, new.image_id, new.pixels_id, image, RANGES)
    return new


def _rgba(channel: Any) -> tuple[int, ...]:
    return tuple(getattr(channel._obj, c).val for c in ("red", "green", "blue", "alpha"))


def in_gateway(conn: Connection, image_id: int) -> Any:
    return BlitzGateway(client_obj=conn.client).getObject("Image", image_id)


def test_an_image_has_its_sizes_and_its_pixel_type(conn: Connection, plan: Plan) -> None:
    new = made(conn, plan, image_of(dtype="float32"))

    image = in_gateway(conn, new.image_id)
    sizes = (image.getSizeT(), image.getSizeC(), image.getSizeZ(), image.getSizeY(), image.getSizeX())  # fmt: skip
    assert sizes == (2, 2, 3, 4, 5)
    assert image.getPixelsType() == "float"
    assert image.getPixelsId() == new.pixels_id


def test_an_image_is_in_its_dataset_and_says_that_it_is_not_complete(
    conn: Connection, plan: Plan
) -> None:
    new = made(conn, plan, image_of())

    image = in_gateway(conn, new.image_id)
    assert [parent.getName() for parent in image.listParents()] == ["Yeast"]
    assert image.getDescription().startswith("Not complete: PyOmeroUpload is writing «pos001»")
    said = dict(image.getAnnotation(provenance.NAMESPACE).getValue())
    assert said["State"] == "incomplete"
    assert said["Inputs digest"] == "inputs"
    assert said["Acquired (microscope's clock)"] == "2018-09-28T17:18:15"


def test_a_pixel_type_that_omero_does_not_have_is_refused_before_anything_is_made(
    conn: Connection, plan: Plan
) -> None:
    with pytest.raises(PyomeroError, match="pos001 has pixels of the type int64"):
        made(conn, plan, image_of(dtype="int64"))

    assert count(conn, "Image") == 0


def test_an_image_that_was_begun_is_made_anew(conn: Connection, plan: Plan) -> None:
    first = described(conn, plan, image_of())
    second = made(conn, plan, image_of())

    assert second.image_id != first.image_id
    assert count(conn, "Image") == 1
    assert count(conn, "PlaneInfo") == 0


def test_an_image_that_was_begun_is_recognised_though_somebody_changed_its_description(
    conn: Connection, plan: Plan
) -> None:
    first = made(conn, plan, image_of())
    image = conn.query.get("Image", first.image_id)
    image.description = omero.rtypes.rstring("What is this?")
    conn.update.saveObject(image)

    assert images.half_written(conn, key="key", name="pos001") == [first.image_id]


def test_a_complete_image_is_never_taken_for_a_half_written_one(
    conn: Connection, plan: Plan
) -> None:
    first = made(conn, plan, image_of())
    provenance.mark_image(conn, first.image_id, key="key", sha1="0" * 40)
    with pytest.raises(UnderWayError, match=f"Image:{first.image_id} "):
        made(conn, plan, image_of())

    assert count(conn, "Image") == 1
    assert conn.query.find("Image", first.image_id) is not None


def test_other_uploads_other_images_and_other_peoples_are_left_alone(
    omero_new_user: Any, plan: Plan
) -> None:
    me, colleague = omero_new_user(), None
    colleague = omero_new_user(group=me.group)
    mine, theirs = me.log_in(), colleague.log_in()
    made(Connection.over(theirs), plan, image_of())
    conn = Connection.over(mine)
    dataset = ensure_dataset(conn, plan, key="key", project=None)
    for key, name in (("other", "pos001"), ("key", "pos002"), ("key", "pos001")):
        images.create_image(
            conn, image_of(name=name), dataset_id=dataset, key=key, inputs="", metadata=""
        )

    assert count(conn, "Image") == 4
    mine.closeSession()
    theirs.closeSession()


@pytest.mark.parametrize("name", ["pos\0001", "pos \udc80", "π\N{MICROSCOPE}", ""])
def test_every_name_can_be_stored_and_found_again(conn: Connection, plan: Plan, name: str) -> None:
    image = image_of(name=name)
    described(conn, plan, image)
    described(conn, plan, image)

    assert count(conn, "Image") == 1


def test_sizes_intervals_and_moments_are_there_with_their_units(
    conn: Connection, plan: Plan
) -> None:
    new = described(conn, plan, image_of())

    image = in_gateway(conn, new.image_id)
    for axis, value in (("X", 0.2), ("Y", 0.2), ("Z", 0.6)):
        length = getattr(image, f"getPixelSize{axis}")(units=True)
        assert (length.getValue(), length.getUnit()) == (value, UnitsLength.MICROMETER)
    increment = image.getPrimaryPixels().getTimeIncrement()
    assert (increment.getValue(), increment.getUnit()) == (300.0, UnitsTime.SECOND)
    # BlitzGateway shows moments by the clock of this computer.
    assert image.getAcquisitionDate() == datetime(2018, 9, 28, 17, 18, 15)  # noqa: DTZ001
    label = image.getStageLabel()
    assert label.getPositionX().getValue() == 10846.5
    assert label.getPositionY().getSymbol() == "µm"


def test_channels_have_name_colour_wavelengths_range_and_gain(conn: Connection, plan: Plan) -> None:
    new = described(conn, plan, image_of())

    gfp, dic = in_gateway(conn, new.image_id).getChannels(noRE=True)
    assert (gfp.getLabel(), dic.getLabel()) == ("Msn2-GFP", "DIC")
    assert [_rgba(channel) for channel in (gfp, dic)] == [(0, 255, 0, 255), (255, 255, 255, 255)]
    logical = gfp.getLogicalChannel()
    assert logical._obj.excitationWave.getValue() == 488.0
    assert gfp.getEmissionWave(units=True).getValue() == 525.0
    assert gfp.getEmissionWave(units=True).getUnit() == UnitsLength.NANOMETER
    settings = logical.getDetectorSettings()
    assert settings.getGain() == 270.0
    assert settings.getDetector().getDetectorType().getValue() == "EM-CCD"
    assert dic.getLogicalChannel()._obj.detectorSettings is None
    assert world(conn)["range", 7.0, 4000.0] == count(conn, "StatsInfo") == 1


def test_what_the_model_has_no_place_for_is_noted_on_the_channel(
    conn: Connection, plan: Plan
) -> None:
    described(conn, plan, image_of())

    noted = [key for key in world(conn) if key[0:2] == ("key-values", "pyomero_upload/channel")]
    assert [pairs for _, _, pairs in noted] == [
        (("Name in the files", "GFP"), ("LED voltage (V)", "2.5"))
    ]


def test_every_plane_has_its_time_exposure_and_place(conn: Connection, plan: Plan) -> None:
    new = described(conn, plan, image_of())

    pixels = in_gateway(conn, new.image_id).getPrimaryPixels()
    planes = {(p.theT, p.theC, p.theZ): p for p in pixels.copyPlaneInfo()}
    assert len(planes) == 12
    own = planes[1, 0, 2]
    assert own.getDeltaT(units="SECOND").getValue() == 300.25
    assert own.getExposureTime(units="SECOND").getValue() == 0.045
    assert own.getPositionZ().getUnit() == UnitsLength.MICROMETER
    assert own.getPositionZ().getValue() == 3.0
    by_channel = planes[0, 0, 0]
    assert by_channel.getDeltaT() is None
    assert by_channel.getExposureTime(units="SECOND").getValue() == 0.03
    assert by_channel.getPositionX().getValue() == 10846.5


def test_a_plane_that_nothing_is_known_of_has_no_row(conn: Connection, plan: Plan) -> None:
    image = image_of(channels=(Channel("a"), Channel("b")), stage=Point())
    new = described(conn, plan, image)

    pixels = in_gateway(conn, new.image_id).getPrimaryPixels()
    assert sorted((p.theT, p.theC, p.theZ) for p in pixels.copyPlaneInfo()) == [(0, 1, 0), (1, 0, 2)]  # fmt: skip


def test_what_is_unknown_stays_unknown(conn: Connection, plan: Plan) -> None:
    bare = Hypercube("pos001", Sizes(1, 1, 1, 4, 5), "uint8", (Channel("a"),), planes={})
    new = described(conn, plan, bare)

    image = in_gateway(conn, new.image_id)
    assert image.getPixelSizeX() is None
    assert image.getPrimaryPixels().getTimeIncrement() is None
    assert image._obj.acquisitionDate is None
    assert image.getInstrument() is None
    assert count(conn, "PlaneInfo") == 0


def test_sizes_and_wavelengths_of_zero_are_unknown(conn: Connection, plan: Plan) -> None:
    image = image_of(
        physical_size_um=Point(0.2, 0.2, 0.0),
        channels=(replace(GFP, excitation_nm=0.0, emission_nm=0.0), DIC),
    )
    new = described(conn, plan, image)

    shown = in_gateway(conn, new.image_id)
    assert (shown.getPixelSizeX(), shown.getPixelSizeZ()) == (0.2, None)
    assert shown.getChannels(noRE=True)[0].getEmissionWave() is None


@pytest.mark.parametrize("clock", [datetime(1, 1, 1), datetime(1900, 1, 1), datetime.max])  # noqa: DTZ001, DTZ901
def test_a_clock_that_was_never_set_stops_nothing(
    conn: Connection, plan: Plan, clock: datetime
) -> None:
    new = described(conn, plan, image_of(acquired=clock))

    (annotation,) = linked_annotations(conn, "Image", new.image_id, "MapAnnotation")
    assert dict(pairs_of(annotation))["Acquired (microscope's clock)"] == clock.isoformat()


def test_describing_again_with_other_metadata_changes_what_is_there(
    conn: Connection, plan: Plan
) -> None:
    new = described(conn, plan, image_of())
    changed = image_of(
        channels=(replace(GFP, label="green", em_gain=100.0, voltage_v=3.0), DIC),
        physical_size_um=Point(0.3, 0.3, 0.6),
    )
    before = world(conn)
    images.describe_image(conn, new.image_id, new.pixels_id, changed, RANGES)

    image = in_gateway(conn, new.image_id)
    assert image.getPixelSizeX() == 0.3
    gfp = image.getChannels(noRE=True)[0]
    assert gfp.getLabel() == "green"
    assert gfp.getLogicalChannel().getDetectorSettings().getGain() == 100.0
    assert world(conn)["MapAnnotation"] == before["MapAnnotation"]
    assert world(conn)["Detector"] == 1


def test_many_planes_go_in_batches_and_only_those_that_are_not_there(
    conn: Connection, plan: Plan
) -> None:
    image = image_of(sizes=Sizes(250, 2, 5, 4, 5), plane_infos={})
    new = described(conn, plan, image)
    some = conn.query.findAllByQuery(
        "select p from PlaneInfo p where p.pixels.id = :id and p.theT = 7",
        omero.sys.ParametersI().addId(new.pixels_id),
    )
    for row in some[:3]:
        conn.update.deleteObject(row)

    images.describe_image(conn, new.image_id, new.pixels_id, image, RANGES)

    assert count(conn, "PlaneInfo") == 2500


def test_a_digest_that_is_set_in_between_is_kept(
    conn: Connection, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = made(conn, plan, image_of())
    load, other = images._load, iter([True])

    def load_then_change(conn: Connection, image_id: int) -> Any:
        loaded = load(conn, image_id)
        if next(other, False):
            pixels = conn.query.get("Pixels", new.pixels_id)
            pixels.sha1 = omero.rtypes.rstring("a" * 40)
            conn.update.saveObject(pixels)
        return loaded

    monkeypatch.setattr(images, "_load", load_then_change)
    images.describe_image(conn, new.image_id, new.pixels_id, image_of(), RANGES)

    pixels = conn.query.get("Pixels", new.pixels_id)
    assert pixels.sha1.val == "a" * 40
    assert pixels.physicalSizeX.getValue() == 0.2


def test_ezomero_finds_the_image_in_its_dataset(conn: Connection, plan: Plan) -> None:
    new = described(conn, plan, image_of())
    dataset = ensure_dataset(conn, plan, key="key", project=None)

    gateway = BlitzGateway(client_obj=conn.client)
    assert ezomero.get_image_ids(gateway, dataset=dataset) == [new.image_id]
    image, pixels = ezomero.get_image(gateway, new.image_id, no_pixels=True)
    assert image.getName() == "pos001"
    assert pixels is None


def test_killed_at_any_moment_and_run_again_an_image_is_there_once_and_whole(
    plan: Plan, new_connection: Callable[[], Connection]
) -> None:
    def run(conn: Connection) -> None:
        dataset = ensure_dataset(conn, plan, key="key", project=None)
        if not any(r.complete for r in provenance.image_records(conn, dataset).values()):
            new = described(conn, plan, image_of())
            provenance.mark_image(conn, new.image_id, key="key", sha1="0" * 40, description="Done")
        provenance.mark_dataset_complete(conn, dataset, key="key")

    killed = 0
    for calls, left, wanted in killed_everywhere(run, new_connection):
        assert left == wanted, f"killed after {calls} calls"
        killed += 1
    assert killed > 5
