"""Kill uploads at random moments, run them again to the end, and look for what was lost, doubled or left behind.

    nice python benchmarks/kill_uploads.py 200

Each experiment is uploaded by a user of its own to an embedded server in a process of its own; the upload is killed
(SIGKILL) one to three times at moments drawn over its whole length, each time started again, then runs to its end. Between,
the server may close the dead run's session, or the journal may be gone, as on another computer. Then all that the user's
group holds must equal what one upload leaves that nobody killed, and every plane what is in its file.
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from omero_embedded import Server  # noqa: E402
from pyomero_upload.example import make_example  # noqa: E402
from upload_lab import Lab, annotations, content, pixels_on_server  # noqa: E402

BETWEEN = ["nothing", "session closed", "journal gone", "session closed, journal gone"]
TABLE = "pyomero_upload/table"


def upload(words: list[str], environment: dict[str, str], said: Path) -> None:
    """Be `pyomero` in a process of its own, its imports done."""
    os.environ.clear()
    os.environ.update(environment)
    with said.open("a", encoding="utf-8") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        sys.argv = ["pyomero", *words]
        from pyomero_upload.cli import main  # noqa: PLC0415

        main()


def source(folder: Path) -> dict[str, Any]:
    """Return the pixels of the experiment by position, axes t, c, z, y, x; a plane that no file holds is zeros."""
    files = {
        (path.parent.name, *path.stem.split("_")[-3:]): path for path in folder.rglob("pos*/*.png")
    }
    positions, times, channels, sections = (sorted({key[n] for key in files}) for n in range(4))
    size = Image.open(next(iter(files.values()))).size
    found = {}
    for position in positions:
        pixels = np.zeros((len(times), len(channels), len(sections), *size[::-1]), np.uint16)
        for t, time_point in enumerate(times):
            for c, channel in enumerate(channels):
                for z, section in enumerate(sections):
                    path = files.get((position, time_point, channel, section))
                    if path:
                        pixels[t, c, z] = np.asarray(Image.open(path))
        found[position] = pixels
    return found


def tables(conn: Any, dataset: Any) -> Counter[Any]:
    """Return the rows of all tables of a Dataset, each with how many there are."""
    found: Counter[Any] = Counter()
    resources = conn.c.sf.sharedResources()
    for annotation in annotations(dataset, "FileAnnotation", TABLE):
        table = resources.openTable(annotation.getFile()._obj, conn.SERVICE_OPTS)  # noqa: SLF001
        rows = table.getNumberOfRows()
        if rows:
            columns = table.read(list(range(len(table.getHeaders()))), 0, rows).columns
            cells = [(c.name, tuple(map(str, c.values))) for c in columns]
            found[(annotation.getFile().getName(), *cells)] += 1
        table.close()
    return found


class Campaign:
    """One server, one experiment, many users."""

    def __init__(self, server: Server, home: Path, chance: random.Random) -> None:
        self.server, self.home, self.chance = server, home, chance
        self.folder = make_example(home / "experiment", positions=2, times=3, sections=3, size=48)
        self.pixels = source(self.folder)
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload(
            ["pyomero_upload.cli", "pyomero_upload.cli.upload", "omero.gateway", "omero.clients"]
        )
        self.refused = 0
        clean = self.lab("clean")
        another = self.lab("clean again")
        self.seconds = min(self.run(clean), self.run(another))
        self.wanted, self.tables = self.left(clean)
        assert self.left(another) == (self.wanted, self.tables), "two clean uploads differ"

    def lab(self, name: str) -> Lab:
        home = self.home / name
        home.mkdir()
        return Lab.found(self.server, home)

    def run(self, lab: Lab, kill_after: float | None = None) -> float:
        """Upload; return the seconds that it took, negative if it was killed."""
        process = self.processes.Process(
            target=upload,
            args=(["upload", str(self.folder)], lab.environment, lab.home / "said.txt"),
        )
        began = time.monotonic()
        process.start()
        process.join(120 if kill_after is None else kill_after)
        took = time.monotonic() - began
        if process.exitcode is None:
            process.kill()
            process.join()
            assert kill_after is not None, f"hangs: {lab.home / 'said.txt'}"
            return -took
        said = (lab.home / "said.txt").read_text("utf-8")
        if process.exitcode == 1 and "another session" in said.splitlines()[-2]:
            # Without the journal it cannot know that nobody is in the dead run's session, and waits until that is over.
            self.refused += 1
            lab.end_sessions()
            return self.run(lab, kill_after)
        assert process.exitcode == 0, said
        return took

    def left(self, lab: Lab) -> tuple[Counter[Any], Counter[Any]]:
        """Return what a user's group holds; stop if a plane is not that of its file."""
        with lab.gateway() as conn:
            (dataset,) = conn.getObjects(
                "Dataset", opts={"owner": conn.getUserId(), "group": lab.group}
            )
            images = {image.getName(): image for image in dataset.listChildren()}
            for name, pixels in self.pixels.items():
                wrong = int((pixels_on_server(images[name]) != pixels).any(axis=(-1, -2)).sum())
                assert not wrong, f"{name}: {wrong} planes are wrong"
            return content(conn), tables(conn, dataset)

    def killed(self, number: int, kills: int) -> tuple[Counter[str], list[str]]:
        """Kill an upload some times, run it to the end; return what happened, and what is wrong."""
        lab = self.lab(f"killed {number}")
        happened: Counter[str] = Counter()
        for _ in range(kills):
            if self.run(lab, self.chance.random() * self.seconds * 1.05) >= 0:
                happened["was at its end already"] += 1
                continue
            happened["killed"] += 1
            between = self.chance.choice(BETWEEN)
            happened[f"then: {between}"] += 1
            if "session" in between:
                lab.end_sessions()
            if "journal" in between:
                state = lab.state
                if state.exists():
                    state.rename(lab.home / f"state {time.monotonic_ns()}")
        try:
            self.run(lab)
            found, cells = self.left(lab)
        except AssertionError as error:
            return happened, [str(error)]
        wrong = [f"too many: {n} × {what}" for what, n in (found - self.wanted).items()]
        wrong += [f"missing: {n} × {what}" for what, n in (self.wanted - found).items()]
        wrong += [
            f"table differs: {what}" for what in (cells - self.tables) + (self.tables - cells)
        ]
        return happened, wrong


