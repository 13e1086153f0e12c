"""From a folder of microscope files to annotated 5-D images, from Python in four lines.

>>> import pyomero_upload as pu
>>> plan = pu.plan("experiment")
>>> report = pu.convert(plan, "result")
>>> pu.verify("result").ok
True

And on an OMERO server:

>>> connection = pu.connect("omero.example.org", user="you")
>>> pu.upload(plan, connection).url
"""

from typing import TYPE_CHECKING

from pyomero_upload.version import __version__

__all__ = [
    "Searcher",
    "__version__",
    "connect",
    "convert",
    "copy",
    "get",
    "lazy_array",
    "lazy_image",
    "picture",
    "plan",
    "progress_bar",
    "upload",
    "verify",
    "verify_dataset",
]

if TYPE_CHECKING:
    from pyomero_upload.display import progress_bar
    from pyomero_upload.planning import make_plan as plan
    from pyomero_upload.preview import picture
    from pyomero_upload.targets.omero.connecting import connect
    from pyomero_upload.targets.omero.lazy import lazy_array, lazy_image
    from pyomero_upload.targets.omero.searching import Searcher
    from pyomero_upload.transfer import convert, verify
    from pyomero_upload.transfer.copying import copy
    from pyomero_upload.transfer.get import get
    from pyomero_upload.transfer.upload import upload
    from pyomero_upload.transfer.verify_omero import verify_dataset

_HOMES = {
    "Searcher": ("pyomero_upload.targets.omero.searching", "Searcher"),
    "connect": ("pyomero_upload.targets.omero.connecting", "connect"),
    "convert": ("pyomero_upload.transfer", "convert"),
    "copy": ("pyomero_upload.transfer.copying", "copy"),
    "get": ("pyomero_upload.transfer.get", "get"),
    "lazy_array": ("pyomero_upload.targets.omero.lazy", "lazy_array"),
    "lazy_image": ("pyomero_upload.targets.omero.lazy", "lazy_image"),
    "picture": ("pyomero_upload.preview", "picture"),
    "plan": ("pyomero_upload.planning", "make_plan"),
    "progress_bar": ("pyomero_upload.display", "progress_bar"),
    "upload": ("pyomero_upload.transfer.upload", "upload"),
    "verify": ("pyomero_upload.transfer", "verify"),
    "verify_dataset": ("pyomero_upload.transfer.verify_omero", "verify_dataset"),
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: `pyomero --help` needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  (kept out of the start-up time)

    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
