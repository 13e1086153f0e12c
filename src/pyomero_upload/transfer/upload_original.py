"""Uploading files as they are: the server keeps them and makes Images of them itself.

Stands at the top of `transfer`, beside `upload`: the same Dataset with all that the text files say, but Images that the
server's own Bio-Formats reads. Nothing is imported twice: what is there is found by names and checksums.
"""

import time
from functools import partial

from pyomero_upload.errors import PlanError, PyomeroError
from pyomero_upload.model import Plan, Problem
from pyomero_upload.targets.omero import provenance
from pyomero_upload.targets.omero.annotations import annotate
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.defaults import PATIENCE
from pyomero_upload.targets.omero.faults import GaveUpError
from pyomero_upload.targets.omero.fileset import FileGroup, group_for_import, import_files
from pyomero_upload.targets.omero.settings import ServerSettings
from pyomero_upload.transfer.events import (
    ImageDone,
    ImageStarted,
    InterruptedJobError,
    OnEvent,
    ProblemFound,
    Started,
    UploadedImage,
    UploadReport,
    ignore,
)
from pyomero_upload.transfer.upload_session import Ground, InProject, find_dataset, grounded

# What the key of such an upload ends with, so that it is another one than that of the same plan's planes.
ORIGINAL = "-original"
# Errors of a plan that are about the planes it would make of the files, not about what text files say.
_ABOUT_TEXTS = frozenset({"metadata-file"})


def upload_original(
    plan: Plan,
    connection: Connection | ServerSettings,
    *,
    project: InProject = None,
    into: int | None = None,
    in_place: bool = False,
    patience: float = PATIENCE,
    progress: OnEvent | None = None,
) -> UploadReport:
    """Make a Dataset of the files of a folder as they are, with all that its text files say.

    Parameters
    ----------
    plan
        Of the folder; its images do not matter here.
    connection, project, into, patience, progress
        As for `upload`.
    in_place
        Link the files into the server's repository instead of sending them; they must stay where they are.

    Raises
    ------
    PlanError
        If the text files have errors, or there is nothing to import.
    PyomeroError
        As for `upload`.
    InterruptedJobError
        On Ctrl-C; its `report` says what is done.

    """
    errors = [problem for problem in plan.errors if problem.code in _ABOUT_TEXTS]
    if errors:
        raise PlanError(
            "The text files of the folder have errors.", hint="Put this right.", problems=errors
        )
    groups = group_for_import(plan.source.folder)
    started = time.monotonic()
    with grounded(
        plan,
        plan.digest + ORIGINAL,
        connection,
        into=into,
        patience=patience,
        on_event=progress or ignore,
    ) as ground:
        dataset_id = find_dataset(ground, plan, project, into)
        images: list[UploadedImage] = []
        problems: list[Problem] = []
        conn = ground.connection
        try:
            ground.patience.run(
                lambda: provenance.mark_dataset_incomplete(conn, dataset_id, key=ground.key)
            )
            _import_all(ground, groups, dataset_id, images, problems, in_place=in_place)
            ground.patience.run(lambda: annotate(conn, dataset_id, plan))
            if all(image.status != "failed" for image in images):
                ground.patience.run(
                    lambda: provenance.mark_dataset_complete(conn, dataset_id, key=ground.key)
                )
        except KeyboardInterrupt:
            seconds = time.monotonic() - started
            report = ground.report(dataset_id, images, problems, seconds)
            raise InterruptedJobError(report) from None
        seconds = time.monotonic() - started
        return ground.hand_back(ground.report(dataset_id, images, problems, seconds))


def _import_all(
    ground: Ground,
    groups: list[FileGroup],
    dataset_id: int,
    images: list[UploadedImage],
    problems: list[Problem],
    *,
    in_place: bool,
) -> None:
    """Import one group after the other; what became of each is added to `images`."""
    sizes = {group.name: _bytes(group) for group in groups}
    ground.on_event(Started(len(groups), len(groups), sum(sizes.values()), 0))
    for group in groups:
        begun = time.monotonic()
        ground.on_event(ImageStarted(group.name, 1, 0))
        try:
            made = ground.patience.run(
                partial(
                    import_files,
                    ground.connection,
                    group.files,
                    dataset_id=dataset_id,
                    name=group.name,
                    in_place=in_place,
                )
            )
        except GaveUpError:
            raise
        except PyomeroError as error:
            problem = (error.problems or (_problem(group.name, error),))[0]
            ground.on_event(ProblemFound(group.name, problem))
            images.append(UploadedImage(group.name, None, "failed", problems=(problem,)))
            continue
        seconds = time.monotonic() - begun
        for number, image in enumerate(made.images):
            images.append(
                UploadedImage(
                    image.name,
                    image.id,
                    "done" if made.new else "unchanged",
                    planes=image.planes,
                    # A file's bytes and time are counted once, whatever the number of images in it.
                    bytes=sizes[group.name] if made.new and not number else 0,
                    seconds=seconds if not number else 0.0,
                    sha1=image.sha1,
                    verified=image.verified,
                    problems=made.problems if not number else (),
                )
            )
            ground.on_event(ImageDone(image.name, f"Image:{image.id}", image.planes, seconds))
        if not made.images:
            problem = Problem(
                "warning", "no-images", group.name, "The server found no image in these files."
            )
            problems.append(problem)
            ground.on_event(ProblemFound(group.name, problem))


def _bytes(group: FileGroup) -> int:
    return sum(
        file.stat().st_size
        for path in group.files
        for file in ([path] if path.is_file() else path.rglob("*"))
        if file.is_file()
    )


def _problem(name: str, error: PyomeroError) -> Problem:
    return Problem("error", "image-failed", name, error.message, error.hint)
