# ruff: noqa: PLC0415  (contestants import what is theirs when it is their turn)
"""How fast a folder becomes a Dataset in OMERO, as ratios of what is possible and of what people do today.

Server and clients share this machine; all get the same planes, in the same run, each in a process of its own:

    python benchmarks/upload.py                       # 3 images of 1,800 planes
    python benchmarks/upload.py --memory 135 22500    # and the memory of uploads of so many small planes

- `tiff`: uncompressed TIFF in, against the best combination of stores, `setStack` and `setTimepoint` from memory;
- `png`: PNG in, against the obvious loop (imageio, `setPlane`, one plane after the other);
- `delay`: TIFF in through a proxy that makes a round trip of 20 ms, against the same through it without delay: to carry
  the bytes costs the machine something too.

Each round measures everyone once; the table gives medians of rounds. Planes a second say as much about the machine as
about the program: quote ratios. Needs the dependency group `benchmarks` (imageio).
"""

import argparse
import json
import os
import queue
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import WarmMemory

from omero_embedded import Server

TIMES, CHANNELS, SECTIONS, SIDE = 120, ("Brightfield", "DIC", "GFP"), 5, 512
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))


def make_folder(
    folder: Path, form: str, *, positions: int, times: int = TIMES, side: int = SIDE
) -> Path:
    """Write an experiment; planes look like a dim image of a microscope, of which PNG saves 40 %."""
    import imagecodecs
    import tifffile

    rng = np.random.default_rng(0)
    planes = [rng.poisson(900, (side, side)).astype(np.uint16) for _ in range(8)]
    first: dict[int, Path] = {}
    number = 0
    for position in range(1, positions + 1):
        place = folder / f"pos{position:03d}"
        place.mkdir(parents=True)
        for t in range(1, times + 1):
            for channel in CHANNELS:
                for z in range(1, SECTIONS + 1):
                    path = place / f"run_{t:06d}_{channel}_{z:03d}.{form}"
                    which = number % len(planes)
                    number += 1
                    if which in first:
                        os.link(first[which], path)
                        continue
                    first[which] = path
                    if form == "tif":
                        tifffile.imwrite(path, planes[which])
                    else:
                        path.write_bytes(imagecodecs.png_encode(planes[which], level=6))
    return folder


# ------------------------------------------------------------ contestants
def ours(server: "Where", folder: Path) -> int:
    """`pu.upload`, with everything that belongs to it."""
    import pyomero_upload as pu

    plan = pu.plan(folder)
    report = pu.upload(plan, server.settings)
    assert report.ok, report
    return report.planes


def from_memory(stores: int, call: str) -> Callable[["Where", Path], int]:
    """As many Images as the folder has, each written by several stores at once from pixels that are in memory, and saved."""

    def run(server: "Where", folder: Path) -> int:
        images = len(list(folder.iterdir()))
        client = server.client()
        pixels = np.random.default_rng(0).poisson(900, (len(CHANNELS), SECTIONS, SIDE, SIDE))
        block = pixels.astype(">u2")
        stack, timepoint = memoryview(block[0].tobytes()), memoryview(block.tobytes())
        for _ in range(images):
            pixels_id = _create(client, TIMES)
            opened = [client.sf.createRawPixelsStore() for _ in range(stores)]
            for store in opened:
                store.setPixelsId(pixels_id, False)
            if call == "setStack":
                calls = [(stack, 0, c, t) for t in range(TIMES) for c in range(len(CHANNELS))]
            else:
                calls = [(timepoint, t) for t in range(TIMES)]
            _all_at_once(opened, call, calls)
            for store in opened:
                store.close()
        client.closeSession()
        return images * TIMES * len(CHANNELS) * SECTIONS

    return run


