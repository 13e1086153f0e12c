"""A session on an OMERO server with the single steps of an upload, as in the published tool."""

import os
import warnings
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import omero.clients
import omero.gateway
import omero.model
import omero.sys
from omero.rtypes import rstring
from pydantic import SecretStr

from omero_data_transfer.carrying_out import upload_file
from omero_data_transfer.default_image_processor import DefaultImageProcessor
from omero_data_transfer.image_processor import made_processor, object_id, run_processor
from omero_metadata_parser.parsed import to_metadata
from pyomero_upload.errors import UsageError
from pyomero_upload.targets.omero.annotations import add_key_values, add_tags
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.defaults import DEFAULT_PORT
from pyomero_upload.targets.omero.explaining import explained_errors
from pyomero_upload.targets.omero.fileset import import_files
from pyomero_upload.targets.omero.objects import Kind
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.targets.omero.tables import add_table

if TYPE_CHECKING:
    import pandas as pd


class OMERODataType(Enum):
    """What can be annotated and found."""

    Project = "Project"
    Dataset = "Dataset"
    Image = "Image"
    PROJECT = project = "Project"
    DATASET = dataset = "Dataset"
    IMAGE = image = "Image"


class OMERODataBroker:
    """A session on a server.

    Parameters
    ----------
    username, password, server, port
        As whom and where.
    image_processor
        What makes Images of files, or its class.
    ice_config
        A configuration file of Ice, which may name server and port.
    java_bin_path, java_class_path
        Not needed any more: files are imported without Java.

    Attributes
    ----------
    USERNAME, PASSWORD, HOST, PORT, IMAGE_PROCESSOR
        As given.

    """

    def __init__(
        self,
        username: str,
        password: str,
        server: str | None,
        port: int = DEFAULT_PORT,
        image_processor: object = None,
        ice_config: str | os.PathLike[str] | None = None,
        java_bin_path: str | None = None,
        java_class_path: str | None = None,
    ) -> None:
        warnings.warn(
            "OMERODataBroker goes on working. New code: omero.gateway, and pyomero_upload.upload.",
            DeprecationWarning,
            stacklevel=2,
        )
        if java_bin_path is not None or java_class_path is not None:
            warnings.warn(
                "java_bin_path and java_class_path mean nothing any more: Java is not needed.",
                DeprecationWarning,
                stacklevel=2,
            )
        self.USERNAME = username
        self.PASSWORD = password
        self.HOST = server
        self.PORT = int(port)
        self.IMAGE_PROCESSOR = made_processor(
            DefaultImageProcessor if image_processor is None else image_processor
        )
        self._ice_config = ice_config
        self._connection: Connection | None = None

    def __repr__(self) -> str:
        return f"OMERODataBroker({self.USERNAME!r} at {self.HOST}:{self.PORT})"

    # ------------------------------------------------------------ the session
    @property
    def connection(self) -> Connection:
        """The session, for everything else in this toolkit.

        Raises
        ------
        UsageError
            If it is not open.

        """
        if self._connection is None:
            raise UsageError("The session is not open.", hint="Call open_omero_session() first.")
        return self._connection

    @property
    def CLIENT(self) -> "omero.clients.BaseClient | None":
        """The `omero.client`; None where no session is open."""
        return None if self._connection is None else self._connection.client

    @property
    def SESSION(self) -> "omero.api.ServiceFactoryPrx | None":
        """The ServiceFactoryPrx; None where no session is open."""
        return None if self._connection is None else self._connection.sf

    def open_omero_session(self) -> "omero.api.ServiceFactoryPrx":
        """Log in, and return the session.

        Raises
        ------
        PyomeroError
            If the server cannot be reached, or does not let the user in.

        """
        if self._connection is None:
            self._connection = Connection.open(self._settings())
        return self._connection.sf

    def close_omero_session(self) -> None:
        """End the session, if one is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def destroy_omero_session(self) -> None:
        """End the session for everybody who has joined it."""
        if self._connection is not None:
            with explained_errors(self._connection.settings):
                self._connection.client.killSession()
            self.close_omero_session()

    def get_connection(self) -> omero.gateway.BlitzGateway:
        """Return a gateway over the session, which is opened where it is not."""
        self.open_omero_session()
        return omero.gateway.BlitzGateway(client_obj=self.connection.client)

    def _settings(self) -> ServerSettings:
        host, port = self.HOST, self.PORT
        if self._ice_config is not None:
            if not Path(self._ice_config).is_file():
                raise UsageError(f"There is no file {self._ice_config}.", hint="Check ice_config.")
            client = omero.client([f"--Ice.Config={self._ice_config}"])
            try:
                host = client.getProperty("omero.host") or host
                port = int(client.getProperty("omero.port") or port)
            finally:
                client.closeSession()
        if not host:
            raise UsageError("Which OMERO server?", hint="Name it as server, or in ice_config.")
        return ServerSettings(
            host=host, port=port, user=self.USERNAME, password=SecretStr(self.PASSWORD)
        )

    # ------------------------------------------------------------ finding
    def retrieve_objects(
        self,
        data_type: str | OMERODataType,
        ids: Iterable[object] | None = None,
        opts: dict[str, Any] | None = None,
    ) -> list[omero.gateway.BlitzObjectWrapper]:
        """Return objects as the gateway wraps them: all of a type, or those of some ids.

        Parameters
        ----------
        data_type
            `Project`, `Dataset`, `Image` or any other that the gateway knows.
        ids
            Which ones.
        opts
            As `BlitzGateway.getObjects` takes them.

        """
        wanted = None if ids is None else [object_id(each) for each in ids]
        return list(self.get_connection().getObjects(_type_name(data_type), wanted, opts=opts))

    def load_object_annotations(
        self, data_type: str | OMERODataType, id: object
    ) -> list[omero.model.Annotation]:
        """Return the annotations of an object."""
        wanted = object_id(id)
        loaded = self.connection.sf.getMetadataService().loadAnnotations(
            _type_name(data_type), [wanted], None, None, None
        )
        return list(loaded.get(wanted, ()))

    def find_objects_by_query(
        self, query: str, params: omero.sys.Parameters | None
    ) -> list[omero.model.IObject]:
        """Return what a query in HQL finds."""
        return list(self.connection.query.findAllByQuery(query, params))

    def find_objects_by_type_field_value(
        self,
        type: str | OMERODataType,
        field: str,
        value: str,
        case_sensitive: bool = False,
    ) -> list[omero.model.IObject]:
        """Return the objects of a type of which a field has a value; `%` stands for any text."""
        return list(
            self.connection.query.findAllByString(
                _type_name(type), field, value, case_sensitive, None
            )
        )

    def query_projects(
        self, params: omero.sys.Parameters | None = None
    ) -> list[omero.model.ProjectI]:
        """Return Projects with their Datasets."""
        return list(
            self.connection.sf.getContainerService().loadContainerHierarchy("Project", None, params)
        )

    # ------------------------------------------------------------ making
    def create_dataset(self, name: str, description: str | None = None) -> omero.model.DatasetI:
        """Make a Dataset and return it."""
        dataset = omero.model.DatasetI()
        dataset.name = rstring(name)
        if description is not None:
            dataset.description = rstring(description)
        return self.connection.update.saveAndReturnObject(dataset)

    def create_table(self, dataset_id: object, dataframe: "pd.DataFrame", table_name: str) -> int:
        """Attach a table with typed columns to a Dataset, and return the id of its annotation."""
        (table,) = to_metadata({"tables": [dataframe]}, "create_table").tables
        return add_table(
            self.connection, "Dataset", object_id(dataset_id), table.frame, str(table_name)
        )

    def upload_image(
        self, file: str, dataset: object, import_original: bool = True, cli: object = None
    ) -> int:
        """Make an Image of a file, and return its id.

        Parameters
        ----------
        file
            The file.
        dataset
            The Dataset or its id; None: one is made, called after the file's folder.
        import_original
            Import the file itself, which the server keeps; False: its pixels alone.
        cli
            Not needed any more.

        """
        del cli
        return self._upload_file(
            file, self._place(dataset, [file]), import_original=import_original
        )[0]

    def upload_images(
        self,
        files: Sequence[str],
        dataset_id: object = None,
        hypercube: bool = True,
        import_original: bool = False,
    ) -> list[int]:
        """Make Images of files, and return their ids.

        Parameters
        ----------
        files
            The files.
        dataset_id
            Where the Images belong; None: a Dataset is made for them, called after the files' folder.
        hypercube
            5-D Images, made by the image processor; False: an Image of each file.
        import_original
            Where each file is an Image: import the file itself.

        """
        if not files:
            return []
        if not hypercube:
            place, ids = self._place(dataset_id, files), list[int]()
            for file in files:
                ids += self._upload_file(file, place, import_original=import_original)
            return ids
        dataset = self.connection.query.get("Dataset", self._place(dataset_id, files))
        return run_processor(self.IMAGE_PROCESSOR, self.SESSION, files, dataset) or []

    def _place(self, dataset: object, files: Sequence[str]) -> int:
        """Return the id of the Dataset that is given, or else of a new one."""
        if dataset is None:
            dataset = self.create_dataset(Path(files[0]).resolve().parent.name or "images")
        return object_id(dataset)

    def _upload_file(self, file: str, dataset_id: int, *, import_original: bool) -> list[int]:
        if not import_original:
            return upload_file(self.connection, file, dataset_id)
        return list(import_files(self.connection, [Path(file)], dataset_id=dataset_id).image_ids)

    # ------------------------------------------------------------ annotating
    def add_description(self, text: str, object_type: str | OMERODataType, id: object) -> None:
        """Describe an object, below what it is described as already."""
        obj = self.connection.query.get(_kind(object_type), object_id(id))
        present = "" if obj.description is None else str(obj.description.val)
        if text and text not in present:
            obj.description = rstring(f"{present}\n{text}" if present else text)
            self.connection.update.saveObject(obj)

    def add_tags(self, values: Iterable[str], object_type: str | OMERODataType, id: object) -> None:
        """Tag an object; a text that holds commas is several tags."""
        tags = to_metadata({"tags": values}, "add_tags").tags
        add_tags(self.connection, _kind(object_type), object_id(id), tags)

    def add_kvps(
        self,
        pairs: Iterable[Sequence[object]],
        object_type: str | OMERODataType,
        id: object,
    ) -> None:
        """Add key-values to an object; a pair with several values is several pairs."""
        said = to_metadata({"kvps": pairs}, "add_kvps").key_values
        add_key_values(self.connection, _kind(object_type), object_id(id), said)


def _type_name(data_type: str | OMERODataType) -> str:
    return str(data_type.value) if isinstance(data_type, OMERODataType) else str(data_type)


def _kind(object_type: str | OMERODataType) -> Kind:
    known: tuple[Kind, ...] = ("Project", "Dataset", "Image")
    name = _type_name(object_type)
    for kind in known:
        if name.lower() == kind.lower():
            return kind
    raise UsageError(f"{name} cannot be annotated.", hint=f"Give one of {', '.join(known)}.")
