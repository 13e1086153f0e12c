"""What lies beside the images: tables as CSV, the plane list, the original text files, the RO-Crate.

Stands after the images: written when they are done, each file whole or not at all, each with its digest.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Hypercube, Plan, PlaneInfo, Problem
from pyomero_upload.targets.digest import PartsDigest, bytes_digest
from pyomero_upload.targets.files.durable import remove, write_durably
from pyomero_upload.targets.files.names import safe_names, safe_path
from pyomero_upload.targets.files.ro_crate import CRATE, crate_json
from pyomero_upload.targets.target import FileDigest

TABLES = "tables"
ORIGINALS = "original"
PLANES = "planes.csv"
PLANE_COLUMNS = (
    "image",
    "t",
    "c",
    "z",
    "channel",
    "source_file",
    "source_page",
    "acquired",
    "delta_t_s",
    "exposure_ms",
    "stage_x_um",
    "stage_y_um",
    "stage_z_um",
)


def write_sidecars(
    out: Path,
    plan: Plan,
    image_paths: Mapping[str, str],
    read_original: Callable[[str], Iterable[bytes]] | None = None,
) -> tuple[FileDigest, ...]:
    """Write all of them, in place of those of an earlier run.

    Parameters
    ----------
    out
        The output folder.
    plan
        What they say.
    image_paths
        For the name of each image that is there: its path in the output.
    read_original
        Gives the bytes of an attachment of the plan, in parts; None: they are files in its folder.

    Raises
    ------
    PyomeroError
        If an original file cannot be read.

    """
    for folder in (TABLES, ORIGINALS):
        remove(out / folder)
    read = read_original or (lambda path: [_read_original(plan.source.folder / path)])
    written = []
    for name, content in _contents(plan, image_paths, read):
        digest = PartsDigest(name)
        write_durably(out / name, digest.over(content))
        written.append(digest.result())
    crate = crate_json(plan, image_paths, [file.path for file in written])
    write_durably(out / CRATE, crate)
    return (*written, bytes_digest(crate, CRATE))


def _contents(
    plan: Plan, image_paths: Mapping[str, str], read: Callable[[str], Iterable[bytes]]
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Iterate over paths and contents, in parts, of all files but the crate."""
    tables = plan.dataset.tables
    for table, name in zip(tables, safe_names(table.name for table in tables), strict=True):
        text = table.frame.to_csv(index=False, lineterminator="\n")
        yield f"{TABLES}/{name}.csv", [text.encode("utf-8", "backslashreplace")]
    for path, name in zip(plan.dataset.attachments, _original_paths(plan), strict=True):
        yield f"{ORIGINALS}/{name}", read(path)
    yield PLANES, [_plane_list(plan, image_paths)]


def _original_paths(plan: Plan) -> tuple[str, ...]:
    """Return where each original goes: its own path, unless that cannot be stored or two would be one."""
    paths = [safe_path(path) for path in plan.dataset.attachments]
    if len({path.casefold() for path in paths}) == len(paths):
        return tuple(paths)
    return safe_names(path.replace("/", "_") for path in plan.dataset.attachments)


def _read_original(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        hint = "Put it back, or plan again without it; the images are done already."
        raise PyomeroError(
            message,
            hint=hint,
            problems=(Problem("error", "unreadable-file", str(path), message, hint),),
        ) from error


def _plane_list(plan: Plan, image_paths: Mapping[str, str]) -> bytes:
    """Return a row for each plane: where it comes from, when and where it was taken."""
    content = io.BytesIO()
    text = io.TextIOWrapper(content, encoding="utf-8", errors="backslashreplace", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(PLANE_COLUMNS)
    for image in plan.images:
        if image.name in image_paths:
            writer.writerows(_rows(image))
    text.flush()
    return content.getvalue()


def _rows(image: Hypercube) -> Iterator[tuple[object, ...]]:
    for index in image.indexes():
        where = image.planes.get(index)
        info = image.plane_infos.get(index, PlaneInfo())
        yield (
            image.name,
            index.t,
            index.c,
            index.z,
            image.channels[index.c].name,
            where.path if where else None,
            where.page if where else None,
            info.acquired.isoformat() if info.acquired else None,
            info.delta_t_s,
            info.exposure_ms,
            info.stage.x,
            info.stage.y,
            info.stage.z,
        )
