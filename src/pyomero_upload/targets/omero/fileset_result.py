"""What became of files that were imported: the server's Images, compared with what the files hold.

Stands below `fileset`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import omero
import omero.clients
import omero.sys
from omero.rtypes import unwrap

from pyomero_upload.model import Problem, Sizes
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.original_files import OriginalFile
from pyomero_upload.targets.omero.original_pixels import PixelDigest, pixel_digests

_SHA1: Final = re.compile("[0-9a-f]{40}")  # "Pending..." until there is one


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """An Image that the server made of files.

    Attributes
    ----------
    id, name
        Of the Image.
    sizes
        Its sizes.
    sha1
        The server's digest of its pixels; None where it has none, as for very large planes.
    verified
        Whether sizes and digest are what we read from the files. None: not compared, since only the server can read them.

    """

    id: int
    name: str
    sizes: Sizes
    sha1: str | None
    verified: bool | None

    @property
    def planes(self) -> int:
        """How many planes it has."""
        return self.sizes.t * self.sizes.c * self.sizes.z


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one group of files.

    Attributes
    ----------
    fileset_id
        The Fileset.
    images
        Its Images in the Dataset, in the order in which the files hold them.
    new
        Whether this call imported them; False: they were there already.
    problems
        `pixels-read-differently`, where the server reads other pixels from the files than we do.

    """

    fileset_id: int
    images: tuple[ImportedImage, ...]
    new: bool
    problems: tuple[Problem, ...] = ()

    @property
    def image_ids(self) -> list[int]:
        """The ids of the Images."""
        return [image.id for image in self.images]


def compared(
    conn: Connection,
    fileset: int,
    files: Sequence[OriginalFile],
    dataset_id: int,
    *,
    new: bool,
    on_image: Callable[[int, int], None],
) -> Imported:
    """Return the Images that a Fileset has in a Dataset, compared with what we read from its files.

    Parameters
    ----------
    new
        Whether they have just been imported.
    on_image
        Told how many Images have been compared, and how many there are.

    """
    rows = _images_of(conn, fileset, dataset_id)
    on_image(0, len(rows))
    digests = pixel_digests([file.path for file in files])
    images, problems = [], []
    for i, (identifier, name, sizes, sha1) in enumerate(rows):
        verified: bool | None = None
        if len(digests) == len(rows) and sha1 is not None:
            verified = digests[i] == PixelDigest(sizes, sha1)
        if verified is False:
            problems.append(_differing(name, identifier, digests[i], sizes))
        images.append(ImportedImage(identifier, name, sizes, sha1, verified))
        on_image(i + 1, len(rows))
    return Imported(fileset, tuple(images), new, tuple(problems))


def _images_of(
    conn: Connection, fileset: int, dataset_id: int
) -> list[tuple[int, str, Sizes, str | None]]:
    query = (
        "select i.id, i.name, p.sizeT, p.sizeC, p.sizeZ, p.sizeY, p.sizeX, p.sha1 "
        "from DatasetImageLink l join l.child i join i.pixels p "
        "where i.fileset.id = :fileset and l.parent.id = :id order by i.series, i.id"
    )
    parameters = omero.sys.ParametersI().addId(dataset_id).addLong("fileset", fileset)
    found: dict[int, tuple[int, str, Sizes, str | None]] = {}
    for row in unwrap(conn.query.projection(query, parameters)):
        sha1 = row[7] if row[7] and _SHA1.fullmatch(row[7]) else None
        # Two people may have put the same Image into the Dataset.
        found[row[0]] = (row[0], row[1], Sizes(*row[2:7]), sha1)
    return list(found.values())


def _differing(name: str, identifier: int, ours: PixelDigest, sizes: Sizes) -> Problem:
    if ours.sizes != sizes:
        what = f"{_text(sizes)} by the server and {_text(ours.sizes)} here"
    else:
        what = "the same sizes, but other values"
    return Problem(
        "warning",
        "pixels-read-differently",
        name,
        f"The pixels of Image:{identifier} are not read alike: {what}",
        "The files themselves arrived as they are, their checksums say so. Look at the image in OMERO.web before you "
        "rely on it.",
    )


def _text(sizes: Sizes) -> str:
    return " × ".join(f"{axis.upper()} {size}" for axis, size in zip("tczyx", sizes, strict=True))
