# ruff: noqa: A002, PLC0415  (contestants import what is theirs when it is their turn)
"""How fast a folder becomes OME-Zarr, as ratios of what is possible and of what people do today.

All contestants get the same files, in the same run, each in a process of its own:

    python benchmarks/convert.py ../shared/data/demo                          # 2,700 planes
    python benchmarks/convert.py ../shared/data/demo --steady 22500           # and memory at 135 and 22,500 planes

The limit is what decoding alone and encoding alone, from memory on all cores, allow together. Each round measures everyone
once; the table gives medians of rounds. Planes a second say as much about the machine as about the program: quote ratios.
CPU time a plane, which a busy machine disturbs less, stands beside them.
Needs the dependency group `bench` (zarr, ome-writers, imageio).
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SECTIONS, CHANNELS = 5, ("Brightfield", "DIC", "GFP")
PLANES_A_TIME = SECTIONS * len(CHANNELS)
PLANES_A_POSITION = 1125


def make_folder(demo: Path, folder: Path, planes: int) -> Path:
    """Repeat the demo's planes, as links to the same bytes, until there are so many."""
    sources = sorted(path for path in demo.glob("pos*/*") if path.suffix == ".png")
    positions = max(1, planes // PLANES_A_POSITION)
    times = planes // positions // PLANES_A_TIME
    number = 0
    for position in range(positions):
        place = folder / f"pos{position + 1:03d}"
        place.mkdir(parents=True)
        for time_point in range(times):
            for channel in CHANNELS:
                for section in range(SECTIONS):
                    name = f"run_{time_point + 1:06d}_{channel}_{section + 1:03d}.png"
                    source = sources[number % len(sources)]
                    number += 1
                    try:
                        os.link(source, place / name)
                    except OSError:
                        shutil.copy(source, place / name)
    return folder


def ours(format: str, compression: str) -> Callable[[Path, Path], int]:
    def run(folder: Path, out: Path) -> int:
        import pyomero_upload as pu

        report = pu.convert(pu.plan(folder), out, format=format, compression=compression)
        assert report.ok
        return report.planes

    return run


def positions_of(folder: Path) -> list[list[Path]]:
    return [sorted(place.iterdir(), key=_order) for place in sorted(folder.iterdir())]


def _order(path: Path) -> tuple[int, str, int]:
    _, time_point, channel, section = path.stem.split("_")
    return int(time_point), channel, int(section)


def sequence_and_zarr(imread: str) -> Callable[[Path, Path], int]:
    """Read a position with tifffile.TiffSequence, write it with zarr-python, a shard a time point."""

    def run(folder: Path, out: Path) -> int:
        import imageio.v3
        import tifffile
        import zarr

        count = 0
        for number, files in enumerate(positions_of(folder)):
            if imread == "imageio":
                pixels = tifffile.TiffSequence(files, imread=imageio.v3.imread).asarray(
                    ioworkers=os.cpu_count()
                )
            else:
                import imagecodecs

                pixels = tifffile.TiffSequence(files, imread=imagecodecs.imread).asarray(
                    ioworkers=os.cpu_count()
                )
            shape = (-1, len(CHANNELS), SECTIONS, *pixels.shape[1:])
            pixels = pixels.reshape(shape)
            array = zarr.create_array(
                str(out / f"{number}.zarr"),
                shape=pixels.shape,
                dtype=pixels.dtype,
                chunks=(1, 1, 1, *pixels.shape[3:]),
                shards=(1, *pixels.shape[1:]),
                compressors=zarr.codecs.BloscCodec(cname="lz4", shuffle="bitshuffle"),
            )
            array[:] = pixels
            count += len(files)
        return count

    return run


def ome_writers(folder: Path, out: Path) -> int:
    """Decode with imagecodecs in threads, stream to ome-writers."""
    import imagecodecs
    from ome_writers import AcquisitionSettings, Dimension, OmeZarrFormat, create_stream

    count = 0
    for number, files in enumerate(positions_of(folder)):
        first = imagecodecs.imread(files[0])
        height, width = first.shape
        dimensions = [
            Dimension(name="t", count=len(files) // PLANES_A_TIME, chunk_size=1, type="time"),
            Dimension(
                name="c",
                count=len(CHANNELS),
                chunk_size=1,
                shard_size_chunks=len(CHANNELS),
                type="channel",
            ),
            Dimension(
                name="z", count=SECTIONS, chunk_size=1, shard_size_chunks=SECTIONS, type="space"
            ),
            Dimension(name="y", count=height, chunk_size=height, type="space"),
            Dimension(name="x", count=width, chunk_size=width, type="space"),
        ]
        settings = AcquisitionSettings(
            root_path=str(out / f"{number}.ome.zarr"),
            dimensions=dimensions,
            dtype=first.dtype.name,
            format=OmeZarrFormat(backend="tensorstore"),
            compression="blosc-lz4",
        )
        with create_stream(settings) as stream, ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(files), 64):
                for plane in pool.map(imagecodecs.imread, files[start : start + 64]):
                    stream.append(plane)
                    count += 1
    return count


def limit(demo: Path, planes: int) -> dict[str, float]:
    """Measure decoding alone and encoding alone, from memory on all cores."""
    import imagecodecs

    contents = [path.read_bytes() for path in sorted(demo.glob("pos*/*.png"))]
    decoded = [imagecodecs.png_decode(content) for content in contents]

    def encode(plane: object) -> bytes:
        return imagecodecs.blosc_encode(
            plane, level=5, compressor="lz4", shuffle=2, typesize=2, numthreads=1
        )

    rates = {"cpu_ms": 0.0}
    for name, work, items in (
        ("decode", imagecodecs.png_decode, contents),
        ("encode", encode, decoded),
    ):
        many = [items[n % len(items)] for n in range(planes)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            before, started = _cpu_seconds(), time.perf_counter()
            for _ in pool.map(lambda item, work=work: len(work(item)), many):
                pass
            rates[name] = planes / (time.perf_counter() - started)
            rates["cpu_ms"] += (_cpu_seconds() - before) / planes * 1e3
    rates["planes_per_s"] = 1 / (1 / rates["decode"] + 1 / rates["encode"])
    return rates


CONTESTANTS: dict[str, Callable[[Path, Path], int]] = {
    "ours, OME-Zarr lz4": ours("ome-zarr", "lz4"),
    "ours, OME-TIFF": ours("ome-tiff", "none"),
    "TiffSequence(imagecodecs) + zarr": sequence_and_zarr("imagecodecs"),
    "TiffSequence(imageio) + zarr": sequence_and_zarr("imageio"),
    "imagecodecs + ome-writers": ome_writers,
}


def child(name: str, folder: Path, out: Path) -> None:
    """Run one contestant and print what it took, without imports: a first run on few planes has done them."""
    few = Path(tempfile.mkdtemp())
    make_folder(folder, few / "in", PLANES_A_TIME)
    CONTESTANTS[name](few / "in", few / "out")
    shutil.rmtree(few)
    before = _cpu_seconds()
    started = time.perf_counter()
    planes = CONTESTANTS[name](folder, out)
    seconds = time.perf_counter() - started
    cpu = _cpu_seconds() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1e6 if sys.platform == "darwin" else 1e3
    )
    print(
        json.dumps(
            {"planes_per_s": planes / seconds, "cpu_ms": cpu / planes * 1e3, "peak_mb": peak}
        )
    )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(name: str, folder: Path, place: Path) -> dict[str, float]:
    out = place / "out"
    command = [sys.executable, __file__, str(folder), "--child", name, "--out", str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    shutil.rmtree(out, ignore_errors=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demo", type=Path, help="folder of the demo planes")
    parser.add_argument("--planes", type=int, default=2700)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--steady", type=int, help="also compare memory and speed at 135 and so many planes"
    )
    parser.add_argument("--only", nargs="*", default=list(CONTESTANTS), help="contestants")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.demo, args.out)
        return
    figures: dict[str, object] = {
        "planes": args.planes,
        "rounds": args.rounds,
        "cores": os.cpu_count(),
    }
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        folder = make_folder(args.demo, place / "in", args.planes)
        rounds: list[dict[str, dict[str, float]]] = []
        for number in range(args.rounds):
            found = {"limit": limit(args.demo, args.planes)}
            found |= {name: measure(name, folder, place) for name in args.only}
            rounds.append(found)
            print(
                f"round {number + 1}:",
                {k: round(v["planes_per_s"]) for k, v in found.items()},
                file=sys.stderr,
            )
        figures["contestants"] = _table(rounds)
        if args.steady:
            figures["steady"] = _steady(args.demo, place, args.steady)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _table(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Print medians, and ratios that are taken within each round."""
    today = [name for name in rounds[0] if "+" in name]
    rows = {}
    print(f"{'':36}{'planes/s':>9}{'of limit':>10}{'of best today':>15}{'CPU ms':>8}{'peak MB':>9}")
    for name in rounds[0]:
        rate = statistics.median(found[name]["planes_per_s"] for found in rounds)
        of_limit = statistics.median(
            found[name]["planes_per_s"] / found["limit"]["planes_per_s"] for found in rounds
        )
        best = [
            max((found[other]["planes_per_s"] for other in today), default=0) for found in rounds
        ]
        of_best = statistics.median(
            found[name]["planes_per_s"] / most if most else 0
            for found, most in zip(rounds, best, strict=True)
        )
        peak = statistics.median(found[name].get("peak_mb", 0) for found in rounds)
        cpu = statistics.median(found[name]["cpu_ms"] for found in rounds)
        rows[name] = {
            "planes_per_s": rate,
            "of_limit": of_limit,
            "of_best_today": of_best,
            "cpu_ms": cpu,
            "peak_mb": peak,
        }
        print(f"{name:36}{rate:9.0f}{of_limit:10.2f}{of_best:15.2f}{cpu:8.2f}{peak:9.0f}")
    return rows


def _steady(demo: Path, place: Path, planes: int) -> dict[str, dict[str, float]]:
    """Print peak memory and speed of a small and a large job."""
    rows = {}
    for count in (135, planes):
        folder = make_folder(demo, place / f"steady-{count}", count)
        rows[str(count)] = measure("ours, OME-Zarr lz4", folder, place)
        row = rows[str(count)]
        print(
            f"{count:6} planes: {row['planes_per_s']:6.0f} planes/s, peak {row['peak_mb']:.0f} MB"
        )
    ratio = rows[str(planes)]["peak_mb"] / rows["135"]["peak_mb"]
    print(f"peak memory, large to small: {ratio:.2f}")
    return rows


if __name__ == "__main__":
    main()
