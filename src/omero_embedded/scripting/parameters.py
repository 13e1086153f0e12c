"""What a script takes: asked of the script itself, and checked before it is run."""

import hashlib
import threading
from collections.abc import Mapping

import omero
import omero.grid
from omero.rtypes import unwrap

from omero_embedded import errors
from omero_embedded.call import Call
from omero_embedded.scripting.launching import Launched, session_for

PARSED = "omero.scripts.parse"
"""The property that has a script tell its parameters and end, and the output under which it does."""

_known: dict[str, "omero.grid.JobParams"] = {}
_lock = threading.Lock()


def parameters(call: Call, text: str) -> "omero.grid.JobParams":
    """Return what a script takes and gives; asked once for each text.

    Raises
    ------
    omero.ValidationException
        The script ends without telling; the message holds what it printed.
    """
    key = hashlib.sha256(text.encode()).hexdigest()
    with _lock:
        found = _known.get(key)
    if found is None:
        found = _ask(call, text)
        with _lock:
            _known[key] = found
    return found


def _ask(call: Call, text: str) -> "omero.grid.JobParams":
    session = session_for(call)
    launched = Launched(call.server, session, text, {PARSED: "true"})
    try:
        launched.wait()
        told = session.outputs.get(PARSED)
        if told is None:
            said = launched.printed("err").decode(errors="replace").strip()
            raise errors.validation(f"Can't find params for the script. It said:\n{said[-2000:]}")
    finally:
        launched.clear()
        call.server.sessions.close(session)
    found = told.val  # type: ignore[attr-defined]  # an omero.RInternal
    if not isinstance(found, omero.grid.JobParams):
        raise errors.validation("The script tells something else than its parameters.")
    return found


def checked(
    params: "omero.grid.JobParams", inputs: "Mapping[str, omero.RType] | None"
) -> "dict[str, omero.RType]":
    """Return inputs with the defaults of those that are missing.

    Raises
    ------
    omero.ValidationException
        Something is missing, of another type, or not among the values that are allowed.
    """
    given, wrong = dict(inputs or {}), []
    for name, parameter in params.inputs.items():
        value = given.get(name)
        if value is None and parameter.useDefault:
            given[name] = value = parameter.prototype
        if value is None:
            wrong += [] if parameter.optional else [f"Missing input: {name}"]
        elif parameter.prototype is not None and not isinstance(value, type(parameter.prototype)):
            wrong.append(
                f"Wrong type for {name}: {type(value).__name__}, not {type(parameter.prototype).__name__}"
            )
        else:
            wrong += _out_of_bounds(name, parameter, value)
    if wrong:
        raise errors.validation("Invalid parameters:\n" + "\n".join(wrong))
    return given


def _out_of_bounds(name: str, parameter: "omero.grid.Param", value: "omero.RType") -> list[str]:
    """Return what is wrong with a value that has bounds or a list of the allowed ones."""
    low, high, allowed = map(unwrap, (parameter.min, parameter.max, parameter.values))
    plain = unwrap(value)
    if isinstance(plain, list):
        return [f"{name}: {v} is not allowed" for v in plain if allowed and v not in allowed]
    if allowed and plain not in allowed:
        return [f"{name}: {plain} is not allowed"]
    if low is not None and plain < low:
        return [f"{name}: {plain} is below {low}"]
    if high is not None and plain > high:
        return [f"{name}: {plain} is above {high}"]
    return []
