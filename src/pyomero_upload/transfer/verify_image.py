"""Looking at one Image on a server: its digests, and where its source is given its planes and what is said of it.

Stands below `verify_omero`, which looks at all Images of a Dataset, several at once.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pyomero_upload.errors import PyomeroError
from pyomero_upload.model import Hypercube, Plan, PlaneIndex, Problem
from pyomero_upload.processing import load_processor
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.provenance import BLANK, COMPLETE, SHA1, STATE
from pyomero_upload.targets.omero.raw_planes import PixelSource
from pyomero_upload.targets.omero.reading import ServerImage, read_image
from pyomero_upload.targets.omero.said import Attachment, Said, file_parts
from pyomero_upload.transfer.compare_omero import compare_image
from pyomero_upload.transfer.planes import ImageFailedError, ImageInput, StoppedError
from pyomero_upload.transfer.progress import Meter, plane_count
from pyomero_upload.transfer.storage_order import in_storage_order, stored_bytes

HINT = "Upload again into a new Dataset, or restore the server's data from a backup."


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """Looks at Images; called from several threads.

    Attributes
    ----------
    connection, pixels
        Whom to ask, and what reads planes.
    plan
        Of the source, where there is one.
    meter, stop
        Counts planes; set to end at the next plane.

    """

    connection: Connection
    pixels: PixelSource
    plan: Plan | None
    meter: Meter
    stop: threading.Event

    def problems(
        self,
        image: ServerImage,
        said: Said,
        wanted: tuple[Hypercube, Hypercube] | None,
        label: str,
    ) -> list[Problem]:
        """Return what is wrong with an Image.

        Parameters
        ----------
        image, said
            The Image, and what is said of it.
        wanted
            What it should be by the plan, and what that is made from.
        label
            What to call it.

        """
        noted = dict(said.provenance)
        if image.sha1 is None or noted.get(STATE, COMPLETE) != COMPLETE:
            # To read it could keep the upload from going on.
            return [
                Problem(
                    "error",
                    "image-incomplete",
                    label,
                    "It was never completed.",
                    "Run the same upload command again; it is made anew then.",
                )
            ]
        now = self.pixels.digest(image.pixels.id)
        found = list(self._digests(image, noted, now, label))
        if wanted is not None and self.plan is not None:
            expected, origin = wanted
            if (expected.sizes, expected.dtype) == (image.image.sizes, image.image.dtype):
                work = _work(expected, origin, self.plan, blank=BLANK in noted)
                found += self._planes(image, work, now, label)
            # Only now with its planes' times and places, which for all Images at once would not fit into memory.
            whole = read_image(self.connection, image.id)
            found += compare_image(whole, said, expected, self.plan)
        else:
            self.meter.found_done(label, plane_count(image.image))
        found += damaged_files(self.connection, said.attachments, label)
        return found

    def _digests(
        self, image: ServerImage, noted: Mapping[str, str], now: str, label: str
    ) -> Iterator[Problem]:
        """Compare what the server's pixels are now with what the server and the upload noted."""
        if image.sha1 not in {now, self._in_file_order(image, now)}:
            yield Problem(
                "error",
                "image-differs",
                label,
                "The server's pixels are not what it noted when they were written.",
                HINT,
            )
        sent = noted.get(SHA1)
        if sent is None and image.fileset is None:
            yield Problem(
                "info",
                "image-unknown",
                label,
                "Nothing notes what was sent: another program made it. It was compared with the server's own note alone.",
            )
        elif sent not in {None, image.sha1}:
            yield Problem(
                "error", "image-differs", label, "The server's pixels are not what was sent.", HINT
            )

    def _in_file_order(self, image: ServerImage, now: str) -> str:
        """Return the digest of an Image in the byte order of the files that it was imported from, which the server notes."""
        if image.fileset is None or image.sha1 == now:
            return now
        hasher = hashlib.sha1(usedforsecurity=False)
        little = image.pixels.stored_dtype.newbyteorder("<")
        for index in image.image.indexes():
            if self.stop.is_set():
                raise StoppedError
            (plane,) = self.pixels.planes(image.pixels, [index])
            hasher.update(plane.astype(little).tobytes())
        return hasher.hexdigest()

    def _planes(
        self, image: ServerImage, work: ImageInput, now: str, label: str
    ) -> Iterator[Problem]:
        """Compare an Image with its source: by one digest, and where that differs plane by plane."""
        expected = work.image
        hasher = hashlib.sha1(usedforsecurity=False)
        digests: dict[PlaneIndex, bytes] = {}
        try:
            for index, pixels in in_storage_order(work, self._counting(label)):
                content = stored_bytes(expected, pixels)
                hasher.update(content)
                digests[index] = hashlib.sha1(content, usedforsecurity=False).digest()
        except ImageFailedError as error:
            yield error.problem
            return
        if hasher.hexdigest() == now:
            return
        for index in expected.indexes():
            if self.stop.is_set():
                raise StoppedError
            (found,) = self.pixels.planes(image.pixels, [index])
            content = stored_bytes(expected, found)
            if hashlib.sha1(content, usedforsecurity=False).digest() != digests[index]:
                yield Problem(
                    "error",
                    "plane-differs",
                    f"{expected.name} t={index.t} c={index.c} z={index.z}",
                    f"Its pixels on the server ({image.where}) are not those of the folder.",
                    HINT,
                )

    def _counting(self, label: str) -> Callable[[], None]:
        def plane_done() -> None:
            self.meter.plane_done(label)
            if self.stop.is_set():
                raise StoppedError

        return plane_done


def unreadable_images(errors: Iterable[PyomeroError], where: str) -> Iterator[Problem]:
    """Iterate over Images that have no pixels, or none that can be read here."""
    for error in errors:
        yield Problem("error", "image-unreadable", where, error.message, error.hint)


def damaged_files(
    connection: Connection, files: Iterable[Attachment], where: str
) -> Iterator[Problem]:
    """Read files and iterate over those that do not have the checksum that the server holds."""
    for file in files:
        try:
            for _ in file_parts(connection, file):
                pass
        except PyomeroError as error:  # noqa: PERF203 - a few files
            yield Problem("error", "attachment-differs", where, error.message, error.hint)


def _work(expected: Hypercube, origin: Hypercube, plan: Plan, *, blank: bool) -> ImageInput:
    processor = load_processor(plan.processor) if plan.processor else None
    return ImageInput.of(plan, expected, origin, processor, blank_bad_planes=blank)
