"""Which files of a folder are imported together, and which each for itself.

Stands above `original_files` and before `fileset`, which imports one group at a time. A group becomes one Fileset:

- an OME-Zarr (a folder with `zarr.json`, `.zattrs` or `.zgroup`): all its files;
- an OME-TIFF whose OME-XML names other files of its folder, or that is named by a companion file: all of them;
- every other image file: a group of its own.

Other formats of several files (of Leica, Olympus, MetaMorph …) are not known here: give their files to `import_files`
yourself, the one that is opened first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import tifffile

from pyomero_upload.errors import PlanError, UnreadableFileError
from pyomero_upload.layout.listing import is_hidden, list_files
from pyomero_upload.layout.natural import natural_key
from pyomero_upload.model import Problem
from pyomero_upload.targets.omero.original_files import TIFF_SIGNATURES, ZARR_METADATA

_COMPANION: Final = ".companion.ome"
# What Bio-Formats opens as one file, https://docs.openmicroscopy.org/bio-formats/latest/supported-formats.html.
_IMAGE_SUFFIXES: Final = frozenset(
    {
        ".bif", ".bmp", ".czi", ".dcm", ".dm3", ".dm4", ".dv", ".gif", ".ics", ".ims", ".ipw", ".jp2", ".jpeg", ".jpg",
        ".lif", ".lof", ".lsm", ".mrc", ".mrcs", ".nd2", ".ndpi", ".nrrd", ".oib", ".oir", ".png", ".r3d", ".scn",
        ".sld", ".sldy", ".spe", ".stk", ".svs", ".tif", ".tiff", ".vms", ".vsi", ".zvi",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files that are imported together, as one Fileset.

    Attributes
    ----------
    name
        For the Image: the file's or OME-Zarr's name; its path in the folder where another one has the same name.
    files
        What `import_files` takes: files, the one that is opened first in front; or one folder that is an OME-Zarr.

    """

    name: str
    files: tuple[Path, ...]


def group_for_import(source: Path | Sequence[Path]) -> list[FileGroup]:
    """Sort the files of a folder, or the files given, into groups that are imported together.

    Parameters
    ----------
    source
        A folder, whose images are taken, of all sub-folders, by what their names end in; hidden files and all others are
        left out. Or files and OME-Zarrs, of which every one is taken.

    Returns
    -------
    list of FileGroup
        In natural order of their paths.

    Raises
    ------
    UsageError
        If there is no such folder.
    PlanError
        If an OME-TIFF names a file that is not there.

    """
    if isinstance(source, Path):
        root, found = source, list(_images_in(source))
    else:
        root, found = None, list(dict.fromkeys(source))
    groups = [(path,) if path.is_dir() else files for path, files in _joined(found)]
    names = [_name(files[0]) for files in groups]
    return [
        FileGroup(_told_apart(name, files[0], names, root), files)
        for name, files in zip(names, groups, strict=True)
    ]


def _name(first: Path) -> str:
    return first.name.removesuffix(_COMPANION) if first.name.endswith(_COMPANION) else first.name


def _told_apart(name: str, path: Path, names: Sequence[str], root: Path | None) -> str:
    """Return the name, or where another one has the same, the path in the folder."""
    if names.count(name) < 2:
        return name
    folder = path.parent.name if root is None else path.parent.relative_to(root).as_posix()
    return name if folder in {"", "."} else f"{folder}/{name}"


def _images_in(folder: Path) -> Iterator[Path]:
    """Iterate over image files and OME-Zarrs below a folder; of an OME-Zarr the folder alone."""
    files = sorted(list_files(folder).files, key=natural_key)
    groups = _outermost({file.rpartition("/")[0] for file in files if _is_zarr_metadata(file)})
    yielded = set[str]()
    for file in files:
        group = next((g for g in groups if not g or file.startswith(f"{g}/")), None)
        if group is not None:
            if group not in yielded:
                yielded.add(group)
                yield folder / group
        elif not is_hidden(f"/{file}") and _is_image(file):
            yield folder / file


def _is_zarr_metadata(file: str) -> bool:
    return file.rpartition("/")[2] in ZARR_METADATA


def _is_image(file: str) -> bool:
    return Path(file).suffix.lower() in _IMAGE_SUFFIXES or file.endswith(_COMPANION)


def _outermost(folders: Iterable[str]) -> list[str]:
    """Return the folders that lie in no other one: a Zarr holds groups within groups."""
    found: list[str] = []
    for folder in sorted(folders, key=len):
        if not any(not outer or folder.startswith(f"{outer}/") for outer in found):
            found.append(folder)
    return found


# ------------------------------------------------------------ OME-TIFFs of several files
def _joined(paths: Sequence[Path]) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Iterate over files with those that belong to them, each file once.

    A set may be found from any of its files, and a companion file names the others; so the sets are gathered first.
    """
    sets: dict[Path, list[Path]] = {}
    for path in paths:
        members = [path, *(_named_by(path) if not path.is_dir() else ())]
        together = list(members)
        for member in members:
            together += sets.get(member, ())
        merged = list(dict.fromkeys(together))
        merged.sort(key=lambda p: (not p.name.endswith(_COMPANION), natural_key(p.as_posix())))
        for member in merged:
            sets[member] = merged
    yielded = set[Path]()
    for path in paths:
        if path not in yielded:
            yielded.update(sets[path])
            yield path, tuple(sets[path])


def _named_by(path: Path) -> list[Path]:
    """Return the files that the OME-XML of a file names.

    Raises
    ------
    PlanError
        If one of them is not there.

    """
    named = [path.parent / name for name in _names_in(_ome_xml(path)) if name != path.name]
    missing = [file for file in named if not file.is_file()]
    if missing:
        raise PlanError(
            f"{path} has a part of its pixels in {len(missing)} files that are not there",
            hint="Bring them back into its folder; OMERO would show black planes.",
            problems=[
                Problem("error", "file-missing", str(file), f"{file.name} is not there")
                for file in missing
            ],
        )
    return named


def _ome_xml(path: Path) -> str:
    """Return the OME-XML of an OME-TIFF or a companion file; nothing of other files."""
    try:
        if path.name.endswith(_COMPANION):
            return path.read_text(encoding="utf-8")
        with path.open("rb") as file:
            if not file.read(4).startswith(TIFF_SIGNATURES):
                return ""
        with tifffile.TiffFile(path) as tiff:
            return tiff.ome_metadata or ""
    except OSError as error:
        raise UnreadableFileError(
            f"{path} cannot be read: {error.strerror}", hint="Ask for permission to read it."
        ) from error
    except (tifffile.TiffFileError, ValueError, UnicodeError):
        return ""  # `import_files` will say what is the matter with it


def _names_in(xml: str) -> list[str]:
    """Return the names of files in OME-XML: of TIFFs with planes, and of the companion file."""
    if not re.search(r"FileName=|MetadataFile=", xml):
        return []
    try:
        elements = list(ET.fromstring(xml).iter())  # noqa: S314 - the user's own file; expat expands no outer entities
    except ET.ParseError:
        return []
    named = (
        element.get("FileName") or element.get("MetadataFile")
        for element in elements
        if element.tag.endswith(("}UUID", "}BinaryOnly"))
    )
    return list(dict.fromkeys(name for name in named if name))
