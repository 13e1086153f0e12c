"""How long it takes to list and arrange the names of a large experiment, against a bare walk over the same folder.

Makes an experiment of 90,000 empty files (20 positions, 300 time points, 3 channels, 5 z-sections), walks over it with
`os.scandir` and `stat` alone, then lists and arranges it, in turns, and prints the ratio of the medians. The whole plan
may take 10 times the bare walk; this part of it is to take well under 6.

    python benchmarks/plan_names.py
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

from pyomero_upload.layout import arrange, list_files
from pyomero_upload.profiles import load_layout

POSITIONS, TIMES, CHANNELS, SECTIONS = 20, 300, ("DIC", "GFP", "mCherry"), 5
ROUNDS = 5
GOAL = 6.0


def make_experiment(folder: Path) -> int:
    for position in range(1, POSITIONS + 1):
        inside = folder / f"pos{position:03d}"
        inside.mkdir()
        for t in range(1, TIMES + 1):
            for channel in CHANNELS:
                for z in range(1, SECTIONS + 1):
                    name = inside / f"experiment_{t:06d}_{channel}_{z:03d}.png"
                    os.close(os.open(name, os.O_CREAT))
    return POSITIONS * TIMES * len(CHANNELS) * SECTIONS


def bare_walk(folder: str) -> int:
    files = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                files += bare_walk(entry.path)
            else:
                entry.stat(follow_symlinks=False)
                files += 1
    return files


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "experiment"
        folder.mkdir()
        files = make_experiment(folder)
        seconds: dict[str, list[float]] = {"bare walk": [], "list": [], "arrange": []}
        layout = load_layout()
        for _ in range(ROUNDS):
            start = time.perf_counter()
            assert bare_walk(str(folder)) == files
            walked = time.perf_counter()
            listing = list_files(folder)
            listed = time.perf_counter()
            arrangement = arrange(listing, layout)
            arranged = time.perf_counter()
            assert sum(len(image.planes) for image in arrangement.images.values()) == files
            seconds["bare walk"].append(walked - start)
            seconds["list"].append(listed - walked)
            seconds["arrange"].append(arranged - listed)
    medians = {what: statistics.median(times) for what, times in seconds.items()}
    for what, median in medians.items():
        print(f"{what:10} {median * 1000:7.0f} ms")
    ratio = (medians["list"] + medians["arrange"]) / medians["bare walk"]
    print(
        f"list and arrange take {ratio:.1f} times the bare walk over {files} files (goal: {GOAL})"
    )


if __name__ == "__main__":
    main()
