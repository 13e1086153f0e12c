"""Every operation of every Slice interface, as data: `interfaces.json`, made by `scripts/make_omero_schema.py`.

The generated Python classes do not say which operations give nothing back, and their asynchronous skeletons do nothing
at all: a call to one would never be answered. So the server goes by this list.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from keyword import iskeyword
from pathlib import Path

import Glacier2
import Glacier2_Router_ice  # type: ignore[import-untyped]  # noqa: F401  # fills what others opened empty
import omero
import omero.api
import omero.cmd
import omero.grid

PACKAGES = {
    "omero.api": omero.api,
    "omero.cmd": omero.cmd,
    "omero.grid": omero.grid,
    "Glacier2": Glacier2,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an interface.

    Attributes
    ----------
    parameters
        Their names.
    asynchronous
        Whether it is answered through a callback.
    void
        Whether it gives nothing back.
    raises
        Whether a client can be told an omero.ServerError.
    """

    name: str
    parameters: tuple[str, ...]
    asynchronous: bool
    void: bool
    raises: bool

    @property
    def method(self) -> str:
        """The name of the method that carries it out: that of the operation, with a `_` after a word of Python's."""
        return f"{self.name}_" if iskeyword(self.name) else self.name


def _read() -> dict[str, dict[str, Operation]]:
    data = json.loads(
        (Path(__file__).parent.parent / "interfaces.json").read_text(encoding="utf-8")
    )
    return {
        interface: {
            name: Operation(name, tuple(o["parameters"]), o["asynchronous"], o["void"], o["raises"])
            for name, o in entry["operations"].items()
        }
        for interface, entry in data["interfaces"].items()
    }


_OWN = _read()


def skeleton(interface: str) -> type:
    """Return the generated class of an interface such as omero.api.IQuery."""
    package, _, name = interface.rpartition(".")
    found: type = getattr(PACKAGES[package], name)
    return found


def proxy_class(interface: str) -> type:
    """Return the generated proxy class of an interface."""
    package, _, name = interface.rpartition(".")
    found: type = getattr(PACKAGES[package], f"{name}Prx")
    return found


@cache
def operations(interface: str) -> Mapping[str, Operation]:
    """Return all operations of an interface, inherited ones too."""
    found: dict[str, Operation] = {}
    for cls in reversed(skeleton(interface).__mro__):
        if "ice_staticId" in vars(cls):
            found.update(_OWN.get(cls.ice_staticId(), {}))  # type: ignore[attr-defined]
    return found