def _all_at_once(stores: list[Any], call: str, calls: list[tuple[Any, ...]]) -> None:
    """Have each store make calls, a thread for each, until all are made."""
    left: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    for arguments in calls:
        left.put(arguments)

    def go_on(store: Any) -> None:
        while True:
            try:
                arguments = left.get_nowait()
            except queue.Empty:
                return
            getattr(store, call)(*arguments)

    threads = [threading.Thread(target=go_on, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def obvious(server: "Where", folder: Path) -> int:
    """Open each file with imageio and set its plane, one after the other."""
    import imageio.v3

    client = server.client()
    planes = 0
    for place in sorted(folder.iterdir()):
        pixels_id = _create(client, TIMES)
        store = client.sf.createRawPixelsStore()
        store.setPixelsId(pixels_id, False)
        for t in range(TIMES):
            for c, channel in enumerate(CHANNELS):
                for z in range(SECTIONS):
                    name = f"run_{t + 1:06d}_{channel}_{z + 1:03d}.png"
                    plane = imageio.v3.imread(place / name)
                    store.setPlane(plane.astype(">u2").tobytes(), z, c, t)
                    planes += 1
        store.save()
        store.close()
    client.closeSession()
    return planes


def _create(client: Any, times: int) -> int:
    import omero.sys

    query = client.sf.getQueryService()
    kind = query.findByString("PixelsType", "value", "uint16")
    image = client.sf.getPixelsService().createImage(
        SIDE, SIDE, SECTIONS, times, list(range(len(CHANNELS))), kind, "memory", ""
    )
    parameters = omero.sys.ParametersI().addId(image.val)
    rows = query.projection("select p.id from Pixels p where p.image.id = :id", parameters)
    return int(rows[0][0].val)


MEMORY = {
    f"{call} {stores} stores": from_memory(stores, call)
    for call in ("setStack", "setTimepoint")
    for stores in (1, 2, 4)
}
CONTESTANTS: dict[str, Callable[["Where", Path], int]] = {
    "ours": ours,
    "obvious": obvious,
    **MEMORY,
}


# ------------------------------------------------------------ running them
class Where:
    """A server, and how to log in there."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self.host, self.port, self.password = host, port, password

    @property
    def settings(self) -> Any:
        from pydantic import SecretStr

        from pyomero_upload.targets.omero.settings import ServerSettings

        return ServerSettings(self.host, self.port, user="root", password=SecretStr(self.password))

    def client(self) -> Any:
        import omero.clients

        client = omero.client(self.host, self.port)
        client.createSession("root", self.password)
        return client


def child(name: str, host: str, port: int, folder: str) -> None:
    """Run one contestant and print what it took."""
    where = Where(host, port, os.environ["BENCH_PASSWORD"])
    _import_all()
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.monotonic()
    planes = CONTESTANTS[name](where, Path(folder))
    seconds = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "rate": planes / seconds,
                "cpu": used.ru_utime + used.ru_stime,
                "peak_mb": used.ru_maxrss / 1024,
                "planes": planes,
            }
        ),
        flush=True,
    )
    # Ice's own threads need not be waited for.
    os._exit(0)


def _import_all() -> None:
    """Nobody's time to start counts."""
    import imageio.v3  # noqa: F401
    import omero.clients  # noqa: F401

    import pyomero_upload.planning
    import pyomero_upload.transfer.upload  # noqa: F401


def measure(
    name: str,
    host: str,
    server: Server,
    folder: Path,
    warm: WarmMemory,
    *,
    port: int | None = None,
) -> dict[str, float]:
    """Run one contestant in a process of its own, with a state folder that knows nothing."""
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, "-W", "ignore", __file__, "--child", name]
        environment = {
            **os.environ,
            "PYOMERO_STATE": state,
            "OMERO_USERDIR": state,
            "BENCH_PASSWORD": server.password,
        }
        running = subprocess.Popen(
            [*command, host, str(port or server.port), str(folder)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        running.stdout.readline()
        warm.fill()
        printed, _ = running.communicate("go\n")
    if running.returncode:
        raise SystemExit(f"{name} failed")
    return json.loads(printed.splitlines()[-1])


def forget_uploads(server: Server) -> None:
    """Delete all Datasets, so that the next upload begins anew."""
    client = server.client()
    import omero.cmd  # after omero.clients, which fills the module

    query = client.sf.getQueryService()
    for kind in ("Dataset", "Image"):
        ids = [row[0].val for row in query.projection(f"select o.id from {kind} o", None)]
        if ids:
            client.submit(omero.cmd.Delete2(targetObjects={kind: ids}), loops=600, ms=100)
    client.closeSession()


def rounds(
    server: Server, tiff: Path, png: Path, warm: WarmMemory, count: int
) -> dict[str, list[float]]:
    """Measure everyone once a round; return rates."""
    from proxy import Proxy

    rates: dict[str, list[float]] = {}
    for number in range(count):
        for name in MEMORY:
            rates.setdefault(name, []).append(
                measure(name, server.host, server, tiff, warm)["rate"]
            )
            forget_uploads(server)
        for label, name, folder in (
            ("ours, TIFF", "ours", tiff),
            ("ours, PNG", "ours", png),
            ("obvious, PNG", "obvious", png),
        ):
            rates.setdefault(label, []).append(
                measure(name, server.host, server, folder, warm)["rate"]
            )
            forget_uploads(server)
        for label, delay in (("ours, TIFF, proxy", 0.0), ("ours, TIFF, 20 ms", 0.01)):
            with Proxy(server.host, server.port, delay=delay) as between:
                rate = measure("ours", between.host, server, tiff, warm, port=between.port)["rate"]
                rates.setdefault(label, []).append(rate)
            forget_uploads(server)
        print(f"round {number + 1} of {count}", file=sys.stderr)
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--child", nargs=4, metavar=("NAME", "HOST", "PORT", "FOLDER"))
    parser.add_argument("--positions", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--memory", type=int, nargs="*", default=[], metavar="PLANES")
    asked = parser.parse_args()
    if asked.child:
        name, host, port, folder = asked.child
        child(name, host, int(port), folder)
        return
    with (
        tempfile.TemporaryDirectory() as home,
        Server(memory=True) as server,
        WarmMemory() as warm,
    ):
        if asked.rounds:
            tiff = make_folder(Path(home) / "tiff", "tif", positions=asked.positions)
            png = make_folder(Path(home) / "png", "png", positions=asked.positions)
            rates = rounds(server, tiff, png, warm, asked.rounds)
            medians = {name: statistics.median(found) for name, found in rates.items()}
            for name, rate in medians.items():
                print(f"{name:24} {rate:8.0f} planes/s")
            best = max(medians[name] for name in MEMORY)
            print(f"tiff:  {medians['ours, TIFF'] / best:.2f} of the best from memory (goal 0.85)")
            print(
                f"png:   {medians['ours, PNG'] / medians['obvious, PNG']:.2f} times the obvious loop (goal 4)"
            )
            print(
                f"delay: {medians['ours, TIFF, 20 ms'] / medians['ours, TIFF, proxy']:.2f} of the rate without (goal 0.8)"
            )
        for planes in asked.memory:
            times = max(1, planes // (len(CHANNELS) * SECTIONS))
            folder = make_folder(Path(home) / str(planes), "tif", positions=1, times=times, side=64)
            found = measure("ours", server.host, server, folder, warm)
            print(f"{found['planes']:6} planes: {found['peak_mb']:.0f} MB at most (goal 300)")


if __name__ == "__main__":
    main()
