"""From pixel values to the 256 grey levels of a screen, one channel at a time.

The rules are those of the real server's rendering engine (omeis.providers.re.quantum), oddities
included, because pictures must be equal to the last bit:

- a value goes through the window (input interval) to 0…255, through the family's curve to
  0…bitResolution, and from there to the codomain interval;
- the lowest value of the window becomes `cd_start` *before* the curve and the codomain
  interval are applied, where the window begins at or below the channel's minimum;
- 8- and 16-bit values are looked up in a table; 32-bit and floating-point ones are first moved
  to the middle of one of 256 steps of the window, and know nothing of the channel's minimum
  and maximum;
- results are cut to a byte as Java does, so what lies above 255 begins again at 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from omero_embedded.pixels.types import PixelType

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]
Levels = npt.NDArray[np.uint8]

_MAXIMUM = 255.0
# Noise reduction leaves out a tenth of the value range at each end.
_DECILE = 10
BIT_RESOLUTIONS = (1, 3, 7, 15, 31, 63, 127, 255)


class QuantizationError(ValueError):
    """Settings by which no value can be mapped."""

    java = "java.lang.IllegalArgumentException"


class WindowError(ValueError):
    """A window that begins above all values of a type that has a table: the real server runs out of its table."""

    java = "java.lang.ArrayIndexOutOfBoundsException"


@dataclass(frozen=True, slots=True)
class Quantum:
    """How the values of one channel become grey levels.

    Parameters
    ----------
    type
        The pixel type.
    significant_bits
        `Pixels.significantBits`, or None.
    extent
        Lowest and highest value of the channel, by its StatsInfo or its type.
    window
        Input interval: what is at or below its start is darkest, at or above its end brightest.
    family
        linear, polynomial, logarithmic or exponential.
    coefficient
        The curve's, where it has one (polynomial, exponential).
    noise_reduction
        Whether the outer tenths of the value range are left out.
    codomain
        The interval of grey levels to use, within 0…255.
    bit_resolution
        Number of grey levels less one: 2^n - 1.
    """

    type: PixelType
    significant_bits: int | None
    extent: tuple[float, float]
    window: tuple[float, float]
    family: str = "linear"
    coefficient: float = 1.0
    noise_reduction: bool = False
    codomain: tuple[int, int] = (0, 255)
    bit_resolution: int = 255

    def __post_init__(self) -> None:
        if self.coefficient <= 0:
            raise QuantizationError(f"Unsupported curve coefficient: '{self.coefficient}'")
        if self.family not in FAMILIES:
            raise QuantizationError(f"Unsupported family type: '{self.family}'")
        if self.bit_resolution not in BIT_RESOLUTIONS:
            raise QuantizationError(f"Unsupported bit resolution: {self.bit_resolution}.")

    def check_window(self) -> None:
        """Raise `WindowError` where the window begins beyond the table of an 8- or 16-bit type."""
        _, high = self.type.value_range(self.significant_bits)
        start, _ = self._effective_window()
        if self.type.byte_width <= 2 and start > high + 1:
            raise WindowError(f"Index {int(high) + 1} out of bounds for length {int(high) + 1}")

    def __call__(self, values: Array) -> Levels:
        """Return the grey levels of an array of pixel values, in its shape."""
        if self.type.byte_width > 2:
            return self._levels(self._middles(values.astype(np.float64)), 0, 0)
        low, _ = self.type.value_range(self.significant_bits)
        return self._table()[self._within(values.astype(np.int64)) - int(low)]

    # ------------------------------------------------------------ 8 and 16 bits
    def _table(self) -> Levels:
        """Return the grey level of each value of the type."""
        low, high = self.type.value_range(self.significant_bits)
        start, end = self._effective_window()
        values = np.arange(int(low), int(high) + 1, dtype=np.float64)
        lowest, highest = self._effective_extent()
        table = self._levels(values, int(np.floor(lowest)), int(highest))
        dark, bright = self._ends()
        table[values >= end] = bright
        table[values < start] = dark
        return table

    def _within(self, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Bring values that need more bits than are significant back into the table."""
        low, high = (int(v) for v in self.type.value_range(self.significant_bits))
        outside = (values < low) | (values > high)
        if not outside.any():
            return values
        extent = self.extent[1] - self.extent[0]
        scaled = ((high - low) / extent * (values - low)).astype(np.int64) if extent else values
        return np.where(outside, np.clip(scaled, low, high), values)

    # ------------------------------------------------------------ 32 bits and more
    def _middles(self, values: Doubles) -> Doubles:
        """Move each value within the window to the middle of the step below it."""
        start, end = self._effective_window()
        first, last = self.codomain
        step = abs(end - start) / (last - first + 1)
        # What is no number lies in step 0, as Java makes an integer of it.
        nothing = np.isnan(values)
        inside = nothing | ((values > start) & (values <= end))
        middles = np.clip(np.where(nothing, start, values), start, end)
        if step:
            index = np.trunc((middles[inside] - start) / step)
            middles[inside] = (start + (index - 1) * step + start + index * step) / 2
            middles[values == start] = start + step / 2
        return middles

    # ------------------------------------------------------------ all types
    def _effective_extent(self) -> tuple[float, float]:
        low, high = self.type.value_range(self.significant_bits)
        lowest, highest = max(self.extent[0], low), min(self.extent[1], high)
        return (lowest, highest) if self._fits(lowest, highest) else (low, high)

    def _effective_window(self) -> tuple[float, float]:
        low, high = self.type.value_range(self.significant_bits)
        start, end = self.window
        if not self._fits(start, end):
            return low, high
        return max(start, low), min(end, high)

    def _fits(self, low: float, high: float) -> bool:
        if self.type.is_float:
            return low <= high
        return 0 <= high - low < 2.0 ** (8 * self.type.byte_width)

    def _ends(self) -> tuple[int, int]:
        """Return the darkest and the brightest grey level."""
        dark, bright = self.codomain
        if self.noise_reduction:
            return max(dark, _DECILE), min(bright, 255 - _DECILE)
        return dark, bright

    def _levels(self, values: Doubles, lowest: int, highest: int) -> Levels:
        """Map values through window, curve and codomain interval."""
        start, end = self._effective_window()
        dark, bright = self._ends()
        first = start if start <= lowest else float(lowest)
        last = end if end >= highest else float(highest)
        origin, span, reach, margin = start, end - start, _MAXIMUM, 0
        if self.noise_reduction:
            decile = (highest - lowest) / _DECILE
            first, last = first + decile, last - decile
            margin, reach = _DECILE, _MAXIMUM - 2 * _DECILE
            origin, span = _denoised_interval(start, end, first, last)
        with np.errstate(all="ignore"):  # what is no number becomes the darkest level, as in Java
            slope = np.float64(reach) / np.float64(span)
            v = slope * values - (slope * origin - margin)
            v = np.where(values > first, np.where(values <= last, v, bright), dark)
            curve = FAMILIES[self.family]
            k = 1.0 if self.family == "linear" else self.coefficient
            bottom, top = curve(np.array([0.0, _MAXIMUM]), k)
            v = _rounded(self.bit_resolution / (top - bottom) * (curve(v, k) - bottom))
            gain = (self.codomain[1] - self.codomain[0]) / self.bit_resolution
            return _as_bytes(_rounded(gain * v + dark))


