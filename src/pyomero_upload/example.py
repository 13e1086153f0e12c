"""A made-up but realistic experiment folder, of any size, to try things on.

Growing yeast under a microscope: position folders with 16-bit PNG files and the two text files that the microscope's
software (generation 2) would have written, and a `metadata.yaml`. The same arguments give the same bytes.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from pyomero_upload.errors import UsageError

PREFIX = "example"
START = datetime(2026, 3, 2, 9, 30, 0)  # noqa: DTZ001  (a microscope's log knows no time zone)
INTERVAL_S = 300
PIXEL_SIZE_UM = 0.263
SPACING_UM = 0.6
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class _Setting:
    """How one channel of the example is taken."""

    name: str
    exposure_ms: int
    voltage: float
    stack: bool
    seconds: int


SETTINGS = (
    _Setting("Brightfield", 30, 1.0, stack=True, seconds=3),
    _Setting("GFP", 60, 4.0, stack=True, seconds=4),
    _Setting("mCherry", 100, 3.0, stack=False, seconds=2),
)


def make_example(
    folder: str | Path, *, positions: int = 3, times: int = 3, sections: int = 5, size: int = 512
) -> Path:
    """Write an example experiment into a new folder.

    Parameters
    ----------
    folder
        Where to; it must not exist, or be empty.
    positions, times, sections
        How many stage positions, time points and z sections (of two of the three channels).
    size
        Width and height of each image in pixels.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        The folder holds something already, or a number is below 1.

    """
    folder = Path(folder)
    if min(positions, times, sections, size) < 1:
        raise UsageError("Positions, time points, sections and size must be at least 1.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} holds something already.", hint="Name a folder that does not exist yet."
        )
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"pos{number:03d}" for number in range(1, positions + 1)]
    for name in names:
        (folder / name).mkdir()
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(
            lambda name: _write_position(folder / name, times, sections, size), names
        ):
            pass
    write_text(folder / f"{PREFIX}Acq.txt", _acquisition_settings(names, times, sections))
    write_text(folder / f"{PREFIX}log.txt", _log(names, times))
    write_text(folder / "metadata.yaml", METADATA)
    return folder


def write_text(path: Path, text: str) -> None:
    """Write text as the microscope's computer does: Windows-1252 would do, UTF-8 is what we say."""
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_position(folder: Path, times: int, sections: int, size: int) -> None:
    number = int(folder.name.removeprefix("pos"))
    for t, cells in zip(range(times), _growing_cells(number, size), strict=False):
        for c, setting in enumerate(SETTINGS):
            for z in range(sections if setting.stack else 1):
                defocus = z - (sections - 1) / 2 if setting.stack else 0.0
                seed = (number, t, c, z)
                plane = _draw(cells, setting.name, defocus, size, np.random.default_rng(seed))
                file = folder / f"{PREFIX}_{t + 1:06d}_{setting.name}_{z + 1:03d}.png"
                file.write_bytes(imagecodecs.png_encode(plane, level=1))


@dataclass(frozen=True, slots=True)
class _Cell:
    """An ellipse: centre and radii in pixels, angle in radians."""

    y: float
    x: float
    long: float
    short: float
    angle: float


def _growing_cells(seed: int, size: int) -> Iterator[list[_Cell]]:
    """Yield the cells of one position at each time point: they grow, and bud when they are large."""
    rng = np.random.default_rng([20, seed])
    scale = size / 512
    cells = [
        _Cell(
            y=rng.uniform(0.15, 0.85) * size,
            x=rng.uniform(0.15, 0.85) * size,
            long=rng.uniform(12, 17) * scale,
            short=rng.uniform(12, 17) * scale,
            angle=rng.uniform(0, np.pi),
        )
        for _ in range(16)
    ]
    while True:
        yield cells
        grown = []
        for cell in cells:
            angle = cell.angle + rng.normal(0, 0.1)
            if cell.long > 17 * scale and len(cells) < 200:
                reach = 1.9 * cell.long
                y, x = cell.y + reach * np.sin(angle), cell.x + reach * np.cos(angle)
                grown.append(_Cell(y, x, 9 * scale, 8 * scale, rng.uniform(0, np.pi)))
                grown.append(_Cell(cell.y, cell.x, 14 * scale, 13 * scale, angle))
            else:
                grown.append(_Cell(cell.y, cell.x, cell.long * 1.07, cell.short * 1.06, angle))
        cells = grown


