"""The journal: what of a job is done, so that it can go on after any end.

Stands between the pipeline, which adds to it, and the next run, which reads it. One file of lines, each with its own digest:
a line that a crash cut off, and all after it, count as never written. Nothing in it is trusted to be on the disk:
the target compares each block's files with their digests before it believes in them. A finished image is brought to the
disk before its line is written, so it needs no more than a look at its files.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Annotated, Literal

import xxhash
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pyomero_upload.targets.target import BlockNote, Finished, LevelSize
from pyomero_upload.transfer.manifest import BlankPlane, ImageEntry, Job


class UploadJob(BaseModel):
    """What is uploaded where: the plan's digest, the server, and the Dataset on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    plan: str
    server: str
    dataset: int


class JobLine(BaseModel):
    """The first line: what the job is."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["job"] = "job"
    job: Job | UploadJob


class BlockLine(BaseModel):
    """A block was written.

    Attributes
    ----------
    image, block
        Which.
    inputs
        Digest of what it was made from.
    digests
        Of its planes, in the block's order.
    source_digests
        Of the planes that a processor was given, in the order t, c, z; empty without one.
    blank
        Planes of it that could not be read.
    note
        The target's.

    """

    model_config = ConfigDict(frozen=True)
    kind: Literal["block"] = "block"
    image: str
    block: int
    inputs: str
    digests: tuple[str, ...]
    source_digests: tuple[str, ...]
    blank: tuple[BlankPlane, ...]
    note: BlockNote


class ImageLine(BaseModel):
    """An image is complete and on the disk; it gets its final name next."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["image"] = "image"
    entry: ImageEntry


Line = Annotated[JobLine | BlockLine | ImageLine, Field(discriminator="kind")]
_LINES: TypeAdapter[JobLine | BlockLine | ImageLine] = TypeAdapter(Line)
_HEX = 16


@dataclass(slots=True)
class State:
    """What earlier runs did: the job, images that are complete, and blocks of those that are not."""

    job: Job | UploadJob | None = None
    images: dict[str, ImageEntry] = field(default_factory=dict)
    blocks: dict[str, dict[int, BlockLine]] = field(default_factory=dict)


def read_journal(path: Path) -> State:
    """Read what is whole of a journal; an empty state where there is none."""
    state = State()
    if not path.is_file():
        return state
    with path.open("rb") as file:
        for raw in file:
            line = _parse(raw)
            if line is None:
                break
            if isinstance(line, JobLine):
                state.job = line.job
            elif isinstance(line, BlockLine):
                state.blocks.setdefault(line.image, {})[line.block] = line
            else:
                state.images[line.entry.name] = line.entry
    return state


class Journal:
    """A journal open for adding; safe to use from several threads.

    Parameters
    ----------
    path
        The file. It is written anew with what is known, which also drops lines that a crash cut off.
    state
        What is known. Its job is not None.

    """

    def __init__(self, path: Path, state: State) -> None:
        assert state.job is not None
        lines: list[JobLine | BlockLine | ImageLine] = [JobLine(job=state.job)]
        lines += [ImageLine(entry=entry) for entry in state.images.values()]
        lines += [line for blocks in state.blocks.values() for line in blocks.values()]
        fresh = path.with_name(f".{path.name}.part")
        with fresh.open("wb") as file:
            file.writelines(_format(line) for line in lines)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._lock = Lock()
        self._file = path.open("ab", buffering=0)

    def block(self, line: BlockLine) -> None:
        """Note a block. It may be lost when the power goes, and is done again then."""
        with self._lock:
            self._file.write(_format(line))

    def image(self, entry: ImageEntry) -> None:
        """Note an image, and bring all notes to the disk."""
        with self._lock:
            self._file.write(_format(ImageLine(entry=entry)))
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def finished(entry: ImageEntry) -> Finished:
    """Return what a target said of an image when it was finished."""
    levels = tuple(LevelSize(level.path, level.sizes.y, level.sizes.x) for level in entry.levels)
    return Finished(entry.path, entry.files, levels)


def _format(line: JobLine | BlockLine | ImageLine) -> bytes:
    return _sealed(line.model_dump_json().encode())


def _sealed(content: bytes) -> bytes:
    return b"%s %s\n" % (xxhash.xxh3_64_hexdigest(content).encode("ascii"), content)


def _parse(raw: bytes) -> JobLine | BlockLine | ImageLine | None:
    """Return a line, or None where it is not whole."""
    content = raw[_HEX + 1 : -1]
    if raw != _sealed(content):
        return None
    try:
        return _LINES.validate_json(content)
    except ValidationError:
        # Whole, but of another version of this program: as good as never written.
        return None
