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
    assert omero_client.sf.getPixelsService().retrieveRndSettings(pixels) is None
    assert service.getRenderingSettings(pixels) is None


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


# ------------------------------------------------------------ thumbnails
def size(data: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(data)).size


def test_thumbnails_by_size_and_by_longest_side(omero_client: Any, make_pixels: MakePixels) -> None:
    pixels = make_pixels(64, 48, 1, 1, 1, filled=True)
    store = omero_client.sf.createThumbnailStore()
    assert not store.setPixelsId(pixels)
    store.resetDefaults()
    assert store.setPixelsId(pixels)
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
    engine.saveCurrentSettings()
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
    with pytest.raises(omero.ApiUsageException, match="sizeX is negative"):
        store.getThumbnail(rint(-1), rint(1))
