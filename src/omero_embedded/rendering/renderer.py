"""A picture of an image: pixels, settings and a slice brought together.

`Renderer` is what RenderingEngine and ThumbnailStore share. It knows arrays and settings, no
database and no client.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from omero_embedded.pixels.description import Description
from omero_embedded.pixels.dimensions import Dimensions
from omero_embedded.pixels.pyramid import PyramidFile
from omero_embedded.pixels.repository import PixelsFile
from omero_embedded.rendering import composition
from omero_embedded.rendering.composition import Bands, Layer, Levels, Packed
from omero_embedded.rendering.lookup_tables import lookup_table
from omero_embedded.rendering.projection import check_sections, check_stack, project
from omero_embedded.rendering.quantum import Quantum
from omero_embedded.rendering.settings import GREYSCALE, RenderingSettings
from omero_embedded.rendering.slices import XY, Slice, values

Array = npt.NDArray[Any]


class Renderer:
    """Makes pictures of one image.

    Parameters
    ----------
    description
        Of the image.
    pixels
        Its file, open for reading.
    settings
        Looked at anew for each picture, so changes to them show.
    """

    def __init__(
        self, description: Description, pixels: PixelsFile, settings: RenderingSettings
    ) -> None:
        self.description = description
        self.pixels = pixels
        self.settings = settings
        self._primaries = False
        self.settings_changed()

    def settings_changed(self) -> None:
        """Decide anew whether pure colours may be painted as they are.

        While a channel that is shown is not opaque the real server leaves that decision as it was, so
        a red channel turned half transparent stays as bright as before.
        """
        if not self._opaque:
            return
        # The name of a table counts, whether there is such a table or not.
        named = any((self.settings.channels[c].lookup_table or "").strip() for c in self._active)
        self._primaries = not named and composition.may_paint_primaries(
            [self._layer(c, np.zeros((0, 0), np.uint8)) for c in self._active]
        )

    @property
    def _active(self) -> list[int]:
        return [c for c, channel in enumerate(self.settings.channels) if channel.active]

    @property
    def _opaque(self) -> bool:
        return all(self.settings.channels[c].rgba[3] == 255 for c in self._active)

    @property
    def dimensions(self) -> Dimensions:
        """Sizes at the current resolution."""
        if isinstance(self.pixels, PyramidFile):
            return self.pixels.level_dimensions
        return self.pixels.dimensions

    def quantum(self, c: int) -> Quantum:
        """Return how the values of a channel become grey levels."""
        channel = self.settings.channels[c]
        description = self.description
        return Quantum(
            type=description.dimensions.type,
            significant_bits=description.significant_bits,
            extent=description.extent(c),
            window=(channel.start, channel.end),
            family=channel.family,
            coefficient=channel.coefficient,
            noise_reduction=channel.noise_reduction,
            codomain=self.settings.codomain,
            bit_resolution=self.settings.bit_resolution,
        )

    # ------------------------------------------------------------ pictures
    def packed(self, cut: Slice) -> Packed:
        """Return the picture of a slice as integers 0xAARRGGBB, shape y, x."""
        d = self.dimensions
        cut = cut.within(d.x, d.y) if cut.kind == XY else cut
        return self._packed(cut.shape(d), lambda c: values(self.pixels, d, cut, c))

    def projected(self, algorithm: int, t: int, stepping: int, start: int, end: int) -> Packed:
        """Return the picture of a projection along z as integers 0xAARRGGBB, shape y, x."""
        d = self.dimensions

        def plane(c: int) -> Array:
            check_sections(d.z, stepping=stepping, start=start, end=end)
            check_stack(c, t, d.c, d.t)
            return project(
                self.pixels.stack(c, t),
                algorithm,
                stepping=stepping,
                start=start,
                end=end,
                target=d.type,
            )

        return self._packed((d.y, d.x), plane)

    def bands(self, cut: Slice) -> Bands:
        """Return the picture of a slice as its red, green and blue bytes, shape y, x each."""
        d = self.dimensions
        cut = cut.within(d.x, d.y) if cut.kind == XY else cut
        layers = self._layers(lambda c: values(self.pixels, d, cut, c))
        grey = self.settings.model == GREYSCALE
        paint = composition.grey_bands if grey else composition.colour_bands
        return paint(layers, cut.shape(d))

    def _packed(self, shape: tuple[int, int], plane: Callable[[int], Array]) -> Packed:
        layers = self._layers(plane)
        if self.settings.model == GREYSCALE:
            return composition.grey_picture(layers, shape)
        return composition.colour_picture(
            layers, shape, primaries=self._primaries, opaque=self._opaque
        )

    def _layers(self, plane: Callable[[int], Array]) -> list[Layer]:
        """Quantize the channels that are shown: in greyscale the first one alone."""
        active = self._active[:1] if self.settings.model == GREYSCALE else self._active
        layers = []
        for c in active:
            levels = self.quantum(c)(plane(c))
            if self.settings.channels[c].reverse:
                levels = self._reversed(levels)
            layers.append(self._layer(c, levels))
        return layers

    def _layer(self, c: int, levels: Levels) -> Layer:
        channel = self.settings.channels[c]
        table = lookup_table(channel.lookup_table) if channel.lookup_table else None
        return Layer(levels, channel.rgba, table)

    def _reversed(self, levels: Levels) -> Levels:
        """Count grey levels from the bright end of the codomain interval."""
        dark, bright = self.settings.codomain
        return (bright - np.clip(levels, dark, bright)).astype(np.uint8)
