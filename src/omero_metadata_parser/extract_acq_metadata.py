"""The parser for `*Acq.txt`, called as in the published tool."""

from omero_metadata_parser.metadata_parser import MetadataParser
from omero_metadata_parser.parsed import ParsedMetadata
from pyomero_upload import metadata


class AcqMetadataParser(MetadataParser):
    """Reads one file of acquisition settings."""

    file_patterns = metadata.AcqMetadataParser.file_patterns

    def extract_metadata(self, filename: str) -> ParsedMetadata:
        """Return the metadata of a file."""
        return ParsedMetadata.of(metadata.AcqMetadataParser().extract_metadata(filename))
