"""How fast the running log of an experiment is read, against merely counting its lines in the same run.

Makes a log of 100 MB as the microscopes write it (blank lines between lines, 50 positions, 3 channels), counts its lines in
blocks, then reads it, in turns; prints megabytes a second of processor time (a busy machine counts less), the ratio of the
medians, and the memory that reading took at its peak. The goal is 50 MB/s and memory that does not grow with the file
beyond the times themselves.

    python benchmarks/running_log.py
"""

import statistics
import tempfile
import time
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

from pyomero_upload.metadata.log import LogMetadataParser

POSITIONS, CHANNELS = 50, ("Brightfield", "DIC", "GFP")
SIZE_MB = 100
ROUNDS = 3
GOAL_MB_S = 50
STARTED = datetime(2018, 9, 28, 17, 18, 14)  # noqa: DTZ001  (the microscopes write no time zone)


def make_log(path: Path) -> int:
    """Write a log; return the number of channel lines in it."""
    channels = 0
    with path.open("wb") as file:
        file.write(f"Experiment details:\r\nExperiment started at:{stamp(0)}\r\n\r\n".encode())
        t = 0
        while file.tell() < SIZE_MB * 1_000_000:
            lines = [f"------Time point_{t + 1}------"]
            for position in range(1, POSITIONS + 1):
                lines += [f"Position:{position},pos{position:03d}", "Position group:1"]
                lines += [
                    f"Moved to X:{position}0846.5, Y:10208.1",
                    "readDrift script. Cumulative drift is:-0.925",
                ]
                for channel in CHANNELS:
                    when = stamp(300 * t + 5 * position)
                    lines += [
                        f"Channel configuration set to: {channel}: {when}",
                        f"Channel:{channel} set at:{when}",
                    ]
                    lines += ["Exposure time:30ms", "Exposure time:30ms"]
                    lines += [
                        f"captureStack (Batgirl). Z drive position before stack capture is: 3430.4501. {when}"
                    ]
                    channels += 1
            file.write("\r\n\r\n".join(lines).encode() + b"\r\n\r\n")
            t += 1
    return channels


def stamp(seconds: int) -> str:
    return (STARTED + timedelta(seconds=seconds)).strftime("%d-%b-%Y %H:%M:%S")


def count_lines(path: Path) -> int:
    lines = 0
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            lines += block.count(b"\n")
    return lines


def seconds_for(work: object, path: Path) -> float:
    start = time.process_time()
    work(path)  # type: ignore[operator]
    return time.process_time() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "experiment_log.txt"
        channels = make_log(path)
        megabytes = path.stat().st_size / 1e6

        def read(path: Path) -> None:
            found = LogMetadataParser().extract_metadata(str(path))
            assert sum(map(len, found.times.seconds.values())) == channels
            assert found.problems == ()

        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(seconds_for(count_lines, path))
            ours.append(seconds_for(read, path))
        tracemalloc.start()
        read(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    count, reading = statistics.median(bare), statistics.median(ours)
    rate = megabytes / reading
    print(f"log              {megabytes:.0f} MB, {channels} channel lines")
    print(f"counting lines   {megabytes / count:.0f} MB/s")
    print(
        f"reading          {rate:.0f} MB/s, {reading / count:.1f} times as long (goal: {GOAL_MB_S} MB/s)"
    )
    print(f"memory at peak   {peak / 1e6:.1f} MB, of it {8 * channels / 1e6:.1f} MB times")
    print("goal met" if rate >= GOAL_MB_S else "GOAL MISSED")


if __name__ == "__main__":
    main()
