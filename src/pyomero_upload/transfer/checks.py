"""What is checked before any plan is carried out, wherever to."""

from pyomero_upload.errors import PlanError, UsageError
from pyomero_upload.model import Plan


def check_plan(plan: Plan, on_bad_plane: str) -> None:
    """Refuse a plan that has errors, and a choice for bad planes that there is not.

    Raises
    ------
    UsageError, PlanError

    """
    if on_bad_plane not in {"stop", "blank"}:
        raise UsageError(
            f"There is no choice {on_bad_plane!r} for bad planes.", hint="Choose stop or blank."
        )
    # A file that the plan found unreadable is one of the planes that may be left blank.
    errors = [p for p in plan.errors if on_bad_plane == "stop" or p.code != "unreadable-file"]
    if errors:
        raise PlanError(
            "The plan has an error." if len(errors) == 1 else f"The plan has {len(errors)} errors.",
            hint="Put this right and plan again.",
            problems=errors,
        )