def main() -> None:
    """Run the campaign."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("kills", type=int, help="how many uploads to kill")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--minutes", type=float, default=15, help="stop then, with what there is")
    said = options.parse_args()
    end = time.monotonic() + said.minutes * 60
    happened: Counter[str] = Counter()
    wrong: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="kill-uploads-") as home,
        Server(Path(home) / "server") as server,
    ):
        chance = random.Random(said.seed)
        campaign = Campaign(server, Path(home), chance)
        print(f"one upload nobody kills: {campaign.seconds:.1f} s", flush=True)
        experiments = 0
        while happened["killed"] < said.kills and time.monotonic() < end:
            kills = min(chance.choice([1, 1, 2, 3]), said.kills - happened["killed"])
            did, is_wrong = campaign.killed(experiments, kills)
            happened += did
            experiments += 1
            for what in is_wrong:
                print(f"experiment {experiments - 1}, {dict(did)}: {what}", flush=True)
            wrong += is_wrong
            if experiments % 10 == 0:
                print(f"{happened['killed']} killed, {len(wrong)} wrong", flush=True)
    print(
        f"{experiments} experiments of {sum(p.size // p[0, 0, 0].size for p in campaign.pixels.values())} planes"
    )
    for what, count in sorted(happened.items()):
        print(f"{count:5} {what}")
    print(f"{campaign.refused:5} refused while a dead run's session lived; it was ended then")
    print(f"{len(wrong):5} things lost, doubled, wrong or left behind")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
