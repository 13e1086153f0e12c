"""PixelsService through the real client."""

from collections.abc import Callable
from typing import Any

import omero
import omero.clients
import omero.sys
import pytest
from omero.rtypes import rint, unwrap

MakePixels = Callable[..., int]


def pixels_type(client: Any, value: str = "uint16") -> Any:
    return client.sf.getPixelsService().getEnumeration("PixelsType", value)


def pixels_of(client: Any, image: int) -> Any:
    query = "select p from Pixels p join fetch p.channels c join fetch c.logicalChannel where p.image.id = :id"
    return client.sf.getQueryService().findByQuery(query, omero.sys.ParametersI().addId(image))


def test_a_new_image_has_pixels_and_a_channel_for_each_number(omero_client: Any) -> None:
    service = omero_client.sf.getPixelsService()
    image = service.createImage(
        8, 6, 2, 3, [405, 488], pixels_type(omero_client), "name", "about"
    ).val
    made = omero_client.sf.getQueryService().get("Image", image)
    assert (made.name.val, made.description.val, made.series.val) == ("name", "about", 0)
    pixels = pixels_of(omero_client, image)
    sizes = [unwrap(getattr(pixels, f"size{axis}")) for axis in "XYZCT"]
    assert sizes == [8, 6, 2, 2, 3]
    assert pixels.sha1.val == "Pending..."
    assert pixels.sizeOfChannels() == 2
    assert pixels.getChannel(0).logicalChannel.emissionWave is None


@pytest.mark.parametrize(
    ("sizes", "channels", "error", "message"),
    [
        ((0, 6, 1, 1), [0], omero.ApiUsageException, "Pixels.sizeX must be strictly positive"),
        ((8, 6, 1, -1), [0], omero.ApiUsageException, "Pixels.sizeT must be strictly positive"),
        ((8, 6, 1, 1), [], omero.ValidationException, "Channel list must be filled"),
    ],
)
def test_images_that_cannot_be_are_refused(
    omero_client: Any,
    sizes: tuple[int, ...],
    channels: list[int],
    error: type[Exception],
    message: str,
) -> None:
    service = omero_client.sf.getPixelsService()
    with pytest.raises(error, match=message):
        service.createImage(*sizes, channels, pixels_type(omero_client), "bad", "")
    counted = omero_client.sf.getQueryService().projection("select count(i) from Image i", None)
    assert unwrap(counted) == [[0]]


def test_an_image_needs_a_pixel_type_but_no_name(omero_client: Any) -> None:
    service = omero_client.sf.getPixelsService()
    with pytest.raises(omero.ValidationException, match="not-null property"):
        service.createImage(8, 6, 1, 1, [0], None, "n", "")
    assert service.createImage(8, 6, 1, 1, [0], pixels_type(omero_client), None, None).val > 0


