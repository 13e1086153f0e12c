"""RenderingSettings, Projection and ThumbnailStore through the real client."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import omero
import omero.clients
import omero.model
import omero.sys
import pytest
from omero.constants.projection import ProjectionType
from omero.rtypes import rint, rstring, unwrap
from PIL import Image

MakePixels = Callable[..., int]


def image_of(client: Any, pixels: int) -> int:
    return int(client.sf.getQueryService().get("Pixels", pixels).image.id.val)


def windows(client: Any, pixels: int) -> list[tuple[float, float]]:
    settings = client.sf.getPixelsService().retrieveRndSettings(pixels)
    return [(unwrap(b.inputStart), unwrap(b.inputEnd)) for b in settings.copyWaveRendering()]


# ------------------------------------------------------------ many images
def test_resetting_a_dataset_resets_its_images(omero_client: Any, make_pixels: MakePixels) -> None:
    pixels = make_pixels(filled=True)
    image = image_of(omero_client, pixels)
    dataset = omero.model.DatasetI()
    dataset.name = rstring("d")
    dataset.linkImage(omero.model.ImageI(image, False))
    dataset = omero_client.sf.getUpdateService().saveAndReturnObject(dataset)
    service = omero_client.sf.getRenderingSettingsService()
    assert service.resetDefaultsInSet("Dataset", [dataset.id.val]) == [image]
    assert windows(omero_client, pixels) == [(0.0, 117.0), (1.0, 118.0)]
    assert service.resetDefaultsInSet("Image", [2**40]) == []
    with pytest.raises(omero.ApiUsageException):
        service.resetDefaultsInSet("Experimenter", [0])


def test_an_image_without_planes_is_left_out(omero_client: Any, make_pixels: MakePixels) -> None:
    service = omero_client.sf.getRenderingSettingsService()
    full, empty = make_pixels(filled=True), make_pixels()
    ids = [image_of(omero_client, p) for p in (full, empty)]
    assert service.resetDefaultsInSet("Image", ids) == ids[:1]


def test_the_full_range_of_the_statistics(omero_client: Any, make_pixels: MakePixels) -> None:
    pixels = make_pixels(filled=True)
    omero_client.sf.getPixelsService().setChannelGlobalMinMax(pixels, 0, 3.0, 200.0)
    service = omero_client.sf.getRenderingSettingsService()
    assert service.resetMinMaxInSet("Pixels", [pixels]) == [pixels]
    assert windows(omero_client, pixels) == [(3.0, 200.0), (0.0, 65535.0)]
    settings = omero_client.sf.getPixelsService().retrieveRndSettings(pixels)
    assert settings.version.val == 2


def test_settings_are_copied_to_images_of_the_same_kind(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    source, alike, other = (
        make_pixels(filled=True),
        make_pixels(filled=True),
        make_pixels(c=1, filled=True),
    )
    service = omero_client.sf.getRenderingSettingsService()
    service.resetDefaultsInSet("Pixels", [source, alike, other])
    engine = omero_client.sf.createRenderingEngine()
    engine.lookupPixels(source)
    engine.lookupRenderingDef(source)
    engine.load()
    engine.setChannelWindow(0, 7.0, 77.0)
    engine.saveCurrentSettings()
    images = [image_of(omero_client, p) for p in (alike, other)]
    done = service.applySettingsToSet(source, "Image", images)
    assert done == {True: images[:1], False: images[1:]}
    assert windows(omero_client, alike)[0] == (7.0, 77.0)
    assert windows(omero_client, other)[0] != (7.0, 77.0)


def test_new_settings_are_only_shown(omero_client: Any, make_pixels: MakePixels) -> None:
    pixels = make_pixels(filled=True)
    service = omero_client.sf.getRenderingSettingsService()
    made = service.createNewRenderingDef(omero.model.PixelsI(pixels, False))
    assert made.id is None
    assert made.sizeOfWaveRendering() == 2
    assert (unwrap(made.defaultZ), unwrap(made.defaultT), made.model) == (1, 0, None)
    assert made.getChannelBinding(0).family is None
    assert made.quantization.bitResolution is None
    assert omero_client.sf.getPixelsService().retrieveRndSettings(pixels) is None
    assert service.getRenderingSettings(pixels) is None


def test_settings_are_given_on_as_the_real_server_finds_them(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    source, other = make_pixels(filled=True), make_pixels(filled=True)
    images = [image_of(omero_client, p) for p in (source, other)]
    service = omero_client.sf.getRenderingSettingsService()
    # An image among its own targets succeeds even without settings; the others then have none to take.
    assert service.applySettingsToSet(source, "Image", images) == {
        True: images[:1],
        False: images[1:],
    }
    assert service.applySettingsToSet(2**40, "Image", [2**40]) == {True: [], False: []}
    with pytest.raises(omero.ValidationException, match="No pixels set with ID"):
        service.applySettingsToSet(2**40, "Image", images)
    with pytest.raises(omero.InternalException, match="IndexOutOfBoundsException"):
        service.applySettingsToPixels(source, 2**40)
    assert not service.sanityCheckPixels(None, None)


@pytest.mark.parametrize(
    ("cls", "ids", "message"),
    [
        ("Image", [], r"unexpected end of subtree .* where i.id in \(\)\]"),
        ("Dataset", [], r"unexpected end of subtree .* where d.id in \(\)\]"),
        ("Well", [1], "Class parameter for changing settings must be in"),
        ("Nonsense", [1], "Nonsense does not specify a valid class."),
    ],
)
def test_what_holds_no_images_is_refused(
    omero_client: Any, cls: str, ids: list[int], message: str
) -> None:
    service = omero_client.sf.getRenderingSettingsService()
    for call in (
        lambda: service.resetDefaultsInSet(cls, ids),
        lambda: service.resetMinMaxInSet(cls, ids),
        lambda: service.applySettingsToSet(1, cls, ids),
    ):
        with pytest.raises(omero.ApiUsageException, match=message):
            call()


# ------------------------------------------------------------ projections
def test_a_projected_stack_and_a_projected_image(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(z=3, filled=True)
    service = omero_client.sf.getProjectionService()
    top = (
        np.max([(np.arange(48) * 3 + z * 5) % 120 for z in range(3)], axis=0)
        .astype(">u2")
        .tobytes()
    )
    kind = ProjectionType.MAXIMUMINTENSITY
    assert service.projectStack(pixels, None, kind, 0, 0, 1, 0, 2) == top
    image = service.projectPixels(pixels, None, kind, 0, 1, [0], 1, 0, 2, "projected")
    query = "select p.id, p.sizeZ, p.sizeT, p.image.name from Pixels p where p.image.id = :id"
    found = omero_client.sf.getQueryService().projection(
        query, omero.sys.ParametersI().addId(image)
    )
    made, size_z, size_t, name = unwrap(found[0])
    assert (size_z, size_t, name) == (1, 2, "projected")
    store = omero_client.sf.createRawPixelsStore()
    store.setPixelsId(made, False)
    assert store.getPlane(0, 0, 0) == top


def test_a_projected_image_has_the_time_points_asked_for_and_keeps_its_digest_open(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(z=4, t=3, filled=True)
    service = omero_client.sf.getProjectionService()
    image = service.projectPixels(
        pixels, None, ProjectionType.MEANINTENSITY, 1, 2, [1], 1, 0, 2, "p"
    )
    query = "select p from Pixels p join fetch p.channels c join fetch c.statsInfo where p.image.id = :id"
    made = omero_client.sf.getQueryService().findByQuery(
        query, omero.sys.ParametersI().addId(image)
    )
    assert (made.sizeT.val, made.sizeC.val, made.sha1.val) == (2, 1, "Pending...")
    assert made.methodology.val == "MEAN_INTENSITY_PROJECTION"
    ramps = [
        np.mean([(np.arange(48) * 3 + z * 5 + 7 + t * 11) % 120 for z in range(2)], axis=0)
        for t in (1, 2)
    ]
    stats = made.getChannel(0).statsInfo
    assert (stats.globalMin.val, stats.globalMax.val) == (np.min(ramps), np.max(ramps))
    store = omero_client.sf.createRawPixelsStore()
    store.setPixelsId(made.id.val, False)
    assert store.getPlane(0, 0, 1) == ramps[1].astype(">u2").tobytes()


@pytest.mark.parametrize(
    ("place", "sections", "message"),
    [
        ((3, 0), (1, 0, 1), "timepoint must be <2"),
        ((0, 3), (1, 0, 1), "channel index must be <2"),
        ((-1, 0), (1, 0, 1), "timepoint: -1 < 0"),
        ((0, -1), (1, 0, 1), "channel: -1 < 0"),
        ((0, 0), (0, 0, 1), "stepping: 0 <= 0"),
        ((0, 0), (1, 0, 2), "Z interval value cannot be >= 2"),
        ((0, 0), (0, -1, 1), "Z interval value cannot be negative."),
    ],
)
def test_stacks_that_are_not_there_are_not_projected(
    omero_client: Any,
    make_pixels: MakePixels,
    place: tuple[int, int],
    sections: tuple[int, int, int],
    message: str,
) -> None:
    service = omero_client.sf.getProjectionService()
    with pytest.raises(omero.ValidationException) as raised:
        service.projectStack(
            make_pixels(filled=True), None, ProjectionType.MAXIMUMINTENSITY, *place, *sections
        )
    assert raised.value.message == message


# ------------------------------------------------------------ thumbnails
def size(data: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(data)).size


def test_thumbnails_by_size_and_by_longest_side(omero_client: Any, make_pixels: MakePixels) -> None:
    pixels = make_pixels(64, 48, 1, 1, 1, filled=True)
    store = omero_client.sf.createThumbnailStore()
    assert not store.setPixelsId(pixels)
    store.resetDefaults()
    assert store.setPixelsId(pixels)
    with pytest.raises(omero.ApiUsageException, match="only resets"):
        store.resetDefaults()
    assert not store.thumbnailExists(rint(32), rint(24))
    assert size(store.getThumbnailByLongestSide(rint(32))) == (32, 24)
    assert store.thumbnailExists(rint(32), rint(24))
    assert size(store.getThumbnailDirect(rint(20), rint(10))) == (20, 10)
    assert size(store.getThumbnailForSectionDirect(0, 0, rint(5), rint(6))) == (5, 6)
    assert size(store.getThumbnailByLongestSideDirect(None)) == (48, 36)


def test_a_store_goes_on_speaking_of_the_thumbnail_it_made_first(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(64, 48, 1, 1, 1, filled=True)
    store = omero_client.sf.createThumbnailStore()
    store.setPixelsId(pixels)
    assert size(store.getThumbnail(rint(96), rint(96))) == (96, 96)
    assert size(store.getThumbnailByLongestSide(rint(32))) == (96, 96)
    other = omero_client.sf.createThumbnailStore()
    other.setPixelsId(pixels)
    assert size(other.getThumbnailByLongestSide(rint(32))) == (32, 24)


def test_a_thumbnail_is_kept_until_the_settings_change(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(64, 48, 1, 1, 1, filled=True)
    store = omero_client.sf.createThumbnailStore()
    assert list(store.getThumbnailByLongestSideSet(rint(24), [pixels])) == [pixels]
    store.setPixelsId(pixels)
    before = store.getThumbnailByLongestSide(rint(24))
    engine = omero_client.sf.createRenderingEngine()
    engine.lookupPixels(pixels)
    engine.lookupRenderingDef(pixels)
    engine.load()
    engine.setChannelWindow(0, 100.0, 119.0)
    assert store.getThumbnailByLongestSide(rint(24)) == before
    assert store.thumbnailExists(rint(24), rint(18))
    engine.saveCurrentSettings()
    assert not store.thumbnailExists(rint(24), rint(18))
    assert store.getThumbnailByLongestSide(rint(24)) != before


def test_an_image_without_planes_has_a_picture_too(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels()
    store = omero_client.sf.createThumbnailStore()
    assert not store.setPixelsId(pixels)
    assert size(store.getThumbnail(rint(10), rint(12))) == (10, 12)
    assert store.isInProgress()
    with pytest.raises(omero.ResourceError, match="Error retrieving Pixels"):
        store.setPixelsId(2**40)
    assert store.getThumbnailByLongestSideSet(rint(8), []) == {}
    with pytest.raises(omero.ApiUsageException, match="unexpected end of subtree"):
        store.getThumbnailSet(rint(8), rint(8), [])
    with pytest.raises(omero.ApiUsageException, match="sizeX is negative"):
        store.getThumbnail(rint(-1), rint(1))
