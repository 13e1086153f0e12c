"""The manifest: what an output holds, down to the digest of every plane and file.

Stands beside everything in `transfer`; written last, so an output with a manifest is complete. `manifest.json` holds it, and
`manifest.json.sha256` the digest of that file, as `sha256sum -c` takes it. The models are at the same time the lines of
the journal and the source of the JSON Schema in the documentation.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import xxhash
from pydantic import BaseModel, ConfigDict, ValidationError

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Problem, Sizes
from pyomero_upload.targets.files.durable import write_durably
from pyomero_upload.targets.target import FileDigest

MANIFEST = "manifest.json"
CHECKSUM = "manifest.json.sha256"


class _Part(BaseModel):
    """Frozen, and strict about names: a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlaneSizes(_Part):
    """Sizes of an image or of one of its resolutions."""

    t: int
    c: int
    z: int
    y: int
    x: int


class Level(_Part):
    """One resolution of an image.

    Attributes
    ----------
    path
        Of the array inside the image; empty for an image that is one file.
    sizes
        Numbers of planes and pixels.
    digests
        Of each plane, in the order t, c, z, z fastest.

    """

    path: str
    sizes: PlaneSizes
    digests: tuple[str, ...]


class SourcePlanes(_Part):
    """The planes that a processor made the image from: digests as they were read, in the order t, c, z."""

    sizes: PlaneSizes
    dtype: str
    digests: tuple[str, ...]


class BlankPlane(_Part):
    """A plane whose file could not be read, and which is zeros instead because the user asked for that."""

    t: int
    c: int
    z: int
    file: str
    message: str


class MissingPlane(_Part):
    """A plane that was expected and not there, and is zeros instead."""

    t: int
    c: int
    z: int


class ImageEntry(_Part):
    """One image of the output.

    Attributes
    ----------
    name, path
        Its name, and the file or folder that holds it.
    dtype
        NumPy's name of the pixel type.
    inputs
        Digest of what it was made from: names, sizes and times of files.
    metadata
        Digest of what is said about it.
    digest
        Digest of the digests of its planes at full size.
    levels
        Full size first.
    source
        What a processor was given; null without one.
    missing, blank
        Planes that are zeros because there was nothing to read.
    files
        All its files; for an image that is one file the path is empty.

    """

    name: str
    path: str
    dtype: str
    inputs: str
    metadata: str
    digest: str
    levels: tuple[Level, ...]
    source: SourcePlanes | None
    missing: tuple[MissingPlane, ...]
    blank: tuple[BlankPlane, ...]
    files: tuple[FileDigest, ...]


class FailedImage(_Part):
    """An image that is not in the output, and why."""

    name: str
    reasons: tuple[str, ...]


class Job(_Part):
    """What was asked for; an output goes on only with the same."""

    folder: str
    format: Literal["ome-zarr", "ome-tiff"]
    levels: int | None
    compression: str
    processor: str | None


class Manifest(_Part):
    """What an output holds.

    Attributes
    ----------
    schema_version
        Of this document; changes when a key changes its meaning.
    tool
        What made the output, with its version.
    plan
        Digest of the plan.
    digest_algorithm
        Of all digests but those of inputs and metadata, which say what was read and are for comparison alone.
    complete
        Whether all images of the plan are there.
    job
        What was asked for.
    images, failed
        What is there and what is not.
    files
        All files of the output that belong to no image, but the manifest itself.

    """

    schema_version: Literal[1] = 1
    tool: str
    plan: str
    digest_algorithm: Literal["xxh3-128"] = "xxh3-128"
    complete: bool
    job: Job
    images: tuple[ImageEntry, ...]
    failed: tuple[FailedImage, ...]
    files: tuple[FileDigest, ...]


def image_digest(plane_digests: Iterable[str]) -> str:
    """Return the digest of an image: that of its planes' digests, one after the other, order t, c, z."""
    return xxhash.xxh3_128_hexdigest("".join(plane_digests).encode("ascii"))


def plane_sizes(sizes: Sizes, *, y: int | None = None, x: int | None = None) -> PlaneSizes:
    """Return sizes as the manifest states them; `y` and `x` for another resolution."""
    return PlaneSizes(t=sizes.t, c=sizes.c, z=sizes.z, y=y or sizes.y, x=x or sizes.x)


def write_manifest(out: Path, manifest: Manifest) -> None:
    """Write the manifest and its checksum."""
    content = (manifest.model_dump_json(indent=1) + "\n").encode()
    write_durably(out / MANIFEST, content)
    write_durably(out / CHECKSUM, _checksum_line(content))


def read_manifest(out: Path) -> Manifest:
    """Read the manifest of an output.

    Raises
    ------
    PyomeroError
        If there is none, or it is not as it was written.

    """
    path = out / MANIFEST
    if not path.is_file():
        raise PyomeroError(
            f"{out} holds no {MANIFEST}: it is not a finished output.",
            hint="If it was interrupted, run the same convert command again to go on.",
            problems=(Problem("error", "manifest-missing", str(path), "There is no manifest."),),
        )
    content = path.read_bytes()
    checksum = out / CHECKSUM
    if not checksum.is_file() or checksum.read_bytes() != _checksum_line(content):
        raise damaged(path, f"{MANIFEST} and {CHECKSUM} do not fit each other.")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise damaged(path, f"It cannot be understood: {error}") from error


def damaged(path: Path, message: str) -> PyomeroError:
    """Return the error for a manifest that is not as it was written."""
    return PyomeroError(
        f"{path} is damaged: {message}",
        hint="Restore it from a copy, or convert into a new folder.",
        problems=(Problem("error", "manifest-damaged", str(path), message),),
    )


def _checksum_line(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode("ascii")


def zeros_in(image: ImageEntry) -> tuple[Problem, ...]:
    """Say which planes of an image are zeros because there was nothing to read: nobody sees that from the zeros."""
    told = []
    for code, planes, why in (
        ("missing-planes", image.missing, "their files were missing"),
        ("plane-left-blank", image.blank, "their files could not be read"),
    ):
        if planes:
            first = planes[0]
            t, c, z = (index + 1 for index in (first.t, first.c, first.z))
            message = (
                f"{len(planes)} of its planes are zeros because {why} "
                f"(the first: t={t} c={c} z={z}; counted from 1)."
            )
            hint = "The manifest lists them all."
            told.append(Problem("warning", code, image.name, message, hint))
    return tuple(told)
