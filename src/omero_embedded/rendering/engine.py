"""RenderingEngine: one client's view of one image, with settings to change, look through and save.

A client names the Pixels (`lookupPixels`), the settings (`lookupRenderingDef`, `loadRenderingDef` or
`resetDefaultSettings`), and then calls `load`; only then can it render and change.
"""

# Operations have the names and parameters of Slice, whether they need them or not.

from dataclasses import replace

import omero
import omero.api
import omero.model
import omero.romio
import omero.rtypes
from omero.model import IObject
from PIL import Image

from omero_embedded import errors
from omero_embedded.call import Call, writing
from omero_embedded.loading import Loader
from omero_embedded.pixels.description import Description, describe
from omero_embedded.pixels.errors import PixelsError
from omero_embedded.pixels.faults import as_omero
from omero_embedded.pixels.graphs import all_values, load_pixels, value_of
from omero_embedded.pixels.pyramid import requires_pyramid
from omero_embedded.pixels.repository import open_for_reading
from omero_embedded.pixels.types import pixel_type
from omero_embedded.rendering import settings as stored
from omero_embedded.rendering.composition import Packed
from omero_embedded.rendering.jpeg import DEFAULT_QUALITY, jpeg, picture
from omero_embedded.rendering.projection import ProjectionError
from omero_embedded.rendering.quantum import BIT_RESOLUTIONS, FAMILIES, QuantizationError
from omero_embedded.rendering.renderer import Renderer
from omero_embedded.rendering.reset import alike, reset_and_save, reset_without_saving
from omero_embedded.rendering.settings import ChannelSettings, RenderingSettings
from omero_embedded.rendering.slices import XY, Slice
from omero_embedded.wire.registry import stateful

_NOT_LOADED = (
    "RenderingEngine not ready: renderer is null.\n"
    "This method can only be called after the renderer is properly initialized "
    "(not-null).\nTry lookup and/or use methods."
)


