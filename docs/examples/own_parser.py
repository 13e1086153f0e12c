"""A parser for a laboratory that keeps its notes as `name = value` in files called `*.notes`."""

from pathlib import Path

from pyomero_upload.metadata import MetadataParser
from pyomero_upload.model import Channel, Metadata


class NotesParser(MetadataParser):
    """Reads `*.notes`."""

    file_patterns = ("*.notes",)

    def extract_metadata(self, filename: str) -> Metadata:
        """Return what one file of notes says."""
        lines = Path(filename).read_text(encoding="utf-8").splitlines()
        notes = dict(line.split(" = ", 1) for line in lines if " = " in line)
        return Metadata(
            description=notes.pop("about", ""),
            tags=tuple(notes.pop("keywords", "").split()),
            channels=tuple(Channel(name) for name in notes.pop("channels", "").split()),
            key_values=tuple(notes.items()),
        )
