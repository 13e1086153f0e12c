"""What a plan says of a Dataset and its Images, compared item by item with what the server says.

Stands below `verify_omero`. What the plan knows must be on the server as it is there stored; what the server knows
besides (somebody's tag of yesterday) is told, and is no error.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import NamedTuple

from pyomero_upload.model import Hypercube, Plan, PlaneIndex, PlaneInfo, Point, Problem, Table
from pyomero_upload.targets.omero.annotations import dataset_key_values, image_key_values
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.images import DEFAULT_COLOR, known_of_plane
from pyomero_upload.targets.omero.objects import server_text
from pyomero_upload.targets.omero.reading import ServerImage, ServerObject, clock
from pyomero_upload.targets.omero.said import Attachment, Said, file_parts
from pyomero_upload.targets.omero.table_frames import read_table
from pyomero_upload.targets.omero.tables import table_columns

# Units are converted on the way there and back.
NEARLY = 1e-9
READ_BYTES = 1 << 20


class _Item(NamedTuple):
    """One thing that is said: what it is about, what was said, and what the server says."""

    what: str
    wanted: object
    found: object


def compare_dataset(
    connection: Connection, dataset: ServerObject, said: Said, plan: Plan
) -> Iterator[Problem]:
    """Iterate over what is said otherwise of a Dataset than by its plan: name, description, annotations."""
    where = f"Dataset:{dataset.id}"
    items = [
        _Item("name", server_text(plan.dataset.name), dataset.name),
        _Item("description", server_text(plan.dataset.description), dataset.description),
    ]
    yield from _differing(where, items)
    yield from _tags(where, plan.dataset.tags, said)
    yield from _key_values(where, dataset_key_values(plan.dataset), said)
    yield from _tables(connection, where, plan.dataset.tables, said.tables)
    yield from _attachments(connection, where, plan, said.attachments)


def compare_image(
    image: ServerImage, said: Said, wanted: Hypercube, plan: Plan
) -> Iterator[Problem]:
    """Iterate over what is said otherwise of an Image, its channels and planes than by its plan."""
    found = image.image
    where = f"{wanted.name} ({image.where})"
    acquired = clock(said.provenance) or found.acquired
    items = [
        _Item("name", server_text(wanted.name), found.name),
        _Item("sizes t, c, z, y, x", tuple(wanted.sizes), tuple(found.sizes)),
        _Item("pixel type", wanted.dtype, found.dtype),
        *_axes("physical size", wanted.physical_size_um, found.physical_size_um, "µm"),
        _Item("time increment (s)", wanted.time_increment_s, found.time_increment_s),
        *_axes("stage position", wanted.stage, found.stage, "µm"),
        _Item("acquisition date", wanted.acquired, acquired),
    ]
    for number, channel in enumerate(wanted.channels[: len(found.channels)]):
        there = found.channels[number]
        name = f"channel {number}"
        items += [
            _Item(f"{name} name", server_text(channel.title), there.title),
            _Item(f"{name} color", (channel.color or DEFAULT_COLOR).upper(), there.color),
            _Item(f"{name} excitation (nm)", channel.excitation_nm, there.excitation_nm),
            _Item(f"{name} emission (nm)", channel.emission_nm, there.emission_nm),
            _Item(f"{name} gain", channel.em_gain, there.em_gain),
            _Item(f"{name} LED voltage (V)", channel.voltage_v, there.voltage_v),
        ]
    yield from _differing(where, items)
    if wanted.sizes == found.sizes:
        yield from _plane_infos(wanted, found)
    yield from _key_values(where, image_key_values(plan.dataset, wanted), said)


def _plane_infos(wanted: Hypercube, found: Hypercube) -> Iterator[Problem]:
    for index in wanted.indexes():
        expected = known_of_plane(wanted, index)
        if expected == PlaneInfo():
            continue
        there = found.plane_infos.get(index, PlaneInfo())
        items = [
            _Item("time (s)", expected.delta_t_s, there.delta_t_s),
            _Item("exposure (ms)", expected.exposure_ms, there.exposure_ms),
            *_axes("stage position", expected.stage, there.stage, "µm"),
        ]
        yield from _differing(_plane(wanted, index), items)


def _plane(image: Hypercube, index: PlaneIndex) -> str:
    return f"{image.name} t={index.t} c={index.c} z={index.z}"


def _axes(what: str, wanted: Point, found: Point, unit: str) -> Iterator[_Item]:
    for axis, expected, there in zip("XYZ", wanted, found, strict=True):
        yield _Item(f"{what} {axis} ({unit})", expected, there)


def _differing(where: str, items: Iterable[_Item]) -> Iterator[Problem]:
    for item in items:
        if item.wanted is not None and not _same(item.wanted, item.found):
            found = "nothing" if item.found is None else _shown(item.found)
            yield Problem(
                "error",
                "metadata-differs",
                where,
                f"Its {item.what} is {found} on the server, not {_shown(item.wanted)}.",
                "Somebody may have changed it on the server on purpose.",
            )


def _same(wanted: object, found: object) -> bool:
    if isinstance(wanted, float) and isinstance(found, float):
        both_nan = math.isnan(wanted) and math.isnan(found)
        return both_nan or math.isclose(wanted, found, rel_tol=NEARLY, abs_tol=NEARLY)
    return wanted == found


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def _tags(where: str, wanted: Sequence[str], said: Said) -> Iterator[Problem]:
    expected = {text for tag in wanted if (text := server_text(tag).strip())}
    found = {tag.text for tag in said.tags}
    for text in sorted(expected - found):
        yield _missing("tag-missing", where, f"The tag {text!r} is not on it.")
    for text in sorted(found - expected):
        yield _more(
            "tag-unknown", where, f"The tag {text!r} is on it, which the source does not have."
        )


def _key_values(where: str, wanted: Iterable[tuple[str, str]], said: Said) -> Iterator[Problem]:
    expected = Counter((server_text(str(k)), server_text(str(v))) for k, v in wanted)
    found = Counter(said.key_values)
    more = found - expected
    for key, value in expected - found:
        others = [pair for pair in more if pair[0] == key]
        if others:
            del more[others[0]]
            yield _missing(
                "key-value-differs",
                where,
                f"{key!r} is {others[0][1]!r} on the server, not {value!r}.",
            )
        else:
            yield _missing("key-value-missing", where, f"{key!r}: {value!r} is not on it.")
    for key, value in more:
        yield _more(
            "key-value-unknown",
            where,
            f"{key!r}: {value!r} is on it, which the source does not have.",
        )


def _tables(
    connection: Connection, where: str, wanted: Sequence[Table], found: Sequence[Attachment]
) -> Iterator[Problem]:
    left = list(found)
    for table in wanted:
        if not len(table.frame.columns):
            continue
        there = next((file for file in left if file.name == server_text(table.name)), None)
        if there is None:
            yield _missing("table-missing", where, f"The table {table.name!r} is not on it.")
        else:
            left.remove(there)
            yield from _cells(connection, where, table, there)
    for file in left:
        yield _more(
            "table-unknown",
            where,
            f"The table {file.name!r} is on it, which the source does not have.",
        )


def _cells(connection: Connection, where: str, table: Table, file: Attachment) -> Iterator[Problem]:
    """Compare a table cell by cell, as values of the types that the server keeps."""
    frame = read_table(connection, file.id)
    columns = table_columns(table.frame)
    names = [server_text(str(name)) for name in table.frame.columns]
    shape, wanted = (len(frame), len(frame.columns)), (len(table.frame), len(names))
    if shape != wanted:
        yield _missing(
            "table-differs",
            where,
            f"The table {table.name!r} has {shape[0]} rows and {shape[1]} columns on the server, not "
            f"{wanted[0]} and {wanted[1]}.",
        )
        return
    for number, (name, column) in enumerate(zip(names, columns, strict=True)):
        there = str(frame.columns[number])
        if there != name:
            yield _missing(
                "table-differs",
                where,
                f"Column {number + 1} of the table {table.name!r} is called {there!r} on the server, not {name!r}.",
            )
        for row, (expected, value) in enumerate(
            zip(column.values, frame.iloc[:, number].tolist(), strict=True), 1
        ):
            if not _same(expected, value):
                yield _missing(
                    "table-differs",
                    where,
                    f"Row {row} of {name!r} in the table {table.name!r} is {value!r} on the server, not {expected!r}.",
                )


def _attachments(
    connection: Connection, where: str, plan: Plan, found: Sequence[Attachment]
) -> Iterator[Problem]:
    there: dict[str, list[Attachment]] = {}
    for file in found:
        there.setdefault(file.name, []).append(file)
    for path in plan.dataset.attachments:
        files = there.get(PurePosixPath(server_text(path)).name, [])
        if not files:
            yield _missing("attachment-missing", where, f"The file {path} is not attached to it.")
            continue
        try:
            digest = _sha1(plan, path)
        except OSError as error:
            yield Problem("error", "unreadable-file", path, f"It cannot be read: {error.strerror}.")
            continue
        if digest not in {file.sha1 or _sha1_on_server(connection, file) for file in files}:
            yield _missing(
                "attachment-differs", where, f"The file {path} is not what is attached to it."
            )


def _sha1_on_server(connection: Connection, file: Attachment) -> str:
    """Return the SHA-1 of a file for which the server holds none."""
    hasher = hashlib.sha1(usedforsecurity=False)
    for part in file_parts(connection, file):
        hasher.update(part)
    return hasher.hexdigest()


def _sha1(plan: Plan, path: str) -> str:
    hasher = hashlib.sha1(usedforsecurity=False)
    with (plan.source.folder / path).open("rb") as file:
        while part := file.read(READ_BYTES):
            hasher.update(part)
    return hasher.hexdigest()


def _missing(code: str, where: str, message: str) -> Problem:
    return Problem(
        "error", code, where, message, "Somebody may have changed it on the server on purpose."
    )


def _more(code: str, where: str, message: str) -> Problem:
    return Problem("warning", code, where, message)
