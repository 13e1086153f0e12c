"""From a folder of microscope files to annotated 5-D images, from Python in four lines.

>>> import pyomero_upload as pu
>>> plan = pu.plan("experiment")
>>> report = pu.convert(plan, "result")
>>> pu.verify("result").ok
True
"""

from typing import TYPE_CHECKING

from pyomero_upload.version import __version__

__all__ = ["__version__", "convert", "plan", "upload", "verify"]

if TYPE_CHECKING:
    from pyomero_upload.planning import make_plan as plan
    from pyomero_upload.transfer import convert, verify
    from pyomero_upload.transfer.upload import upload

_HOMES = {
    "plan": ("pyomero_upload.planning", "make_plan"),
    "convert": ("pyomero_upload.transfer", "convert"),
    "upload": ("pyomero_upload.transfer.upload", "upload"),
    "verify": ("pyomero_upload.transfer", "verify"),
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: `pyomero --help` needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  (kept out of the start-up time)

    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
