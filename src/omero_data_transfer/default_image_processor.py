"""The image processor that comes with the tool, for users who derive their own from it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from omero_data_transfer.image_processor import ImageProcessor

if TYPE_CHECKING:
    import omero.api
    import omero.model


class DefaultImageProcessor(ImageProcessor):
    """Makes one 5-D Image of each position and writes it, checked plane by plane."""

    def process_images(
        self,
        omero_session: "omero.api.ServiceFactoryPrx",
        file_path: Sequence[str],
        dataset: "omero.model.DatasetI",
    ) -> list[int]:
        """Make Images.

        Parameters
        ----------
        omero_session
            The session to use; it is joined, and goes on.
        file_path
            The files of one or several positions, named after the default convention.
        dataset
            Where the Images belong.

        Returns
        -------
        list of int
            The ids of the Images, in natural order of the positions.

        Raises
        ------
        PyomeroError
            If a file cannot be read, or an Image is not on the server as it ought to be.

        """
        from omero_data_transfer.carrying_out import joined, upload_files  # noqa: PLC0415

        with joined(omero_session, dataset) as connection:
            return upload_files(connection, file_path, dataset)
