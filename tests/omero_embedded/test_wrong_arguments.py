"""Whatever a client sends, it gets an OMERO exception, and the connection lives."""

import json
import random
from importlib.resources import files
from typing import Any

import Ice
import omero
import omero.model
import omero.romio
import omero.sys
import pytest
from omero.rtypes import rint, rlong, rstring, rtime

SERVICES = [
    "IAdmin",
    "IConfig",
    "IContainer",
    "ILdap",
    "IMetadata",
    "IPixels",
    "IProjection",
    "IQuery",
    "IRenderingSettings",
    "IRepositoryInfo",
    "IRoi",
    "IScript",
    "IShare",
    "ITimeline",
    "ITypes",
    "IUpdate",
]
STORES = ["RawPixelsStore", "RawFileStore", "RenderingEngine", "ThumbnailStore", "Exporter"]
LOCAL = (ValueError, TypeError, AttributeError, OverflowError, UnicodeEncodeError)
CALLS = 300


def some_object(dice: random.Random) -> omero.model.IObject:
    cls = dice.choice(
        [
            omero.model.DatasetI,
            omero.model.DatasetImageLinkI,
            omero.model.ExperimenterI,
            omero.model.ExperimenterGroupI,
            omero.model.FormatI,
            omero.model.ImageI,
            omero.model.OriginalFileI,
            omero.model.PixelsI,
            omero.model.RenderingDefI,
            omero.model.RoiI,
            omero.model.TagAnnotationI,
        ]
    )
    return cls() if dice.random() < 0.5 else cls(dice.choice([0, 1, 2**40, -1]), False)


def some_argument(dice: random.Random) -> Any:
    kinds = [
        [0, 1, -1, 2**31 - 1, 2**40, 1.5, float("nan"), True],
        ["", "Dataset", "x\0y", "from Dataset", "a'b", "%", "\U0001f600"],
        [None, [], [1, 2], [-1], ["a", "Image"], [None], {}, {"Image": [1]}, b"", b"abc"],
        [rlong(5), rint(-3), rstring("z"), rtime(0), omero.sys.ParametersI(), omero.sys.Filter()],
        [some_object(dice), [some_object(dice)], omero.model.PermissionsI("rwrw--")],
        [
            omero.romio.PlaneDef(omero.romio.XY, 0, 0, 9, -9, None, -1),
            omero.sys.Principal("a", "b", "c", None),
        ],
    ]
    return dice.choice(dice.choice(kinds))


def operations(service: str) -> list[tuple[str, int]]:
    listed = json.loads(
        files("omero_embedded").joinpath("interfaces.json").read_text(encoding="utf-8")
    )
    entry = listed["interfaces"][f"::omero::api::{service}"]
    return [(name, len(o["parameters"])) for name, o in entry["operations"].items()]


@pytest.mark.parametrize("service", [*SERVICES, *STORES])
def test_wrong_arguments_get_an_exception_and_leave_the_connection_alive(
    service: str, omero_client: omero.client
) -> None:
    dice = random.Random(service)
    make = f"get{service[1:]}Service" if service in SERVICES else f"create{service}"
    proxy = getattr(omero_client.sf, make)()
    names = operations(service)
    for _ in range(CALLS):
        name, parameters = dice.choice(names)
        if name in ("close", "changePassword"):
            continue
        try:
            getattr(proxy, name)(*[some_argument(dice) for _ in range(parameters)])
        except LOCAL:
            continue  # the client library would not send that
        except omero.ServerError:
            continue
        except Ice.ObjectNotExistException:
            proxy = getattr(omero_client.sf, make)()
    assert (
        omero_client.sf.getAdminService().getEventContext().sessionUuid
        == omero_client.getSessionId()
    )