def test_a_description_has_type_channels_and_statistics(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    service = omero_client.sf.getPixelsService()
    pixels = make_pixels()
    service.setChannelGlobalMinMax(pixels, 1, 3.0, 200.0)
    service.setChannelGlobalMinMax(pixels, 1, 4.0, 201.0)
    found = service.retrievePixDescription(pixels)
    assert found.pixelsType.value.val == "uint16"
    assert found.getChannel(0).statsInfo is None
    stats = found.getChannel(1).statsInfo
    assert (stats.globalMin.val, stats.globalMax.val) == (4.0, 201.0)
    assert not found.image.isLoaded()
    assert service.retrievePixDescription(2**40) is None
    with pytest.raises(omero.InternalException):
        service.setChannelGlobalMinMax(pixels, 9, 0.0, 1.0)


def test_enumerations(omero_client: Any) -> None:
    service = omero_client.sf.getPixelsService()
    assert len(service.getAllEnumerations("PixelsType")) == 11
    assert service.getEnumeration("omero.model.DimensionOrder", "XYZCT").value.val == "XYZCT"
    assert service.getEnumeration("PixelsType", "no such") is None
    assert service.getBitDepth(pixels_type(omero_client, "double")) == 64
    with pytest.raises(omero.ApiUsageException):
        service.getAllEnumerations("Dataset")


def test_a_resized_copy_has_the_channels_asked_for_and_no_planes(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    service = omero_client.sf.getPixelsService()
    source = make_pixels(filled=True)
    service.setChannelGlobalMinMax(source, 1, 3.0, 200.0)
    image = omero_client.sf.getQueryService().get("Pixels", source).image.id.val
    copy = service.copyAndResizeImage(image, rint(4), None, rint(1), None, [1], "copied", True)
    pixels = pixels_of(omero_client, copy.val)
    assert [unwrap(getattr(pixels, f"size{axis}")) for axis in "XYZCT"] == [4, 6, 1, 1, 2]
    assert pixels.relatedTo.id.val == source
    assert pixels.getChannel(0).statsInfo is not None
    store = omero_client.sf.createRawPixelsStore()
    store.setPixelsId(pixels.id.val, False)
    assert not any(store.getPlane(0, 0, 0))
    with pytest.raises(omero.ValidationException):
        service.copyAndResizeImage(image, None, None, None, None, [5], "copied", False)
    again = service.copyAndResizePixels(source, None, None, None, rint(1), [0], "maximum", False)
    made = omero_client.sf.getQueryService().get("Pixels", again.val)
    assert (made.image.id.val, made.methodology.val, made.sizeT.val) == (image, "maximum", 1)


@pytest.mark.parametrize(
    ("sizes", "channels", "error", "message"),
    [
        ((-1, None), [0], omero.ValidationException, "sizeX: -1 <= 0"),
        ((None, -1), [0], omero.ValidationException, "sizeT: -1 <= 0"),
        ((0, None), [0], omero.ApiUsageException, "values of Pixels.sizeX must be strictly"),
        ((None, None), [], omero.ValidationException, "Channel List is not null but size == 0"),
        ((None, None), [0, 5], omero.ValidationException, "channel: 1 out of bounds"),
    ],
)
def test_copies_that_cannot_be_are_refused(
    omero_client: Any,
    make_pixels: MakePixels,
    sizes: tuple[int | None, int | None],
    channels: list[int],
    error: type[Exception],
    message: str,
) -> None:
    service = omero_client.sf.getPixelsService()
    image = omero_client.sf.getQueryService().get("Pixels", make_pixels()).image.id.val
    x, t = (None if size is None else rint(size) for size in sizes)
    with pytest.raises(error, match=message):
        service.copyAndResizeImage(image, x, None, None, t, channels, "copied", False)


def test_copying_what_is_not_there(omero_client: Any, make_pixels: MakePixels) -> None:
    service = omero_client.sf.getPixelsService()
    nothing = (None, None, None, None, [0], "copied")
    with pytest.raises(omero.ValidationException, match="No row with the given identifier"):
        service.copyAndResizeImage(2**40, *nothing, False)
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        service.copyAndResizePixels(2**40, *nothing, False)
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        service.copyAndResizePixels(make_pixels(), *nothing, True)  # no statistics to copy
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        service.setChannelGlobalMinMax(2**40, 0, 0.0, 1.0)


def test_the_depth_of_a_type_goes_by_its_name(omero_client: Any) -> None:
    service = omero_client.sf.getPixelsService()
    depths = {
        kind.value.val: service.getBitDepth(kind)
        for kind in service.getAllEnumerations("PixelsType")
        if "complex" not in kind.value.val
    }
    assert depths["bit"] == 1
    assert depths["uint16"] == 16
    assert depths["double"] == 64
    with pytest.raises(omero.ApiUsageException, match="Unknown type: 'complex'"):
        service.getBitDepth(pixels_type(omero_client, "complex"))
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        service.getBitDepth(omero.model.PixelsTypeI(1, False))


def test_statistics_of_a_channel_that_is_not_there_are_refused(
    omero_client: Any, make_pixels: Callable[..., int]
) -> None:
    pixels = make_pixels(c=2)
    with pytest.raises(omero.InternalException, match="IndexOutOfBoundsException"):
        omero_client.sf.getPixelsService().setChannelGlobalMinMax(pixels, 2, 0.0, 1.0)


def test_where_there_are_no_settings_there_is_nothing_also_of_an_image_that_is_not_there(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    service = omero_client.sf.getPixelsService()
    pixels = make_pixels(filled=True)
    assert service.retrieveRndSettings(pixels) is None
    assert service.loadRndSettings(2**40) is None
    assert service.retrieveAllRndSettings(2**40, -1) == []
    assert service.retrieveRndSettings(2**40) is None
    assert service.retrievePixDescription(2**40) is None
    omero_client.sf.getRenderingSettingsService().resetDefaultsInSet("Pixels", [pixels])
    settings = service.retrieveRndSettings(pixels)
    assert settings.copyProjections() == []
    assert settings.getChannelBinding(0).copySpatialDomainEnhancement() == []
