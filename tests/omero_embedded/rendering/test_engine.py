"""RenderingEngine through the real client."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import omero
import omero.clients
import omero.romio
import pytest
from omero.constants.projection import ProjectionType
from PIL import Image

MakePixels = Callable[..., int]


def definition(z: int = 0, t: int = 0) -> Any:
    return omero.romio.PlaneDef(omero.romio.XY, 0, 0, z, t, None, -1)


@pytest.fixture
def engine(omero_client: Any, make_pixels: MakePixels) -> Any:
    """A loaded engine with default settings for an image of 2 channels and 3 sections."""
    return loaded(omero_client, make_pixels(z=3, t=1, filled=True))


def loaded(client: Any, pixels: int) -> Any:
    made = client.sf.createRenderingEngine()
    made.lookupPixels(pixels)
    if not made.lookupRenderingDef(pixels):
        made.resetDefaultSettings(True)
        made.lookupRenderingDef(pixels)
    made.load()
    return made


def rgb(values: list[int]) -> list[str]:
    return [f"{v & 0xFFFFFF:06x}" for v in values]


def test_defaults(engine: Any) -> None:
    assert engine.getModel().value.val == "rgb"
    assert [list(engine.getRGBA(w)) for w in (0, 1)] == [[255, 0, 0, 255], [0, 255, 0, 255]]
    assert (engine.getChannelWindowStart(0), engine.getChannelWindowEnd(0)) == (2.0, 119.0)
    assert engine.getChannelFamily(0).value.val == "linear"
    assert (engine.getDefaultZ(), engine.getDefaultT()) == (1, 0)
    quantum = engine.getQuantumDef()
    assert [v.val for v in (quantum.cdStart, quantum.cdEnd, quantum.bitResolution)] == [0, 255, 255]
    assert engine.getChannelLookupTable(0) is None or engine.getChannelLookupTable(0) == ""


def test_settings_show_in_the_picture(engine: Any) -> None:
    engine.setActive(1, False)
    engine.setRGBA(0, 255, 255, 255, 255)
    engine.setChannelWindow(0, 0.0, 119.0)
    assert rgb(engine.renderAsPackedInt(definition()))[:3] == ["000000", "060606", "0d0d0d"]
    engine.addCodomainMapToChannel(omero.romio.ReverseIntensityMapContext(), 0)
    assert rgb(engine.renderAsPackedInt(definition()))[:3] == ["ffffff", "f9f9f9", "f2f2f2"]
    assert len(engine.getCodomainMapContext(0)) == 1
    engine.removeCodomainMapFromChannel(omero.romio.ReverseIntensityMapContext(), 0)
    engine.setCodomainInterval(50, 200)
    assert rgb(engine.renderAsPackedInt(definition()))[:2] == ["4f4f4f", "363636"]


def test_a_lookup_table_is_applied_and_an_unknown_one_is_not(engine: Any) -> None:
    engine.setActive(1, False)
    engine.setChannelWindow(0, 0.0, 119.0)
    plain = engine.renderAsPackedInt(definition())
    engine.setChannelLookupTable(0, "nonsense.lut")
    assert engine.renderAsPackedInt(definition()) == plain
    engine.setChannelLookupTable(0, "green.lut")
    assert engine.getChannelLookupTable(0) == "green.lut"
    assert rgb(engine.renderAsPackedInt(definition()))[1] == "000600"


def test_planes_regions_and_bands(engine: Any) -> None:
    engine.setActive(1, False)
    engine.setChannelWindow(0, 0.0, 255.0)
    cut = definition()
    cut.region = omero.romio.RegionDef(6, 4, 10, 10)
    assert rgb(engine.renderAsPackedInt(cut)) == ["720000", "750000", "120000", "150000"]
    sideways = omero.romio.PlaneDef(omero.romio.XZ, 0, 0, 0, 0, None, -1)
    assert len(engine.renderAsPackedInt(sideways)) == 8 * 3
    buffer = engine.render(definition())
    assert (buffer.sizeX1, buffer.sizeX2) == (8, 6)
    assert [len(band) for band in buffer.bands] == [48, 48, 48]


def test_a_plane_that_is_not_there_is_refused(engine: Any) -> None:
    with pytest.raises(omero.InternalException, match=r"\(java.lang.RuntimeException\)"):
        engine.renderAsPackedInt(definition(z=3))
    with pytest.raises(omero.InternalException, match="ArrayIndexOutOfBoundsException"):
        engine.setActive(2, True)
    with pytest.raises(omero.InternalException, match=r"\(java.lang.IndexOutOfBoundsException\)"):
        engine.addCodomainMapToChannel(omero.romio.ReverseIntensityMapContext(), 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.setQuantumStrategy(100), "Unsupported bit resolution: 100."),
        (lambda e: e.setCodomainInterval(200, 50), "200 cannot be greater than 50"),
        (lambda e: e.setCodomainInterval(-1, 50), "-1 cannot be lower than 0"),
        (lambda e: e.setCodomainInterval(0, 256), "256 cannot be greater than 255"),
        (
            lambda e: e.setQuantizationMap(0, e.getChannelFamily(0), 0.0, False),
            "Unsupported curve coefficient: '0.0'",
        ),
        (
            lambda e: e.updateCodomainMap(omero.romio.ReverseIntensityMapContext()),
            "No such a context.",
        ),
    ],
)
def test_settings_that_cannot_be_are_the_callers_fault(
    engine: Any, call: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(omero.ApiUsageException) as raised:
        call(engine)
    assert raised.value.message == message


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.renderAsPackedInt(None),
        lambda e: e.renderAsPackedInt(omero.romio.PlaneDef(7, 0, 0, 0, 0, None, -1)),
        lambda e: e.setModel(None),
        lambda e: e.setQuantizationMap(0, None, 1.0, False),
        lambda e: e.addCodomainMap(None),
    ],
)
def test_nothing_given_is_a_null_pointer(engine: Any, call: Callable[[Any], object]) -> None:
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        call(engine)


def test_a_window_above_all_values_of_a_type_with_a_table_is_refused(engine: Any) -> None:
    with pytest.raises(omero.InternalException, match="ArrayIndexOutOfBoundsException"):
        engine.setChannelWindow(0, 70000.0, 80000.0)
    assert engine.getChannelWindowStart(0) == 2.0
    engine.setChannelWindow(0, 60000.0, 80000.0)
    assert engine.getChannelWindowEnd(0) == 80000.0


def test_a_resolution_that_there_is_not_is_asked_for_by_every_picture_from_then_on(
    engine: Any,
) -> None:
    with pytest.raises(omero.InternalException, match="UnsupportedOperationException"):
        engine.setResolutionLevel(0)
    with pytest.raises(omero.InternalException, match="UnsupportedOperationException"):
        engine.renderAsPackedInt(definition())
    assert engine.render(definition()).sizeX1 == 8


def test_a_quality_that_cannot_be_is_found_when_a_picture_is_compressed(engine: Any) -> None:
    engine.setCompressionLevel(2.0)
    assert engine.getCompressionLevel() == 2.0
    with pytest.raises(omero.ApiUsageException, match="Quality out-of-bounds!"):
        engine.renderCompressed(definition())


def test_a_compressed_slice_is_laid_out_as_a_plane_if_it_has_values_for_one(
    omero_client: Any, make_pixels: MakePixels, engine: Any
) -> None:
    sideways = omero.romio.PlaneDef(omero.romio.XZ, 0, 0, 0, 0, None, -1)
    with pytest.raises(omero.InternalException, match="RasterFormatException"):
        engine.renderCompressed(sideways)
    deep = loaded(omero_client, make_pixels(x=8, y=6, z=7, c=1, t=1, filled=True))
    assert Image.open(BytesIO(deep.renderCompressed(sideways))).size == (8, 6)


def test_a_name_of_no_table_is_kept_as_it_is(omero_client: Any, engine: Any) -> None:
    engine.setChannelLookupTable(0, "")
    engine.saveCurrentSettings()
    settings = omero_client.sf.getPixelsService().loadRndSettings(engine.getRenderingDefId())
    assert [b.lookupTable for b in settings.copyWaveRendering()][1] is None
    assert settings.getChannelBinding(0).lookupTable.val == ""


def test_jpegs_and_projections(engine: Any) -> None:
    assert engine.getCompressionLevel() == pytest.approx(0.85)
    engine.setCompressionLevel(0.5)
    assert Image.open(BytesIO(engine.renderCompressed(definition()))).size == (8, 6)
    projected = engine.renderProjectedAsPackedInt(ProjectionType.MAXIMUMINTENSITY, 0, 1, 0, 2)
    assert rgb(projected)[:2] == ["112500", "182c00"]
    data = engine.renderProjectedCompressed(ProjectionType.MEANINTENSITY, 0, 1, 0, 2)
    assert Image.open(BytesIO(data)).size == (8, 6)
    with pytest.raises(omero.ValidationException):
        engine.renderProjectedAsPackedInt(ProjectionType.SUMINTENSITY, 0, 1, 0, 7)


def test_saved_settings_are_there_for_the_next_engine(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(filled=True)
    engine = loaded(omero_client, pixels)
    first = engine.getRenderingDefId()
    engine.setChannelWindow(0, 7.0, 77.0)
    engine.setRGBA(0, 1, 2, 3, 255)
    engine.addCodomainMapToChannel(omero.romio.ReverseIntensityMapContext(), 1)
    engine.saveCurrentSettings()
    again = loaded(omero_client, pixels)
    assert again.getRenderingDefId() == first
    assert (again.getChannelWindowStart(0), list(again.getRGBA(0))) == (7.0, [1, 2, 3, 255])
    assert [len(again.getCodomainMapContext(w)) for w in (0, 1)] == [0, 1]
    assert again.getCodomainMapContext(1)[0].id is not None
    saved = omero_client.sf.getQueryService().get("RenderingDef", first)
    assert saved.version.val == 2


def test_unsaved_settings_are_gone_and_new_ones_stand_beside_the_old(
    omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(filled=True)
    engine = loaded(omero_client, pixels)
    first = engine.getRenderingDefId()
    engine.setChannelWindow(0, 7.0, 77.0)
    assert loaded(omero_client, pixels).getChannelWindowStart(0) != 7.0
    second = engine.saveAsNewSettings()
    assert second != first
    assert loaded(omero_client, pixels).getRenderingDefId() == second
    other = loaded(omero_client, pixels)
    other.loadRenderingDef(first)
    other.load()
    assert other.getChannelWindowStart(0) != 7.0


def test_others_see_the_owners_settings_and_save_their_own(
    omero_new_user: Callable[..., Any], omero_client: Any, make_pixels: MakePixels
) -> None:
    pixels = make_pixels(filled=True)
    engine = loaded(omero_client, pixels)
    engine.setChannelWindow(0, 7.0, 77.0)
    engine.saveCurrentSettings()
    group = omero_client.sf.getAdminService().getEventContext().groupId
    other = omero_new_user(group=group).log_in()
    theirs = loaded(other, pixels)
    assert theirs.getChannelWindowStart(0) == 7.0
    theirs.setChannelWindow(0, 8.0, 88.0)
    theirs.saveCurrentSettings()
    assert loaded(other, pixels).getChannelWindowStart(0) == 8.0
    assert loaded(omero_client, pixels).getChannelWindowStart(0) == 7.0
    other.closeSession()


def test_an_engine_says_what_it_still_needs(omero_client: Any, make_pixels: MakePixels) -> None:
    engine = omero_client.sf.createRenderingEngine()
    with pytest.raises(omero.ApiUsageException, match="Pixels object not set"):
        engine.load()
    with pytest.raises(omero.ValidationException, match="not found"):
        engine.lookupPixels(2**40)
    pixels = make_pixels()
    engine.lookupPixels(pixels)
    assert not engine.lookupRenderingDef(pixels)
    with pytest.raises(omero.ApiUsageException, match="RenderingDef object not set"):
        engine.load()
    with pytest.raises(omero.LockTimeout, match="Import in progress"):
        engine.resetDefaultSettings(True)


def test_an_engine_that_is_not_loaded_fails_where_the_real_one_does_not_look(
    omero_client: Any, make_pixels: MakePixels, engine: Any
) -> None:
    settings = engine.getRenderingDefId()
    fresh = omero_client.sf.createRenderingEngine()
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        fresh.saveCurrentSettings()
    with pytest.raises(omero.ApiUsageException, match="RenderingDef object not set"):
        fresh.saveAsNewSettings()
    with pytest.raises(omero.ValidationException, match="No rendering definition exists"):
        fresh.loadRenderingDef(2**40)
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        fresh.loadRenderingDef(settings)
    pixels = make_pixels(filled=True)
    fresh.lookupPixels(pixels)
    fresh.loadRenderingDef(settings)
    with pytest.raises(omero.InternalException, match="NullPointerException"):
        fresh.getChannelLookupTable(0)
    with pytest.raises(omero.ApiUsageException, match="renderer is null"):
        fresh.getRGBA(0)


def test_settings_of_another_kind_of_image_do_not_fit(
    omero_client: Any, make_pixels: MakePixels, engine: Any
) -> None:
    other = loaded(omero_client, make_pixels(kind="int16", filled=True))
    with pytest.raises(omero.ValidationException, match="is incompatible with pixels set"):
        engine.loadRenderingDef(other.getRenderingDefId())
    with pytest.raises(omero.ApiUsageException, match="RenderingDef object not set"):
        engine.getDefaultZ()


def test_settings_of_a_client_are_taken_over(engine: Any) -> None:
    wanted = omero.model.RenderingDefI()
    wanted.defaultZ = omero.rtypes.rint(2)
    binding = omero.model.ChannelBindingI()
    binding.active = omero.rtypes.rbool(False)
    binding.inputStart, binding.inputEnd = omero.rtypes.rdouble(5), omero.rtypes.rdouble(6)
    wanted.addChannelBinding(binding)
    engine.updateSettings(wanted)
    assert engine.getDefaultZ() == 2
    assert not engine.isActive(0)
    assert engine.getChannelWindowEnd(0) == 6.0
    assert engine.isActive(1)


@pytest.mark.parametrize(("permissions", "may"), [("rwra--", True), ("rwr---", False)])
def test_only_who_may_annotate_has_settings_of_anothers_image(
    omero_new_user: Callable[..., Any], permissions: str, may: bool
) -> None:
    owner = omero_new_user(permissions=permissions)
    mine, theirs = owner.log_in(), omero_new_user(group=owner.group).log_in()
    service = mine.sf.getPixelsService()
    kind = service.getEnumeration("PixelsType", "uint8")
    image = service.createImage(8, 6, 1, 1, [0], kind, "n", "").val
    pixels = mine.sf.getQueryService().get("Image", image)
    query = f"select p.id from Pixels p where p.image.id = {pixels.id.val}"
    pixels_id = mine.sf.getQueryService().projection(query, None)[0][0].val
    store = mine.sf.createRawPixelsStore()
    store.setPixelsId(pixels_id, False)
    store.setPlane(bytes(range(48)), 0, 0, 0)
    store.close()
    reset = theirs.sf.getRenderingSettingsService().resetDefaultsInSet
    if may:
        assert reset("Image", [image]) == [image]
    else:
        with pytest.raises(omero.SecurityViolation, match="Cannot link to object"):
            reset("Image", [image])
    thumbnails = theirs.sf.createThumbnailStore()
    thumbnails.setPixelsId(pixels_id)
    assert thumbnails.getThumbnailByLongestSide(omero.rtypes.rint(16))
    mine.closeSession()
    theirs.closeSession()
