"""The template parser, called as in the published tool."""

from pathlib import Path

from omero_metadata_parser.metadata_parser import MetadataParser
from omero_metadata_parser.parsed import ParsedMetadata
from pyomero_upload import metadata
from pyomero_upload.metadata.user_file import FILE_NAMES, read_user_file


class TemplateMetadataParser(MetadataParser):
    """Reads a template that a person filled in: a `metadata.yaml`; or text files as a YAML file with instructions says.

    Parameters
    ----------
    template
        The YAML file with instructions; None: the files themselves are filled-in templates.

    """

    def __init__(self, template: Path | str | None = None) -> None:
        self._parser = None if template is None else metadata.TemplateMetadataParser(template)
        self.file_patterns = FILE_NAMES if self._parser is None else self._parser.file_patterns

    def extract_metadata(self, filename: str) -> ParsedMetadata:
        """Return the metadata of a file."""
        if self._parser is not None:
            return ParsedMetadata.of(self._parser.extract_metadata(filename))
        path = Path(filename)
        return ParsedMetadata.of(read_user_file(path, folder=path.parent))
