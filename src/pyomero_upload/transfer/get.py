"""A Dataset on a server into files: by the same targets and pipeline as a folder.

Stands beside `convert`, which carries out what `server_plan` plans: so an output of this has the same manifest, can be verified,
and goes on where it was stopped.
"""

from collections.abc import Callable
from os import PathLike
from typing import Literal

from pyomero_upload.model import Plan
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.raw_planes import PixelSource
from pyomero_upload.transfer.convert import convert
from pyomero_upload.transfer.events import OnEvent, Report
from pyomero_upload.transfer.server_plan import server_plan


def get(
    connection: Connection,
    dataset_id: int,
    out: str | PathLike[str],
    *,
    format: Literal["ome-zarr", "ome-tiff"] = "ome-zarr",  # noqa: A002 - the word of the field
    levels: int | None = None,
    compression: str | None = None,
    originals: bool = False,
    workers: int | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    progress: OnEvent | None = None,
) -> Report:
    """Write the Images of a Dataset, and all that is known about them, into a folder.

    Parameters
    ----------
    connection
        Whom to ask.
    dataset_id
        Which Dataset.
    out, format, levels, compression, workers, progress
        As for `convert`.
    originals
        Whether to fetch the files that Images were imported from, too, where there are some.
    on_plan
        Called with what will be made, before anything is.

    Returns
    -------
    Report
        What became of each Image.

    Raises
    ------
    UsageError
        If there is no such Dataset that the user may see in the group of the connection, an option is unknown, or `out`
        is not a place for this.
    PlanError
        If an Image is not complete.
    PyomeroError
        If the server could not be reached for too long, a file there is damaged, or writing failed.
    InterruptedJobError
        On Ctrl-C; its `report` says what is done.

    """
    with PixelSource(connection) as pixels:
        made = server_plan(connection, pixels, dataset_id, originals=originals, rois=True)
        if on_plan is not None:
            on_plan(made.plan)
        return convert(
            made.plan,
            out,
            format=format,
            levels=levels,
            compression=compression,
            workers=workers,
            progress=progress,
            origin=made.origin,
        )