def _denoised_interval(start: float, end: float, first: float, last: float) -> tuple[float, float]:
    """Return where the ramp begins and how long it is when the outer tenths are left out."""
    if start >= first:
        return start, (min(end, last)) - start
    if end <= last:
        return first, end - first
    return first, last - first


def _polynomial(x: Doubles, k: float) -> Doubles:
    return x if k == 1.0 else np.power(x, k)


def _logarithmic(x: Doubles, _: float) -> Doubles:
    return np.log(np.where(x <= 0, 1.0, x))


def _exponential(x: Doubles, k: float) -> Doubles:
    return np.exp(np.power(x, k))


FAMILIES: dict[str, Callable[[Doubles, float], Doubles]] = {
    "linear": _polynomial,
    "polynomial": _polynomial,
    "logarithmic": _logarithmic,
    "exponential": _exponential,
}


def _rounded(v: Doubles) -> Doubles:
    """Round as Java's Math.round: halves upwards, what is no number to zero."""
    return np.where(np.isnan(v), 0.0, np.floor(v + 0.5))


def _as_bytes(v: Doubles) -> Levels:
    """Cut to a byte as Java's cast from double: first to the range of an int, then its low byte."""
    return (np.clip(v, -(2.0**31), 2.0**31 - 1).astype(np.int64) & 0xFF).astype(np.uint8)
