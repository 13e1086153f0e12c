"""Uploading a folder through an opened broker, as in the published tool."""

import os
import warnings
from typing import TypedDict

from omero_data_transfer.carrying_out import upload_folder
from omero_data_transfer.default_image_processor import DefaultImageProcessor
from omero_data_transfer.omero_data_broker import OMERODataBroker


class Transferred(TypedDict):
    """What is on the server: the Dataset and its Images, by their ids."""

    dataset_id: int
    image_id_list: list[int]


class DataTransferManager:
    """Uploads folders.

    Parameters
    ----------
    parser_class
        The class of a metadata parser; None: the default one.

    """

    def __init__(self, parser_class: object = None) -> None:
        warnings.warn(
            "DataTransferManager goes on working. New code: pyomero_upload.plan and pyomero_upload.upload.",
            DeprecationWarning,
            stacklevel=2,
        )
        self._parser = parser_class

    def upload_data_dir(
        self,
        broker: OMERODataBroker,
        dataset_name: str,
        dir_path: str | os.PathLike[str],
        hypercube: bool = False,
        include_provenance_kvps: bool = True,
        ignore_metadata: bool = False,
    ) -> Transferred:
        """Make a Dataset of a folder.

        Parameters
        ----------
        broker
            An opened session, and the image processor.
        dataset_name
            What to call the Dataset.
        dir_path
            The folder.
        hypercube
            5-D Images; False: each file is an Image.
        include_provenance_kvps
            Say in key-values what tool made it.
        ignore_metadata
            Take the images alone.

        Raises
        ------
        PyomeroError
            If the folder cannot be uploaded, or not all of it is on the server as it ought to be.

        """
        processor = broker.IMAGE_PROCESSOR
        made = upload_folder(
            broker.connection,
            dir_path,
            name=dataset_name,
            hypercube=hypercube,
            parser=self._parser,
            processor=None if type(processor) is DefaultImageProcessor else processor,
            provenance=include_provenance_kvps,
            ignore_metadata=ignore_metadata,
        )
        return {"dataset_id": made.dataset_id, "image_id_list": made.image_ids}
