"""The values of channels, gathered as planes pass: extremes, and limits between which nearly all pixels lie.

Stands beside `target`; every target that says how an image is to be shown gathers with it, plane by plane, and keeps what it
found of each block in the block's note, so that a job that goes on still knows it.
"""

from collections.abc import Iterable

import numpy as np

from pyomero_upload.targets.target import BlockNote, ChannelRange, Pixels

# Display limits come from every 8th pixel of every 8th row, without its lowest and highest thousandth.
SAMPLE_STEP = 8
SAMPLE_TAIL = 0.001


def widen(ranges: dict[int, ChannelRange], c: int, pixels: Pixels) -> None:
    """Add the values of a plane (axes y, x) to those of its channel; not-a-number and infinity do not count."""
    sample = np.sort(pixels[::SAMPLE_STEP, ::SAMPLE_STEP], axis=None)
    lowest, highest = pixels.min(), pixels.max()
    if pixels.dtype.kind == "f" and not (np.isfinite(lowest) and np.isfinite(highest)):
        finite = np.sort(pixels[np.isfinite(pixels)])
        if not finite.size:
            return
        sample, lowest, highest = finite, finite[0], finite[-1]
    tail = int(len(sample) * SAMPLE_TAIL)
    found = ChannelRange(
        c, float(lowest), float(highest), float(sample[tail]), float(sample[-1 - tail])
    )
    ranges[c] = _union(ranges.get(c), found)


def gathered(notes: Iterable[BlockNote]) -> dict[int, ChannelRange]:
    """Return the values of each channel of an image, from the notes of its blocks."""
    ranges: dict[int, ChannelRange] = {}
    for note in notes:
        for found in note.ranges:
            ranges[found.c] = _union(ranges.get(found.c), found)
    return ranges


def window(values: ChannelRange) -> tuple[float, float]:
    """Return the values that are shown darkest and brightest; a window of no width cannot be shown."""
    if values.low < values.high:
        return values.low, values.high
    if values.lowest < values.highest:
        # Nearly all pixels have the same value: what differs is what there is to see.
        return values.lowest, values.highest
    return values.low, values.low + 1


def _union(one: ChannelRange | None, other: ChannelRange) -> ChannelRange:
    if one is None:
        return other
    return ChannelRange(
        other.c,
        min(one.lowest, other.lowest),
        max(one.highest, other.highest),
        min(one.low, other.low),
        max(one.high, other.high),
    )
