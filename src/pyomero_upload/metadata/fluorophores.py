"""Colors and wavelengths of channels from their names, where nothing better is known.

The last step of a plan's channels. `fluorophores.csv` lists common fluorescent proteins, dyes and light paths with excitation
and emission maxima and the source of each. A name is looked up as it is, then without the numbers that programs put around
it (`w1GFP`, `pHluorin405_0_4`); failing that, the longest known name that it contains counts, with a warning.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from pyomero_upload.model import Channel, Problem

# For channels that nobody knows: far from each other for most eyes, in this order.
_PALETTE = ("#00FF00", "#FF00FF", "#00FFFF", "#FFFF00", "#FF0000", "#0000FF", "#FF8000", "#8000FF")
_ALONE = "#FFFFFF"
_LONGEST = 100

_NUMBERS_BEHIND = re.compile(r"(?:[_\s-]\d{1,2}|(?<=[A-Za-z])\d)\Z")
_WAVE_IN_FRONT = re.compile(r"\Aw\d{1,2}[_\s-]?(?=[A-Za-z])")
# Where a known name may begin within a longer one: behind a separator, at a capital, between letters and digits.
_START = re.compile(
    r"(?:\A|(?<=[^A-Za-z0-9])|(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9]))"
)


class Fluorophore(NamedTuple):
    """One line of the data file; wavelengths of maxima in nm, None for what does not fluoresce."""

    name: str
    excitation_nm: float | None
    emission_nm: float | None
    color: str


def complete_channels(
    channels: Sequence[Channel],
) -> tuple[tuple[Channel, ...], tuple[Problem, ...]]:
    """Return the channels, each with a color, and with wavelengths where its name says them.

    What a channel has already is kept. The colors of channels with unknown names are distinct from the others and depend
    on nothing but the list; a single unknown channel is shown in grey (white, as viewers shade from black to it).

    Returns
    -------
    channels
        In the same order.
    problems
        `channel-guessed`: a warning for a channel that only contains a known name, an info for those not known at all.

    """
    matches = [find_fluorophore(channel.name) for channel in channels]
    taken = {channel.color for channel in channels} | {match[0].color for match in matches if match}
    free = [color for color in _PALETTE if color not in taken] or list(_PALETTE)
    complete, problems, unknown = [], list[Problem](), list[str]()
    for channel, match in zip(channels, matches, strict=True):
        if match is None:
            color = _ALONE if len(channels) == 1 else free[len(unknown) % len(free)]
            if channel.color is None:
                unknown.append(channel.name)
            complete.append(replace(channel, color=channel.color or color))
            continue
        known, exact = match
        filled = replace(
            channel,
            color=channel.color or known.color,
            excitation_nm=channel.excitation_nm
            if channel.excitation_nm is not None
            else known.excitation_nm,
            emission_nm=channel.emission_nm
            if channel.emission_nm is not None
            else known.emission_nm,
        )
        complete.append(filled)
        if not exact and filled != channel:
            problems.append(_guessed(channel.name, known))
    if unknown:
        problems.append(
            Problem(
                "info",
                "channel-guessed",
                ", ".join(unknown),
                "No color or wavelength is known for these channels by their names; they get colors in their order.",
                "Give color, excitation and emission in metadata.yaml.",
            )
        )
    return tuple(complete), tuple(problems)


def find_fluorophore(name: str) -> tuple[Fluorophore, bool] | None:
    """Return what a channel's name stands for and whether it says so exactly (True) or only contains it (False)."""
    known, name = _known(), name[:_LONGEST]
    plain = _WAVE_IN_FRONT.sub("", name.strip())
    while True:
        if found := known.get(_key(plain)):
            return found, True
        shorter = _NUMBERS_BEHIND.sub("", plain)
        if shorter == plain:
            break
        plain = shorter
    starts = [_key(name[match.start() :]) for match in _START.finditer(name)]
    contained = [
        key for key in known if len(key) >= 3 and any(start.startswith(key) for start in starts)
    ]
    return (known[max(contained, key=len)], False) if contained else None


def _guessed(name: str, known: Fluorophore) -> Problem:
    what = (
        "transmitted light" if known.emission_nm is None else f"{known.emission_nm:g} nm emission"
    )
    return Problem(
        "warning",
        "channel-guessed",
        name,
        f"The channel {name} is taken for {known.name} ({what}) because its name contains it.",
        "Give color, excitation and emission in metadata.yaml if that is wrong.",
    )


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _known() -> dict[str, Fluorophore]:
    """Return the data file by each name and alias."""
    known: dict[str, Fluorophore] = {}
    text = files("pyomero_upload.metadata").joinpath("fluorophores.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        excitation, emission = (
            float(row[key]) if row[key] else None for key in ("excitation_nm", "emission_nm")
        )
        fluorophore = Fluorophore(row["name"], excitation, emission, row["color"])
        for name in (row["name"], *row["aliases"].split(";")):
            if name:
                known[_key(name)] = fluorophore
    return known
