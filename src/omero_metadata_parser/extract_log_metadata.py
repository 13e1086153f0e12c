"""The parser for `*log.txt`, called as in the published tool."""

from omero_metadata_parser.metadata_parser import MetadataParser
from omero_metadata_parser.parsed import ParsedMetadata
from pyomero_upload import metadata


class LogMetadataParser(MetadataParser):
    """Reads one log of an experiment."""

    file_patterns = metadata.LogMetadataParser.file_patterns

    def extract_metadata(self, filename: str) -> ParsedMetadata:
        """Return the metadata of a file."""
        return ParsedMetadata.of(metadata.LogMetadataParser().extract_metadata(filename))
