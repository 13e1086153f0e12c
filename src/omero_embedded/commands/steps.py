"""How many steps a command says that it took: clients show them, and wait for the last one."""

from typing import TypeVar

import omero
import omero.cmd

R = TypeVar("R", bound=omero.cmd.Response)


def with_steps(response: R, steps: int) -> R:
    """Note on a response in how many steps it came about; the handle tells it to the client."""
    response.steps = steps
    return response