def _draw(
    cells: list[_Cell], channel: str, defocus: float, size: int, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Draw one plane with its noise; (y, x)."""
    level = {"Brightfield": 21000.0, "GFP": 420.0, "mCherry": 380.0}[channel]
    plane = np.full((size, size), level, np.float32)
    for cell in cells:
        reach = int(1.6 * max(cell.long, cell.short)) + 2
        top, left = int(cell.y) - reach, int(cell.x) - reach
        y0, x0 = max(top, 0), max(left, 0)
        y1, x1 = min(top + 2 * reach, size), min(left + 2 * reach, size)
        if y0 >= y1 or x0 >= x1:
            continue
        y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        y, x = y - np.float32(cell.y), x - np.float32(cell.x)
        cos, sin = np.float32(np.cos(cell.angle)), np.float32(np.sin(cell.angle))
        distance = np.hypot((cos * x + sin * y) / cell.long, (cos * y - sin * x) / cell.short)
        plane[y0:y1, x0:x1] += _cell_light(distance, channel, defocus)
    plane += rng.standard_normal(plane.shape, np.float32) * np.sqrt(np.maximum(plane, 1)) * 1.5
    return np.clip(plane, 0, 65535).astype(np.uint16)


def _cell_light(distance: NDArray[np.float32], channel: str, defocus: float) -> NDArray[np.float32]:
    """Return the light of a cell at each distance from its centre (1 is its border)."""
    blur = 1 + 0.35 * abs(defocus)
    if channel == "Brightfield":
        edge = (distance - 1) / (0.12 * blur)
        ring = -edge * np.exp(-(edge**2)) * 9000
        inside = np.exp(-((distance / 0.9) ** 4)) * 2500 * np.sign(defocus)
        return np.asarray(ring + inside, np.float32)
    if channel == "GFP":
        body = 900 * _inside(distance, 0.06 * blur)
        nucleus = 5200 / blur**2 * np.exp(-((distance / (0.32 * blur)) ** 2))
        return np.asarray(body + nucleus, np.float32)
    membrane = 2600 * np.exp(-(((distance - 0.92) / 0.1) ** 2))
    return np.asarray(membrane + 500 * _inside(distance, 0.06), np.float32)


def _inside(distance: NDArray[np.float32], softness: float) -> NDArray[np.float32]:
    """Return 1 inside a cell, 0 outside, and something in between at its border."""
    steepness = np.clip((distance - 0.95) / softness, -50, 50)
    return np.asarray(1 / (1 + np.exp(steepness)), np.float32)


def _acquisition_settings(names: list[str], times: int, sections: int) -> str:
    rows = [
        f"{s.name:>12},{s.exposure_ms:>14},{1:>5},{int(s.stack and sections > 1):>8},{1:>12},{2:>12},{270:>8},{s.voltage:>8.3f}"
        for s in SETTINGS
    ]
    head = ", ".join(f"{s.name:>10}" for s in SETTINGS)
    points = [
        f"{name:>13},{x:>11.2f},{y:>11.2f},{z:>11.3f},{19.225:>11.3f},{1:>6},"
        + ",".join(f"{s.exposure_ms:>11}" for s in SETTINGS)
        for name, (x, y, z) in zip(names, _stage(len(names)), strict=True)
    ]
    lines = [
        "Channels:",
        "Channel name, Exposure time, Skip, Z sect., Start time, Camera mode, EM gain, Voltage",
        *rows,
        "Z_sectioning:",
        "Sections,Spacing,PFSon?,AnyZ?,Drift,Method",
        f"{sections:>8},{SPACING_UM:>7.2f},     0,    1,    0,     2",
        "Time_settings:",
        f"1,{INTERVAL_S},{times},{INTERVAL_S * times}",
        "Points:",
        f"Position name, X position, Y position, Z position, PFS offset, Group, {head}",
        *points,
        "Flow_control:",
        "Syringe pump details: 2 pumps.",
        "Pump states at beginning of experiment:",
        "Pump port, Diameter, Current rate, Direction, Running, Contents",
        "COM5,14.43,4.00,INF,1,2% glucose in SC",
        "COM6,14.43,0.40,INF,1,0.1% glucose in SC",
        "Dynamic flow details:",
        "Number of pump changes:",
        "1",
        "Switching parameters:",
        "50,100",
        "Times:",
        f"{INTERVAL_S * times // 120}",
        "Switched to:",
        "2",
        "Switched from:",
        "1",
        "Flow post switch:",
        "4,0.4",
        "0.4,4",
    ]
    return "\n".join(lines) + "\n"


def _stage(count: int) -> list[tuple[float, float, float]]:
    rng = np.random.default_rng(7)
    return [
        (
            10846.5 - 410.3 * (i // 4),
            10208.1 - 402.5 * (i % 4),
            round(3431.4 + float(rng.normal(0, 1.2)), 3),
        )
        for i in range(count)
    ]


def _stamp(moment: datetime) -> str:
    # Month names of the log are English whatever the language of the computer.
    return f"{moment.day:02d}-{MONTHS[moment.month - 1]}-{moment.year} {moment:%H:%M:%S}"


def _log(names: list[str], times: int) -> str:
    day = _stamp(START).split()[0]
    setup = [
        line
        for s in SETTINGS
        for line in (
            f"{s.name}:",
            "White LED"
            if s.name == "Brightfield"
            else "470nm LED"
            if s.name == "GFP"
            else "585nm LED",
            "->Filter block:[59022 exciter, 59022 dichroic]",
            "->Emission filter wheel:[]",
        )
    ]
    lines = [
        "Swain Lab microscope experiment log file",
        "Swain lab microscope control software - software version 4",
        day,
        "Microscope name is: Example",
        "Acquisition settings are saved in:",
        f"C:\\example\\{PREFIX}Acq.txt",
        "Experiment details:",
        "Aim: Show what becomes of a folder of microscope files",
        "Strain: made-up yeast with a nuclear GFP and a red membrane",
        "Comments: Drawn by a program, not taken with a microscope.",
        "Microscope setup for used channels:",
        *setup,
        "Omero project:",
        "PyOmeroUpload examples",
        "Omero tags:",
        f"{day},Example,yeast,GFP,mCherry,0.1% glucose,",
        "Omero tag descriptions:",
        "Date,Microscope,Organism,Channel,Channel,Medium,",
        "PFS is locked",
        f"Experiment started at:{_stamp(START)}",
    ]
    stage = _stage(len(names))
    for t in range(times):
        moment = START + timedelta(seconds=INTERVAL_S * t)
        lines.append(f"------Time point_{t + 1}------")
        for number, (name, (x, y, z)) in enumerate(zip(names, stage, strict=True), 1):
            lines += [f"Position:{number},{name}", "Position group:1", f"Moved to X:{x}, Y:{y}"]
            for s in SETTINGS:
                moment += timedelta(seconds=s.seconds)
                lines += [
                    f"Channel:{s.name} set at:{_stamp(moment)}",
                    f"Exposure time:{s.exposure_ms}ms",
                    f"captureStack (Example). Z drive position before stack capture is: {z}. {_stamp(moment)}",
                ]
        lines.append(f"Timepoint:{t + 1} completed at:{_stamp(moment)}")
        if t + 1 < times:
            left = INTERVAL_S * (t + 1) - (moment - START).total_seconds()
            lines.append(f"Time to next time point:{left:.4f}")
    return "\n".join(lines) + "\n"


METADATA = f"""\
# What the text files of the microscope do not say. See docs/reference/metadata-yaml.md
title: Example experiment
pixel_size: {PIXEL_SIZE_UM}   # micrometres
tags: [example]
key_values:
  Organism: Saccharomyces cerevisiae
channels:
  GFP: {{label: Nuclei (GFP)}}
  mCherry: {{label: Membranes (mCherry)}}
"""
