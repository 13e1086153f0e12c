"""What a dataset says of how it was made: key-value pairs about the tool, the folder and the plan."""

from collections.abc import Sequence
from datetime import datetime, timezone

from pyomero_upload.model import Plan
from pyomero_upload.version import __version__

NAMESPACE = "pyomero_upload/provenance"
# The article that describes the tool: Wellcome Open Research 2020, 5:96.
DOI = "10.12688/wellcomeopenres.15853.2"


def provenance_pairs(plan: Plan, digest: str) -> tuple[tuple[str, str], ...]:
    """Say what makes this dataset, from what; when it is made is added when it is.

    Missing planes are listed too, as nobody can see from zeros alone that they are not data.
    """
    pairs = [
        ("Tool", "PyOmeroUpload"),
        ("Tool version", __version__),
        ("Tool DOI", f"https://doi.org/{DOI}"),
        ("Source folder", str(plan.source.folder)),
        ("File names", plan.source.profile),
        ("Plan digest", digest),
    ]
    if plan.processor is not None:
        pairs.append(("Processor", plan.processor))
    for image in plan.images:
        if image.missing:
            planes = ", ".join(f"t{t} c{c} z{z}" for t, c, z in image.missing[:50])
            more = f" and {len(image.missing) - 50} more" if len(image.missing) > 50 else ""
            pairs.append((f"Missing planes of {image.name} (from 0)", planes + more))
    return tuple(pairs)


def dated(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Add the present moment to provenance that is about to be written, if there is any."""
    if not pairs:
        return ()
    return (*pairs, ("Made at", datetime.now(timezone.utc).isoformat(timespec="seconds")))
