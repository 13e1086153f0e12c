"""The default parser, called as in the published tool."""

from omero_metadata_parser.metadata_parser import MetadataParser
from omero_metadata_parser.parsed import ParsedMetadata
from pyomero_upload import metadata


class MetadataAggregator(MetadataParser):
    """Reads the acquisition settings and the log in a folder, whichever of them there are."""

    def extract_metadata(self, filename: str) -> ParsedMetadata:
        """Return the metadata of a folder."""
        return ParsedMetadata.of(metadata.MetadataAggregator().extract_metadata(filename))