@stateful("omero.api.RenderingEngine")
class RenderingEngine:
    """One client's view of one image."""

    def __init__(self) -> None:
        self._description: Description | None = None
        self._settings: RenderingSettings | None = None
        self._renderer: Renderer | None = None
        # Settings asked for by id are changed whoever owns them; others only by their owner.
        self._by_id = False
        self._quality = DEFAULT_QUALITY
        # The resolution asked for, taken again by every picture.
        self._level: int | None = None

    # ------------------------------------------------------------ life
    def lookupPixels(self, call: Call, pixelsId: int) -> None:
        """Choose the image."""
        self._let_go()
        self._level = None
        self._description = describe(call, pixelsId)
        if self._description is None:
            raise errors.validation(f"Pixels object with id {pixelsId} not found.")

    def lookupRenderingDef(self, call: Call, pixelsId: int) -> bool:
        """Choose the client's own settings of an image, or else its owner's; whether there are any."""
        self._let_go()
        self._by_id = False
        found = stored.find(call, pixelsId)
        self._settings = None if found is None else stored.read(call, found)
        return self._settings is not None

    def loadRenderingDef(self, call: Call, renderingDefId: int) -> None:
        """Choose settings by their id, of this image or of one with the same channels."""
        self._by_id, self._settings = True, None
        if not stored.exists(call, renderingDefId):
            raise errors.validation(f"No rendering definition exists with ID: {renderingDefId}")
        description = self._description
        if description is None:
            raise errors.null_pointer()
        settings = stored.read(call, renderingDefId)
        theirs = describe(call, settings.pixels)
        if theirs is None or not alike(description, theirs):
            raise errors.validation(
                f"The rendering definition {renderingDefId} is incompatible with pixels set "
                f"{description.id}"
            )
        self._let_go()
        self._settings = settings

    def load(self, call: Call) -> None:
        """Open the pixels."""
        description, settings = self._pixels, self._definition
        self._let_go()
        try:
            pixels = open_for_reading(call.server.folder, description)
            self._renderer = Renderer(description, pixels, settings)
        except PixelsError as error:
            raise as_omero(error) from error

    def close(self, call: Call) -> None:
        """Let go of the pixels."""
        self._let_go()

    def _let_go(self) -> None:
        if self._renderer is not None:
            self._renderer.pixels.close()
            self._renderer = None

    @property
    def _pixels(self) -> Description:
        if self._description is None:
            raise errors.api_usage("RenderingEngine not ready: Pixels object not set.")
        return self._description

    @property
    def _definition(self) -> RenderingSettings:
        if self._settings is None:
            raise errors.api_usage("RenderingEngine not ready: RenderingDef object not set.")
        return self._settings

    def _check_chosen(self) -> None:
        """Raise where image or settings were not chosen yet."""
        _ = self._pixels, self._definition

    @property
    def _ready(self) -> Renderer:
        self._check_chosen()
        if self._renderer is None:
            raise errors.api_usage(_NOT_LOADED)
        return self._renderer

    def _channel(self, w: int) -> ChannelSettings:
        channels = self._ready.settings.channels
        if not 0 <= w < len(channels):
            raise errors.array_index(w, len(channels))
        return channels[w]

    def _transformed(self, w: int) -> ChannelSettings:
        """Return a channel for its transformations, which Java keeps in a list rather than an array."""
        channels = self._ready.settings.channels
        if not 0 <= w < len(channels):
            raise IndexError(f"Index {w} out of bounds for length {len(channels)}")
        return channels[w]

    def _at_level(self) -> Renderer:
        renderer = self._ready
        if self._level is not None:
            self._take_level(renderer, self._level)
        return renderer

    def _take_level(self, renderer: Renderer, level: int) -> None:
        try:
            renderer.pixels.set_resolution_level(level)
        except PixelsError as error:
            raise as_omero(error) from error

    # ------------------------------------------------------------ pictures
    def render(self, call: Call, _def: "omero.romio.PlaneDef") -> "omero.romio.RGBBuffer":
        """Return a picture as red, green and blue bytes."""
        red, green, blue = self._ready.bands(_slice(_def))
        height, width = red.shape
        bands = [band.tobytes() for band in (red, green, blue)]
        return omero.romio.RGBBuffer(bands, width, height)

    def renderAsPackedInt(self, call: Call, _def: "omero.romio.PlaneDef") -> list[int]:
        """Return a picture as integers 0xAARRGGBB, row by row."""
        cut = _slice(_def)
        return _integers(self._at_level().packed(cut))

    def renderCompressed(self, call: Call, _def: "omero.romio.PlaneDef") -> bytes:
        """Return a picture as a JPEG file.

        Slices other than XY are laid out as planes XY all the same, as far as they have values for one
        (ome.services.RenderingBean).
        """
        cut = _slice(_def)
        packed = self._at_level().packed(cut)
        if cut.kind != XY:
            width, height = self._pixels.sizes[:2]
            if packed.size < width * height:
                raise errors.of_java(
                    "java.awt.image.RasterFormatException",
                    f"Data array too small (should be {width * height} but is {packed.size})",
                )
            packed = packed.reshape(-1)[: width * height].reshape(height, width)
        return self._jpeg(picture(packed))

    def _jpeg(self, image: Image.Image) -> bytes:
        if not 0 <= self._quality <= 1:
            raise errors.api_usage("Quality out-of-bounds!")
        return jpeg(image, self._quality)

    def renderProjectedAsPackedInt(
        self,
        call: Call,
        algorithm: "omero.constants.projection.ProjectionType",
        timepoint: int,
        stepping: int,
        start: int,
        end: int,
    ) -> list[int]:
        """Return a projection along z as integers 0xAARRGGBB."""
        return _integers(self._projected(algorithm, timepoint, stepping, start, end))

    def renderProjectedCompressed(
        self,
        call: Call,
        algorithm: "omero.constants.projection.ProjectionType",
        timepoint: int,
        stepping: int,
        start: int,
        end: int,
    ) -> bytes:
        """Return a projection along z as a JPEG file."""
        projected = self._projected(algorithm, timepoint, stepping, start, end)
        return self._jpeg(picture(projected))

    def _projected(
        self,
        algorithm: "omero.constants.projection.ProjectionType",
        timepoint: int,
        stepping: int,
        start: int,
        end: int,
    ) -> Packed:
        try:
            return self._at_level().projected(algorithm.value, timepoint, stepping, start, end)
        except ProjectionError as error:
            raise errors.validation(str(error)) from error

    # ------------------------------------------------------------ saving
    def getRenderingDefId(self, call: Call) -> int:
        """Return the id of the settings."""
        if self._settings is None or self._settings.id is None:
            raise errors.api_usage("No rendering def")
        return self._settings.id

    @writing
    def saveCurrentSettings(self, call: Call) -> None:
        """Save the settings: as new ones where they are somebody else's and were not asked for by id."""
        if self._settings is None and not self._by_id:
            raise errors.null_pointer()  # the real server asks for their owner before it looks
        self._save(call, as_new=not self._by_id and self._definition.owner != call.user_id)

    @writing
    def saveAsNewSettings(self, call: Call) -> int:
        """Save the settings as new ones and return their id."""
        self._by_id = True
        return self._save(call, as_new=True)

    def _save(self, call: Call, *, as_new: bool) -> int:
        settings = self._definition.unsaved_copy() if as_new else self._definition
        saved = stored.write(call, self._pixels, settings)
        self._settings = stored.read(call, saved)
        self.load(call)
        return saved

    @writing
    def resetDefaultSettings(self, call: Call, save: bool) -> int:
        """Set everything back to the defaults and return the id of the settings."""
        if save and not self._by_id:
            return self._reset_and_save(call)
        renderer = self._ready
        reset_without_saving(renderer.description, renderer.pixels, renderer.settings)
        self.load(call)
        return self.getRenderingDefId(call)

    def _reset_and_save(self, call: Call) -> int:
        """Reset and save; without settings chosen only where there are none at all yet."""
        description = self._pixels
        loaded = self._settings is not None or stored.find(call, description.id) is not None
        if loaded and self._renderer is None:
            raise errors.api_usage(_NOT_LOADED)
        saved = reset_and_save(call, description)
        self._settings = stored.read(call, saved)
        if loaded:
            self.load(call)
        return saved

    @writing
    def updateSettings(self, call: Call, settings: "omero.model.RenderingDef | None") -> None:
        """Take over whatever a RenderingDef says, without saving it."""
        if settings is None:
            return
        if settings.model is not None:
            self.setModel(call, settings.model)
        if settings.defaultZ is not None:
            self.setDefaultZ(call, settings.defaultZ.val)
        if settings.defaultT is not None:
            self.setDefaultT(call, settings.defaultT.val)
        quantum = settings.quantization
        if quantum is not None and quantum.isLoaded():
            if quantum.bitResolution is not None:
                self.setQuantumStrategy(call, quantum.bitResolution.val)
            if quantum.cdStart is not None and quantum.cdEnd is not None:
                self.setCodomainInterval(call, quantum.cdStart.val, quantum.cdEnd.val)
        bindings = settings.copyWaveRendering()[: len(self._ready.settings.channels)]
        for w, binding in enumerate(bindings):
            if binding is not None:
                self._update_channel(call, w, binding)

    def _update_channel(self, call: Call, w: int, binding: "omero.model.ChannelBinding") -> None:
        v = omero.rtypes.unwrap
        if binding.active is not None:
            self.setActive(call, w, v(binding.active))
        if binding.inputStart is not None and binding.inputEnd is not None:
            self.setChannelWindow(call, w, v(binding.inputStart), v(binding.inputEnd))
        curve = (binding.family, binding.coefficient, binding.noiseReduction)
        if None not in curve:
            self.setQuantizationMap(call, w, curve[0], v(curve[1]), v(curve[2]))
        colour = [v(part) for part in (binding.red, binding.green, binding.blue, binding.alpha)]
        if None not in colour:
            self.setRGBA(call, w, *colour)
        if binding.lookupTable is not None:
            self.setChannelLookupTable(call, w, v(binding.lookupTable))
        for context in binding.copySpatialDomainEnhancement():
            if isinstance(context, omero.model.ReverseIntensityContext):
                self._channel(w).reverse = True

    # ------------------------------------------------------------ the whole picture's settings
    def getPixels(self, call: Call) -> IObject | None:
        """Return the Pixels with its type, channels, logical channels and statistics."""
        return load_pixels(call, self._pixels.id)

    def getModel(self, call: Call) -> IObject | None:
        """Return the colour model."""
        return value_of(call, "RenderingModel", self._definition.model)

    def setModel(self, call: Call, model: IObject) -> None:
        """Choose the colour model."""
        settings = self._ready.settings
        settings.model = _enumeration_value(call, "RenderingModel", model)

    def getAvailableModels(self, call: Call) -> list[IObject]:
        """Return all colour models."""
        return all_values(call, "RenderingModel")

    def getAvailableFamilies(self, call: Call) -> list[IObject]:
        """Return all families of curves."""
        return all_values(call, "Family")

    def getDefaultZ(self, call: Call) -> int:
        """Return the section shown at first."""
        return self._definition.z

    def getDefaultT(self, call: Call) -> int:
        """Return the time point shown at first."""
        return self._definition.t

    def setDefaultZ(self, call: Call, z: int) -> None:
        """Choose the section shown at first."""
        self._ready.settings.z = z

    def setDefaultT(self, call: Call, t: int) -> None:
        """Choose the time point shown at first."""
        self._ready.settings.t = t

    def getQuantumDef(self, call: Call) -> IObject | None:
        """Return codomain interval and bit resolution."""
        settings = self._definition
        quantum = Loader(call).object("QuantumDef", settings.quantum_id or 0)
        if quantum is not None:
            quantum.details.group = quantum.details.group.proxy()
            quantum.cdStart, quantum.cdEnd = map(omero.rtypes.rint, settings.codomain)
            quantum.bitResolution = omero.rtypes.rint(settings.bit_resolution)
        return quantum

    def setQuantumStrategy(self, call: Call, bitResolution: int) -> None:
        """Choose the number of grey levels, less one."""
        settings = self._ready.settings
        if bitResolution not in BIT_RESOLUTIONS:
            raise QuantizationError(f"Unsupported bit resolution: {bitResolution}.")
        settings.bit_resolution = bitResolution

    def setCodomainInterval(self, call: Call, start: int, end: int) -> None:
        """Choose the interval of grey levels."""
        settings = self._ready.settings
        if start >= end:
            raise QuantizationError(f"{start} cannot be greater than {end}")
        if start < 0:
            raise QuantizationError(f"{start} cannot be lower than 0")
        if end > 255:
            raise QuantizationError(f"{end} cannot be greater than 255")
        settings.codomain = (start, end)

    def setCompressionLevel(self, call: Call, percentage: float) -> None:
        """Choose the quality of JPEG files, 0 to 1; what is none is found only when one is made."""
        self._quality = percentage

    def getCompressionLevel(self, call: Call) -> float:
        """Return the quality of JPEG files."""
        return self._quality

    # ------------------------------------------------------------ channels
    def setQuantizationMap(
        self, call: Call, w: int, family: IObject, coefficient: float, noiseReduction: bool
    ) -> None:
        """Choose a channel's curve."""
        _ = self._ready
        name = None if family is None else _enumeration_value(call, "Family", family)
        channel = self._channel(w)
        if coefficient <= 0:
            raise QuantizationError(f"Unsupported curve coefficient: '{coefficient}'")
        if name is None:
            raise errors.null_pointer()
        if name not in FAMILIES:
            raise QuantizationError(f"Unsupported family type: '{name}'")
        channel.family = name
        channel.coefficient = 1.0 if name == "linear" else coefficient
        channel.noise_reduction = noiseReduction

    def getChannelFamily(self, call: Call, w: int) -> IObject | None:
        """Return a channel's family of curves."""
        return value_of(call, "Family", self._channel(w).family)

    def getChannelNoiseReduction(self, call: Call, w: int) -> bool:
        """Whether a channel's outer tenths of the value range are left out."""
        return self._channel(w).noise_reduction

    def getChannelStats(self, call: Call, w: int) -> list[float]:
        """Return nothing, as the real server does, of channels there are and are not."""
        _ = self._ready
        return []

    def getChannelCurveCoefficient(self, call: Call, w: int) -> float:
        """Return the coefficient of a channel's curve."""
        return self._channel(w).coefficient

    def setChannelWindow(self, call: Call, w: int, start: float, end: float) -> None:
        """Choose a channel's window."""
        channel = self._channel(w)
        replace(self._ready.quantum(w), window=(start, end)).check_window()
        channel.start, channel.end = start, end

    def getChannelWindowStart(self, call: Call, w: int) -> float:
        """Return where a channel's window begins."""
        return self._channel(w).start

    def getChannelWindowEnd(self, call: Call, w: int) -> float:
        """Return where a channel's window ends."""
        return self._channel(w).end

    def setRGBA(self, call: Call, w: int, red: int, green: int, blue: int, alpha: int) -> None:
        """Choose a channel's colour."""
        self._channel(w).rgba = (red, green, blue, alpha)
        self._ready.settings_changed()

    def getRGBA(self, call: Call, w: int) -> list[int]:
        """Return a channel's colour."""
        return list(self._channel(w).rgba)

    def setActive(self, call: Call, w: int, active: bool) -> None:
        """Show or hide a channel."""
        self._channel(w).active = active
        self._ready.settings_changed()

    def isActive(self, call: Call, w: int) -> bool:
        """Whether a channel is shown."""
        return self._channel(w).active

    def setChannelLookupTable(self, call: Call, w: int, lookup: str) -> None:
        """Choose a channel's lookup table by its file name; the empty name for none."""
        self._channel_of_loaded(w).lookup_table = lookup
        self._ready.settings_changed()

    def getChannelLookupTable(self, call: Call, w: int) -> str:
        """Return the file name of a channel's lookup table."""
        return self._channel_of_loaded(w).lookup_table or ""

    def _channel_of_loaded(self, w: int) -> ChannelSettings:
        """Return a channel; without looking, as the real server does at these, whether the engine is loaded."""
        _ = self._definition
        if self._renderer is None:
            raise errors.null_pointer()
        return self._channel(w)

    # ------------------------------------------------------------ transformations of grey levels
    def addCodomainMap(self, call: Call, mapCtx: "omero.romio.CodomainMapContext") -> None:
        """Reverse all channels."""
        for w in range(len(self._ready.settings.channels)):
            self.addCodomainMapToChannel(call, mapCtx, w)

    def updateCodomainMap(self, call: Call, mapCtx: "omero.romio.CodomainMapContext") -> None:
        """Leave the reversal as it is: it has nothing to update. But all channels must have it."""
        channels = self._ready.settings.channels
        _check_reversal(mapCtx)
        if not all(channel.reverse for channel in channels):
            raise QuantizationError("No such a context.")

    def removeCodomainMap(self, call: Call, mapCtx: "omero.romio.CodomainMapContext") -> None:
        """Reverse no channel."""
        for w in range(len(self._ready.settings.channels)):
            self.removeCodomainMapFromChannel(call, mapCtx, w)

    def addCodomainMapToChannel(
        self, call: Call, mapCtx: "omero.romio.CodomainMapContext", w: int
    ) -> None:
        """Reverse a channel."""
        channel = self._transformed(w)
        _check_reversal(mapCtx)
        channel.reverse = True

    def removeCodomainMapFromChannel(
        self, call: Call, mapCtx: "omero.romio.CodomainMapContext", w: int
    ) -> None:
        """Reverse a channel no more."""
        channel = self._transformed(w)
        _check_reversal(mapCtx)
        channel.reverse = False

    def getCodomainMapContext(self, call: Call, w: int) -> list[IObject]:
        """Return a channel's transformations: the reversal, if there is one."""
        channel = self._channel(w)
        if not channel.reverse:
            return []
        known = stored.reversals(call, channel)
        if known:
            return list(Loader(call).objects("ReverseIntensityContext", known).values())
        context = omero.model.ReverseIntensityContextI()
        context.reverse, context.version = omero.rtypes.rbool(True), omero.rtypes.rint(0)
        return [context]

    # ------------------------------------------------------------ pixels
    def isPixelsTypeSigned(self, call: Call) -> bool:
        """Whether values can be negative."""
        return self._ready.dimensions.type.is_signed

    def getPixelsTypeLowerBound(self, call: Call, w: int) -> float:
        """Return the lowest value the pixel type holds."""
        _ = self._channel(w)
        return self._type_range()[0]

    def getPixelsTypeUpperBound(self, call: Call, w: int) -> float:
        """Return the highest value the pixel type holds."""
        _ = self._channel(w)
        return self._type_range()[1]

    def _type_range(self) -> tuple[float, float]:
        description = self._ready.description
        return pixel_type(description.type_name).value_range(description.significant_bits)

    def requiresPixelsPyramid(self, call: Call) -> bool:
        """Whether the image is so big that it has several resolutions."""
        return requires_pyramid(self._ready.description.dimensions)

    def getResolutionLevels(self, call: Call) -> int:
        """Return how many resolutions there are."""
        return self._ready.pixels.resolution_levels

    def getResolutionLevel(self, call: Call) -> int:
        """Return the current resolution."""
        return self._ready.pixels.resolution_level

    def getResolutionDescriptions(self, call: Call) -> list["omero.api.ResolutionDescription"]:
        """Return width and height of each resolution, the full one first."""
        sizes = self._ready.pixels.level_sizes()
        return [omero.api.ResolutionDescription(x, y) for x, y in sizes]

    def setResolutionLevel(self, call: Call, resolutionLevel: int) -> None:
        """Choose the resolution that is rendered, until another image is chosen."""
        renderer = self._ready
        self._level = resolutionLevel
        self._take_level(renderer, resolutionLevel)

    def getTileSize(self, call: Call) -> list[int]:
        """Return width and height of the tiles to ask for."""
        return list(self._ready.pixels.tile_size)


def _slice(definition: "omero.romio.PlaneDef | None") -> Slice:
    """Return the slice that a PlaneDef means."""
    if definition is None:
        raise errors.null_pointer()
    r = definition.region
    region = None if r is None else (r.x, r.y, r.width, r.height)
    d = definition
    return Slice(d.slice, d.x, d.y, d.z, d.t, region, d.stride)


def _integers(packed: Packed) -> list[int]:
    integers: list[int] = packed.reshape(-1).tolist()
    return integers


def _enumeration_value(call: Call, cls: str, given: IObject | None) -> str:
    """Return the value of an enumeration that a client gave by id or by value."""
    if given is None:
        raise errors.null_pointer()
    if given.id is not None:
        found = Loader(call).object(cls, given.id.val)
        if found is None:
            raise errors.missing_row(f"ome.model.enums.{cls}", given.id.val)
        return str(found.value.val)
    return str(omero.rtypes.unwrap(given.value))


def _check_reversal(context: object) -> None:
    if context is None:
        raise errors.null_pointer()
    if not isinstance(context, omero.romio.ReverseIntensityMapContext):
        raise errors.api_usage(f"{type(context).__name__} is not offered; a reversal is.")
