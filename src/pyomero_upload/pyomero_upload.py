"""The entry point of the published tool, over the new machinery.

Stands on top, beside `cli`: scripts and notebooks call `PyOmeroUploader.launch_upload`, which plans and uploads as
`pyomero upload` does, and prints and returns what it did in 2020.
"""

import logging
import os
import warnings
from typing import TYPE_CHECKING

from omero_data_transfer.default_image_processor import DefaultImageProcessor
from omero_metadata_parser.aggregate_metadata import MetadataAggregator

if TYPE_CHECKING:
    import omero.model
    import omero.sys

    from omero_data_transfer.omero_data_broker import OMERODataBroker

log = logging.getLogger(__name__)

_GOES_ON = "PyOmeroUploader goes on working. New code: pyomero_upload.plan and pyomero_upload.upload, or pyomero upload."


class PyOmeroUploader:
    """Uploads folders to a server, and finds things there.

    Parameters
    ----------
    username, password, server, port
        As whom and where; kept as USERNAME, PASSWORD, SERVER, PORT.

    """

    def __init__(self, username: str, password: str, server: str, port: int = 4064) -> None:
        warnings.warn(_GOES_ON, DeprecationWarning, stacklevel=2)
        log.info(_GOES_ON)
        self.USERNAME = username
        self.PASSWORD = password
        self.SERVER = server
        self.PORT = port

    def __repr__(self) -> str:
        return f"PyOmeroUploader({self.USERNAME!r} at {self.SERVER}:{self.PORT})"

    def launch_upload(
        self,
        dataset_name: str,
        data_path: str | os.PathLike[str],
        hypercube: bool = False,
        parser_class: object = MetadataAggregator,
        image_processor_impl: object = DefaultImageProcessor,
        include_provenance_kvps: bool = True,
        ignore_metadata: bool = False,
    ) -> str:
        """Make a Dataset of a folder, say so on standard output, and return its id.

        Parameters
        ----------
        dataset_name
            What to call the Dataset.
        data_path
            The folder.
        hypercube
            5-D Images; False: each file is an Image.
        parser_class, image_processor_impl
            Classes of one's own; None: the default ones.
        include_provenance_kvps
            Say in key-values what tool made it.
        ignore_metadata
            Take the images alone.

        Raises
        ------
        PyomeroError
            If the folder cannot be uploaded, or not all of it is on the server as it ought to be.

        """
        from omero_data_transfer.data_transfer_manager import DataTransferManager  # noqa: PLC0415

        broker = self._broker(image_processor_impl)
        broker.open_omero_session()
        try:
            made = DataTransferManager(parser_class).upload_data_dir(
                broker,
                dataset_name,
                data_path,
                hypercube,
                include_provenance_kvps,
                ignore_metadata,
            )
        finally:
            broker.close_omero_session()
        kind = "hypercubes" if hypercube else "images"
        print(f"Number of {kind} uploaded: {len(made['image_id_list'])}")
        print(f"Uploaded Dataset ID: {made['dataset_id']}")
        address = f"http://{self.SERVER}/webclient/?show=dataset-{made['dataset_id']}"
        print(f"Uploaded Dataset URL: {address}")
        return str(made["dataset_id"])

    def searcher(self) -> "OMERODataBroker":
        """Return an opened broker; `close_omero_session` ends it."""
        broker = self._broker(None)
        broker.open_omero_session()
        return broker

    def search_by_query(
        self, query: str, params: "omero.sys.Parameters | None"
    ) -> "list[omero.model.IObject]":
        """Return what a query in HQL finds."""
        broker = self.searcher()
        try:
            return broker.find_objects_by_query(query, params)
        finally:
            broker.close_omero_session()

    def search_by_type_field(
        self,
        type: str,
        field: str,
        value: str,
        case_sensitive: bool = False,
    ) -> "list[omero.model.IObject]":
        """Return the objects of a type of which a field has a value; `%` stands for any text."""
        broker = self.searcher()
        try:
            return broker.find_objects_by_type_field_value(type, field, value, case_sensitive)
        finally:
            broker.close_omero_session()

    def _broker(self, image_processor: object) -> "OMERODataBroker":
        from omero_data_transfer.omero_data_broker import OMERODataBroker  # noqa: PLC0415

        return OMERODataBroker(
            self.USERNAME, self.PASSWORD, self.SERVER, self.PORT, image_processor
        )
