"""Whatever a client sends, it gets an OMERO exception, and the connection lives.

`OMERO_FUZZ_CALLS=10000` makes each of the campaigns that long; they are short unless asked for.
"""

import json
import os
import random
from collections.abc import Callable, Iterator
from keyword import iskeyword
from pathlib import Path
from typing import Any

import Ice
import numpy as np
import omero
import omero.cmd
import omero.gateway
import omero.grid
import omero.model
import omero.romio
import omero.sys
import pytest
from omero.rtypes import rlist, rlong

from omero_imports import begun
from slice_values import operations, some, some_request
from spoiled_hql import QUERIES, mutated

CAMPAIGN = int(os.environ.get("OMERO_FUZZ_CALLS", "4000"))
ENDS = {"destroy", "closeSession"}
"""Operations that end the session, as they should."""

SERVICES = [
    "IAdmin", "IConfig", "IContainer", "ILdap", "IMetadata", "IPixels", "IProjection", "IQuery",
    "IRenderingSettings", "IRepositoryInfo", "IRoi", "IScript", "ISession", "IShare", "ITimeline", "ITypes", "IUpdate",
]  # fmt: skip
STORES = ["RawPixelsStore", "RawFileStore", "RenderingEngine", "ThumbnailStore", "Exporter"]


def image(client: Any) -> int:
    """Return the Pixels of a new small image with planes."""
    gateway = omero.gateway.BlitzGateway(client_obj=client)
    planes = iter([np.zeros((6, 8), "uint8"), np.ones((6, 8), "uint8")])
    return int(gateway.createImageFromNumpySeq(planes, "fuzzed", sizeZ=2).getPixelsId())


def store(client: Any) -> Any:
    opened = client.sf.createRawPixelsStore()
    opened.setPixelsId(image(client), False)
    return opened


def engine(client: Any) -> Any:
    opened, pixels = client.sf.createRenderingEngine(), image(client)
    opened.lookupPixels(pixels)
    opened.resetDefaultSettings(True)
    opened.lookupRenderingDef(pixels)
    opened.load()
    return opened


def table(client: Any) -> Any:
    opened = client.sf.sharedResources().newTable(1, "fuzzed")
    opened.initialize([omero.grid.LongColumn("n", "", []), omero.grid.StringColumn("s", "", 9, [])])
    opened.addData(
        [omero.grid.LongColumn("n", "", [1]), omero.grid.StringColumn("s", "", 9, ["a"])]
    )
    return opened


def upload(client: Any) -> Any:
    path = Path(__file__)
    return begun(client, [path])


def repository(client: Any) -> Any:
    shared = client.sf.sharedResources().repositories()
    return next(
        p for p in (omero.grid.ManagedRepositoryPrx.checkedCast(r) for r in shared.proxies) if p
    )


TARGETS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    **{
        name: (f"omero.api.{name}", lambda c, n=name: getattr(c.sf, f"get{n[1:]}Service")())
        for name in SERVICES
    },
    **{
        name: (f"omero.api.{name}", lambda c, n=name: getattr(c.sf, f"create{n}")())
        for name in STORES
    },
    "Search": ("omero.api.Search", lambda client: client.sf.createSearchService()),
    "ServiceFactory": ("omero.api.ServiceFactory", lambda client: client.sf),
    "SharedResources": ("omero.grid.SharedResources", lambda client: client.sf.sharedResources()),
    "RawPixelsStore with pixels": ("omero.api.RawPixelsStore", store),
    "RenderingEngine with pixels": ("omero.api.RenderingEngine", engine),
    "Table": ("omero.grid.Table", table),
    "Repository": ("omero.grid.Repository", repository),
    "ManagedRepository": ("omero.grid.ManagedRepository", repository),
    "ImportProcess": ("omero.grid.ImportProcess", upload),
    "Handle": (
        "omero.cmd.Handle",
        lambda client: client.sf.submit(omero.cmd.Delete2(targetObjects={})),
    ),
}


def is_alive(client: Any) -> bool:
    context = client.sf.getAdminService().getEventContext()
    return bool(context.sessionUuid == client.getSessionId())


@pytest.fixture
def client(omero_new_user: Any) -> Iterator[Any]:
    made = omero_new_user().log_in()
    yield made
    made.closeSession()


@pytest.mark.parametrize("target", TARGETS)
def test_wrong_arguments_get_an_exception_and_leave_the_connection_alive(
    target: str, client: omero.client
) -> None:
    dice = random.Random(target)
    interface, make = TARGETS[target]
    proxy = make(client)
    names = [(n, p) for n, p in operations(interface).items() if n not in ENDS]
    for _ in range(CAMPAIGN // len(TARGETS) + 1):
        name, kinds = dice.choice(names)
        arguments = [some(kind, dice) for kind in kinds]
        try:
            getattr(proxy, f"_{name}" if iskeyword(name) else name)(*arguments)
        except (omero.ServerError, omero.AuthenticationException):
            continue
        except Ice.UnknownException as error:  # of operations that cannot tell it otherwise
            assert "Traceback" not in error.unknown  # noqa: PT017
        except Ice.ObjectNotExistException:  # it was closed by a call, as it should
            proxy = make(client)
    assert is_alive(client)


def test_wrong_requests_get_a_response_and_leave_the_connection_alive(client: omero.client) -> None:
    dice = random.Random(1)
    for _ in range(CAMPAIGN // 20):
        handle = client.sf.submit(some_request(dice))
        waits = 0
        while handle.getResponse() is None:
            waits += 1
            assert waits < 10_000, f"{handle.getRequest()} is never answered"
            client.sf.keepAlive(None)
        handle.close()
    assert is_alive(client)


@pytest.mark.parametrize("seed", range(4))
def test_spoiled_queries_get_an_answer_or_an_exception_and_leave_the_connection_alive(
    seed: int, client: omero.client, shared: Path
) -> None:
    dice = random.Random(seed)
    calls = json.loads((shared / "facts" / "omero-client-calls.json").read_text(encoding="utf-8"))
    queries = sorted({q for seen in calls.values() for q in seen["hql"]} | set(QUERIES))
    service = client.sf.getQueryService()
    parameters = omero.sys.ParametersI().addLong("id", 1).addString("name", "x")
    parameters.map["ids"] = rlist([rlong(1), rlong(2)])
    for _ in range(CAMPAIGN // 4):
        ask = dice.choice([service.findAllByQuery, service.findByQuery, service.projection])
        try:
            ask(mutated(dice.choice(queries), dice), parameters)
        except omero.ServerError:
            continue
    assert is_alive(client)
