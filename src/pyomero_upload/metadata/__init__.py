"""What the text files beside the images say about them.

From names of files to `model.Metadata`: `read_metadata` is the way in for the plan. `MetadataParser` is what to derive an
own parser from.
"""

from pyomero_upload.metadata.acq import AcqMetadataParser
from pyomero_upload.metadata.aggregate import MetadataAggregator, read_metadata
from pyomero_upload.metadata.base import MetadataParser
from pyomero_upload.metadata.fluorophores import complete_channels
from pyomero_upload.metadata.log import LogMetadataParser
from pyomero_upload.metadata.template import TemplateMetadataParser

__all__ = [
    "AcqMetadataParser",
    "LogMetadataParser",
    "MetadataAggregator",
    "MetadataParser",
    "TemplateMetadataParser",
    "complete_channels",
    "read_metadata",
]
