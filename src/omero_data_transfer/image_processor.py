"""What image processors of the old style are derived from, and how one is run.

A processor of this kind is handed the session and writes to OMERO itself. Those of `pyomero_upload.processing` work on
pixels alone, for every target; prefer them for new code.
"""

import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pyomero_upload.errors import PyomeroError, UsageError

if TYPE_CHECKING:
    import omero.api
    import omero.model


class ImageProcessor(ABC):
    """Makes Images of files and writes them to OMERO. A method `process_image` serves as well."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "process_image" in cls.__dict__ and "process_images" not in cls.__dict__:
            cls.process_images = cls.__dict__["process_image"]  # type: ignore[method-assign]
        if not cls.__module__.startswith("omero_data_transfer."):
            warnings.warn(
                f"{cls.__qualname__} goes on working. New processors: pyomero_upload.processing.ImageProcessor.",
                DeprecationWarning,
                stacklevel=3,
            )

    @abstractmethod
    def process_images(
        self,
        omero_session: "omero.api.ServiceFactoryPrx",
        file_path: Sequence[str],
        dataset: "omero.model.DatasetI",
    ) -> Sequence[int]:
        """Make Images.

        Parameters
        ----------
        omero_session
            The session to use.
        file_path
            The files, in natural order.
        dataset
            Where the Images belong.

        Returns
        -------
        list of int
            The ids of the Images.

        """


def made_processor(given: object) -> object:
    """Return a processor: an object of the class that is given, or what is given where it is an object.

    Raises
    ------
    UsageError
        If it cannot be made, or has no method to process images.

    """
    name = f"{given.__module__}:{given.__qualname__}" if isinstance(given, type) else repr(given)
    hint = (
        "Give it a method process_images(omero_session, file_path, dataset) that returns Image ids."
    )
    if inspect.isabstract(given):
        raise UsageError(f"{name} is no image processor yet.", hint=hint)
    try:
        processor: object = given() if isinstance(given, type) else given
    except Exception as error:
        message = f"The image processor {name} cannot be made: {type(error).__name__}: {error}"
        raise UsageError(message, hint="Its class must take no arguments.") from error
    if _method(processor) is None:
        raise UsageError(f"{name} is no image processor.", hint=hint)
    return processor


def run_processor(
    processor: object, session: Any, files: Sequence[str], dataset: Any
) -> list[int] | None:
    """Let a processor make Images, and return their ids; None where it does not say.

    Raises
    ------
    PyomeroError
        If it fails, or returns anything but ids.

    """
    process, name = _method(processor), type(processor).__qualname__
    assert process is not None
    try:
        returned = process(session, list(files), dataset)
    except PyomeroError:
        raise
    except Exception as error:
        message = f"The image processor {name} failed: {type(error).__name__}: {error}"
        raise PyomeroError(message, hint="Correct it, or upload without it.") from error
    if returned is None:
        return None
    if not isinstance(returned, Iterable) or isinstance(returned, str):
        returned = [returned]
    try:
        return [object_id(item) for item in returned]
    except TypeError as error:
        message = f"The image processor {name} returned something that is no Image id: {error}"
        raise PyomeroError(message, hint="Return the list of the Images' ids.") from error


def object_id(value: Any) -> int:
    """Return the id that a number, a text, an RLong, an object of the model or a gateway's wrapper stands for.

    Raises
    ------
    TypeError
        If it is none of these.

    """
    identifier = getattr(value, "id", value)
    identifier = getattr(identifier, "val", identifier)
    if isinstance(identifier, str) and identifier.strip().isdecimal():
        return int(identifier)
    if isinstance(identifier, int):
        return identifier
    raise TypeError(f"{value!r} is no id")


def _method(processor: object) -> Callable[..., Any] | None:
    for name in ("process_images", "process_image"):
        method: Callable[..., Any] | None = getattr(processor, name, None)
        if callable(method):
            return method
    return None
