"""What is in a folder: one walk over all files, with size and time of each.

The first thing that happens to a folder. Nothing outside the folder is ever listed: links that lead out of it, or to a
folder, are reported and not followed. What cannot be listed becomes a problem, never an exception.
"""

import os
import sys
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from pyomero_upload.errors import UsageError
from pyomero_upload.model import FileStat, Problem, Severity


@dataclass(frozen=True, slots=True)
class Listing:
    """All that is in a folder.

    Attributes
    ----------
    folder
        The folder, absolute.
    files
        Every regular file, hidden ones too: path relative to the folder, with `/` between its parts, in a fixed order.
    folders
        Every sub-folder that could be read, written like the files.
    problems
        What could not be listed: `link-outside`, `link-to-folder`, `link-loop`, `broken-link`, `unreadable-folder`,
        `special-file`, `name-not-unicode`.

    """

    folder: Path
    files: dict[str, FileStat]
    folders: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def is_hidden(path: str) -> bool:
    """Tell whether a path, given with the folder before it, is hidden (`.DS_Store`, `._a.png`, or in `.git`)."""
    return "/." in path


def list_files(folder: Path) -> Listing:
    """List all files under a folder in one walk.

    Parameters
    ----------
    folder
        The folder; may itself be reached through a link.

    Returns
    -------
    Listing
        The same for the same content, whatever order the file system has.

    Raises
    ------
    UsageError
        If there is no such folder, it is no folder, or it may not be read.

    """
    root = Path(os.path.abspath(folder))  # noqa: PTH100 - Path.resolve would show the user another name
    walk = _Walk(os.path.realpath(root))
    try:
        entries = _entries(str(root))
    except FileNotFoundError:
        raise UsageError(
            f"There is no folder {root}", hint="Check the path for typing errors."
        ) from None
    except NotADirectoryError:
        raise UsageError(
            f"{root} is a file, not a folder",
            hint="Give the folder that holds the position folders.",
        ) from None
    except OSError as error:
        raise UsageError(
            f"The folder {root} cannot be read: {error.strerror}",
            hint="Ask for permission to read it.",
        ) from None
    walk.run(entries)
    return Listing(root, walk.files, tuple(walk.folders), tuple(walk.problems))


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as scan:
        return sorted(scan, key=attrgetter("name"))


def _shown(path: str) -> str:
    """Return a path that can be printed and stored, whatever bytes it is made of."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(slots=True)
class _Walk:
    """One walk: what was found so far. `real_root` is the folder's path without links."""

    real_root: str
    files: dict[str, FileStat] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def run(self, entries: list["os.DirEntry[str]"]) -> None:
        pending: list[os.DirEntry[str]] = []
        prefixes: list[str] = []
        self._take(entries, "", pending, prefixes)
        while pending:
            entry, path = pending.pop(), prefixes.pop()
            try:
                inside = _entries(entry.path)
            except OSError as error:
                self._report(
                    "error",
                    "unreadable-folder",
                    path,
                    f"The folder {path} cannot be read: {error.strerror}",
                    "Ask for permission to read it, or move it out of the folder.",
                )
                continue
            self.folders.append(path)
            self._take(inside, path + "/", pending, prefixes)

    def _take(
        self,
        entries: list["os.DirEntry[str]"],
        prefix: str,
        pending: list["os.DirEntry[str]"],
        prefixes: list[str],
    ) -> None:
        """Sort one folder's entries into files and, for later, sub-folders (the first one last, as on a stack)."""
        subfolders = []
        for entry in entries:
            path = prefix + entry.name
            if not path.isascii() and _shown(path) != path:
                self._report(
                    "warning",
                    "name-not-unicode",
                    _shown(path),
                    f"The name {_shown(path)} is not valid Unicode and was left out",
                    "Rename it, with letters that every computer knows.",
                )
            elif entry.is_file(follow_symlinks=False):
                self._take_file(entry, path)
            elif _is_link(entry):
                self._take_link(entry, path)
            elif entry.is_dir(follow_symlinks=False):
                subfolders.append((entry, path))
            else:
                self._report(
                    "warning",
                    "special-file",
                    path,
                    f"{path} is neither a file nor a folder and was left out",
                    "Remove it if it should not be here.",
                )
        for entry, path in reversed(subfolders):
            pending.append(entry)
            prefixes.append(path)

    def _take_file(self, entry: "os.DirEntry[str]", path: str, *, follow: bool = False) -> None:
        try:
            status = entry.stat(follow_symlinks=follow)
        except OSError:
            return  # it went away between listing and looking: then it is not there
        self.files[path] = FileStat(status.st_size, status.st_mtime_ns)

    def _take_link(self, entry: "os.DirEntry[str]", path: str) -> None:
        """Take a link to a file inside the folder; report every other one."""
        try:
            target = os.path.realpath(entry.path, strict=True)
        except OSError as error:
            self._report(
                "warning",
                "broken-link",
                path,
                f"The link {path} leads nowhere and was left out: {error.strerror}",
                "Remove it, or put the file in its place.",
            )
            return
        if not _is_inside(target, self.real_root):
            code = "link-outside"
            message = (
                f"The link {path} leads out of the folder, to {_shown(target)}, and was left out"
            )
            hint = "Put a copy of what it points to in its place."
        elif not os.path.isdir(target):  # noqa: PTH112 - a path without links, as text
            self._take_file(entry, path, follow=True)
            return
        elif _is_inside(os.path.realpath(os.path.dirname(entry.path)), target):  # noqa: PTH120
            code = "link-loop"
            message = f"The link {path} leads back to a folder that it is in, and was not followed"
            hint = "Remove the link."
        else:
            code = "link-to-folder"
            message = f"The link {path} leads to another folder in here, and was not followed"
            hint = "Nothing is lost: that folder is read itself. Remove the link to be rid of this."
        self._report("warning", code, path, message, hint)

    def _report(self, severity: Severity, code: str, where: str, message: str, hint: str) -> None:
        self.problems.append(Problem(severity, code, where, message, hint))


def _is_link(entry: "os.DirEntry[str]") -> bool:
    # A junction is Windows' link between folders; Python tells them apart from 3.12 on.
    if sys.version_info >= (3, 12) and entry.is_junction():
        return True
    return entry.is_symlink()


def _is_inside(path: str, folder: str) -> bool:
    path, folder = os.path.normcase(path), os.path.normcase(folder)
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
