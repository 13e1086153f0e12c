"""From grey levels and colours to one picture: the two colour models.

Every active channel has gone through its `Quantum` (and perhaps a reversal) before it comes here.
The arithmetic is that of the real server (omeis.providers.re, RenderHSBRegionTask and
GreyScaleStrategy), down to where it truncates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.uint8]
Packed = npt.NDArray[np.int32]
Bands = tuple[Levels, Levels, Levels]

_OPAQUE = 0xFF000000


class ColourError(ValueError):
    """A colour that was a pure one when it was decided to paint such colours as they are, and no longer is."""

    java = "java.lang.IllegalArgumentException"


@dataclass(frozen=True, slots=True)
class Layer:
    """One active channel, ready to be painted.

    Parameters
    ----------
    levels
        Grey levels, shape y, x.
    rgba
        The channel's colour and opacity, 0 to 255 each.
    table
        A lookup table of shape (256, 3) that takes the place of the colour, or None.
    """

    levels: Levels
    rgba: tuple[int, int, int, int]
    table: Levels | None = None

    @property
    def is_primary(self) -> bool:
        """Whether the colour is pure red, pure green or pure blue."""
        return sorted(self.rgba[:3]) == [0, 0, 255]

    @property
    def band(self) -> int:
        """Into which of red, green and blue a pure colour goes.

        Raises
        ------
        ColourError
            If no part of the colour is at its full.
        """
        if 255 not in self.rgba[:3]:
            raise ColourError("Unable to find color component offset in color.")
        return self.rgba[:3].index(255)


def may_paint_primaries(layers: Sequence[Layer]) -> bool:
    """Whether the channels can simply be put into the red, green and blue bytes of the picture.

    That is so for up to three channels of different pure colours without lookup tables.
    """
    colours = [layer.rgba[:3] for layer in layers]
    return (
        len(layers) <= 3
        and len(set(colours)) == len(colours)
        and all(layer.is_primary and layer.table is None for layer in layers)
    )


def colour_picture(
    layers: Sequence[Layer], shape: tuple[int, int], *, primaries: bool, opaque: bool
) -> Packed:
    """Add channels up to a picture, as integers 0xAARRGGBB.

    Parameters
    ----------
    layers
        The active channels.
    shape
        Height and width of the picture.
    primaries
        Whether to take pure colours as they are, whatever their opacity.
    opaque
        Whether to leave opacities out of account.

    Returns
    -------
    ndarray
        Shape y, x; all zeros where there are no layers.
    """
    bands = np.zeros((3, *shape), np.int64)
    for layer in layers:
        if primaries and layer.table is None:
            bands[layer.band] |= layer.levels
            continue
        bands += _contribution(layer, opaque=opaque)
        np.minimum(bands, 255, out=bands)
    red, green, blue = bands
    packed = red << 16 | green << 8 | blue
    if layers:
        packed |= _OPAQUE
    return packed.astype(np.uint32).view(np.int32)


def _contribution(layer: Layer, *, opaque: bool) -> npt.NDArray[np.int64]:
    if layer.table is not None:
        return np.moveaxis(layer.table[layer.levels], -1, 0).astype(np.int64)
    out = np.zeros((3, *layer.levels.shape), np.int64)
    alpha = np.float32(layer.rgba[3]) / np.float32(255)
    for band, part in zip(out, layer.rgba, strict=False):
        band[...] = (part / 255.0 * layer.levels).astype(np.int64)
        if not opaque:
            band[...] = (band.astype(np.float32) * alpha).astype(np.int64)
    return out


def grey_picture(layers: Sequence[Layer], shape: tuple[int, int]) -> Packed:
    """Return the first active channel in grey, as integers 0xAARRGGBB; colours play no part."""
    if not layers:
        return np.zeros(shape, np.int32)
    v = layers[0].levels.astype(np.int64)
    packed = layers[0].rgba[3] << 24 | v << 16 | v << 8 | v
    return packed.astype(np.uint32).view(np.int32)


def colour_bands(layers: Sequence[Layer], shape: tuple[int, int]) -> Bands:
    """Add channels up to red, green and blue planes of bytes.

    The real server keeps the sum in signed bytes here, so a second channel meets what lies above
    127 as a negative number.
    """
    bands = np.zeros((3, *shape), np.int8)
    for layer in layers:
        old = bands.astype(np.int64)
        if layer.table is not None:
            below = np.where(old < 0, 255, 0)
            below[2] = old[2] & 0xFF
            total = below + np.moveaxis(layer.table[layer.levels], -1, 0)
        else:
            alpha = np.float32(layer.rgba[3]) / np.float32(65025)
            v = layer.levels.astype(np.float32) * alpha
            parts = np.array(layer.rgba[:3], np.float32)[:, None, None]
            total = np.minimum((parts * v).astype(np.int64) + old, 255)
        bands = (total & 0xFF).astype(np.uint8).view(np.int8)
    red, green, blue = bands.view(np.uint8)
    return red, green, blue


def grey_bands(layers: Sequence[Layer], shape: tuple[int, int]) -> Bands:
    """Return the first active channel in grey as red, green and blue planes of bytes."""
    if not layers:
        dark = np.zeros(shape, np.uint8)
        return dark, dark, dark
    alpha = np.float32(layers[0].rgba[3]) / np.float32(255)
    v = (layers[0].levels.astype(np.float32) * alpha).astype(np.uint8)
    return v, v, v
