"""How fast planes get into the embedded server: setPlane, setStack and setTimepoint with 1, 2 and 4 stores.

    python benchmarks/pixels.py [--planes 300] [--insecure]

512×512 uint16 planes (5 z-sections, 3 channels) of a new image for each figure, over TLS unless told
otherwise, client and server each a process on the same machine. Each store has a thread and one call
under way. Figures are planes a second, the median of three runs.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import omero
import omero.model
import omero.sys
from machine import WarmMemory

from omero_embedded import Server

SIZE_X = SIZE_Y = 512
SIZE_Z, SIZE_C = 5, 3
RUNS = 3
# Planes a second of a real OMERO.server 5.6.16 on 2 cores, over TLS.
REAL = {
    "setPlane": {1: 385, 4: 321},
    "setStack": {1: 228, 2: 554, 4: 576},
    "setTimepoint": {1: 350, 2: 449, 4: 513},
}

Write = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planes", type=int, default=300)
    parser.add_argument("--insecure", action="store_true", help="plain tcp instead of TLS")
    arguments = parser.parse_args()
    size_t = arguments.planes // (SIZE_Z * SIZE_C)
    with (
        Server(memory=True) as server,
        tempfile.TemporaryDirectory() as home,
        WarmMemory() as warm,
    ):
        os.environ.setdefault("OMERO_USERDIR", home)
        client = omero.client(server.host, server.port)
        session = client.createSession(server.user, server.password)
        if arguments.insecure:
            client = client.createClient(secure=False)
            session = client.getSession()
        print(f"{'':14}{'1 store':>10}{'2 stores':>10}{'4 stores':>10}   planes a second")
        for name, known in REAL.items():
            rates = []
            for stores in (1, 2, 4):
                seen = [measure(session, warm, name, stores, size_t) for _ in range(RUNS)]
                rates.append(statistics.median(seen))
            print(f"{name:14}" + "".join(f"{rate:10.0f}" for rate in rates))
            row = "".join(f"{known.get(stores, '–'):>10}" for stores in (1, 2, 4))
            print(f"{'  real server':14}{row}")
        client.closeSession()


def measure(
    session: "omero.api.ServiceFactoryPrx", warm: WarmMemory, name: str, count: int, size_t: int
) -> float:
    """Write one image through `count` stores and return planes a second."""
    query = session.getQueryService()
    kind = query.findByQuery("from PixelsType where value = 'uint16'", None)
    image = session.getPixelsService().createImage(
        SIZE_X, SIZE_Y, SIZE_Z, size_t, list(range(SIZE_C)), kind, "benchmark", ""
    )
    parameters = omero.sys.ParametersI().addId(image.val)
    pixels = query.findByQuery("from Pixels where image.id = :id", parameters).id.val
    stores = []
    for _ in range(count):
        store = session.createRawPixelsStore()
        store.setPixelsId(pixels, False)
        stores.append(store)
    calls = [list(writes(store, name, size_t))[k::count] for k, store in enumerate(stores)]
    threads = [threading.Thread(target=run, args=(part,)) for part in calls]
    warm.fill()
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    for store in stores:
        store.close()
    return SIZE_Z * SIZE_C * size_t / seconds


def writes(store: "omero.api.RawPixelsStorePrx", name: str, size_t: int) -> Iterator[Write]:
    """Yield the calls that write a whole image."""
    planes = {"setPlane": 1, "setStack": SIZE_Z, "setTimepoint": SIZE_Z * SIZE_C}[name]
    values = np.random.default_rng(1).integers(0, 4096, SIZE_X * SIZE_Y * planes)
    data = values.astype(">u2").tobytes()
    for t in range(size_t):
        if name == "setTimepoint":
            yield lambda t=t: store.setTimepoint(data, t)
            continue
        for c in range(SIZE_C):
            if name == "setStack":
                yield lambda c=c, t=t: store.setStack(data, 0, c, t)
                continue
            for z in range(SIZE_Z):
                yield lambda z=z, c=c, t=t: store.setPlane(data, z, c, t)


def run(calls: list[Write]) -> None:
    for call in calls:
        call()


if __name__ == "__main__":
    main()
