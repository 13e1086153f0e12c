"""What is installed only where it was asked for: the extras of the package.

Below everything that needs one: it asks here before it imports, so that what lacks is said in a sentence.
"""

from collections.abc import Sequence
from importlib.util import find_spec

from pyomero_upload.errors import PyomeroError


def require(
    modules: Sequence[str], *, for_what: str, extras: Sequence[str], more: str = ""
) -> None:
    """Make sure that modules can be imported.

    Parameters
    ----------
    modules
        Their names, of top level.
    for_what
        What needs them, for people.
    extras
        The extras of this package that bring them.
    more
        What else there is to know for who has to install them.

    Raises
    ------
    PyomeroError
        If one is lacking; the hint says how to install it.

    """
    lacking = [name for name in modules if find_spec(name) is None]
    if lacking:
        options = " ".join(f"--extra {extra}" for extra in extras)
        raise PyomeroError(
            f"What is needed for {for_what} is not installed ({', '.join(lacking)}).",
            hint=f"In a clone: uv run {options} pyomero …; "
            f"elsewhere: pip install 'pyomero-upload[{','.join(extras)}]'.{more}",
        )
