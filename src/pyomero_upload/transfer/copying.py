"""A Dataset from one server to another, with all that is said of it.

Stands above `upload`, which carries out what `server_plan` plans and compares digests, and goes on where it was stopped.
Annotations, ROIs and rendering settings follow when the pixels are there, before the Dataset counts as complete. What is
there already is found, so a copy that was cut off is run again.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

import pandas as pd
import xxhash

from pyomero_upload.model import Plan, Problem
from pyomero_upload.planning.document import plan_digest
from pyomero_upload.planning.provenance import NAMESPACE
from pyomero_upload.targets.omero.annotations import add_key_values, add_tags
from pyomero_upload.targets.omero.attachments import add_attachment
from pyomero_upload.targets.omero.connection import Connection
from pyomero_upload.targets.omero.defaults import PATIENCE
from pyomero_upload.targets.omero.faults import Patience
from pyomero_upload.targets.omero.images import set_description
from pyomero_upload.targets.omero.objects import Kind
from pyomero_upload.targets.omero.provenance import ZEROS, carry_over
from pyomero_upload.targets.omero.raw_planes import PixelSource
from pyomero_upload.targets.omero.regions import add_regions, read_regions
from pyomero_upload.targets.omero.remarks import add_remarks
from pyomero_upload.targets.omero.said import (
    Attachment,
    Said,
    file_parts,
)
from pyomero_upload.targets.omero.shown_as import (
    apply_extremes,
    apply_settings,
    read_extremes,
    read_settings,
)
from pyomero_upload.targets.omero.table_frames import ID_COLUMNS, read_table
from pyomero_upload.targets.omero.tables import add_table
from pyomero_upload.transfer.events import OnEvent, UploadReport
from pyomero_upload.transfer.server_plan import ServerPlan, server_plan
from pyomero_upload.transfer.upload import upload

P = ParamSpec("P")
T = TypeVar("T")


def copy(
    source: Connection,
    dataset_id: int,
    target: Connection,
    *,
    project: str | Literal[False] | None = None,
    into: int | None = None,
    workers: int | None = None,
    patience: float = PATIENCE,
    progress: OnEvent | None = None,
) -> UploadReport:
    """Copy a Dataset to another server, or into another group.

    Parameters
    ----------
    source, dataset_id
        Whence, and which Dataset.
    target
        Where to; the user there owns the copy.
    project, into, workers, patience, progress
        As for `upload`; a Project of None is the one of the same name as the Dataset lies in.

    Returns
    -------
    UploadReport
        What became of each Image; with the digest that the target holds of it.

    Raises
    ------
    UsageError
        If there is no such Dataset that the user may see in the group of `source`.
    PlanError
        If an Image of it is not complete.
    PyomeroError
        If a server refused it or could not be reached for too long, or a file is damaged.
    InterruptedJobError
        On Ctrl-C; its `report` says what is done.

    """
    with PixelSource(source) as pixels:
        found = plan_copy(source, pixels, dataset_id)
        return carry_out(
            found,
            target,
            project=project,
            into=into,
            workers=workers,
            patience=patience,
            progress=progress,
        )


def plan_copy(source: Connection, pixels: PixelSource, dataset_id: int) -> ServerPlan:
    """Return the plan of a copy, without annotations, which are copied one by one; errors as for `copy`."""
    found = server_plan(source, pixels, dataset_id)
    return replace(found, plan=_bare(found, source))


def carry_out(
    found: ServerPlan,
    target: Connection,
    *,
    project: str | Literal[False] | None = None,
    into: int | None = None,
    workers: int | None = None,
    patience: float = PATIENCE,
    progress: OnEvent | None = None,
) -> UploadReport:
    """Carry out what `plan_copy` returned; parameters and errors as for `copy`."""
    source = Patience(found.origin.connection, seconds=patience)

    def finish(there: Patience, dataset_id: int, copied: Mapping[str, int]) -> tuple[Problem, ...]:
        work = _Copy(source, there, found, copied)
        work.say("Dataset", dataset_id, found.said)
        for name, image_id in copied.items():
            work.say("Image", image_id, found.notes[name])
            work.finish_image(name, image_id)
        return tuple(work.problems)

    report = upload(
        found.plan,
        target,
        project=project,
        into=into,
        workers=workers,
        patience=patience,
        progress=progress,
        origin=found.origin,
        finish=finish,
    )
    return replace(report, problems=(*report.problems, *_differing(found, report)))


def _bare(found: ServerPlan, source: Connection) -> Plan:
    """Return the plan under a key that no other Dataset has."""
    dataset = found.plan.dataset
    plan = replace(
        found.plan,
        dataset=replace(dataset, tags=(), key_values=(), tables=(), attachments=(), authors=()),
    )
    where = f"{source.sf.getConfigService().getDatabaseUuid()} Dataset:{found.dataset.id}"
    key = xxhash.xxh3_128_hexdigest(f"{plan_digest(plan)} {where}".encode())
    return replace(plan, digest=key)


def _differing(found: ServerPlan, report: UploadReport) -> Iterator[Problem]:
    """Iterate over Images whose digests on the two servers differ; of imported files it is in the files' byte order."""
    for image in report.images:
        before = found.images[image.name]
        if image.sha1 is not None and before.fileset is None and image.sha1 != before.sha1:
            yield Problem(
                "error",
                "image-differs",
                f"{image.name} ({before.where})",
                "The pixels that were read are not what the server noted when they were written.",
                "Look at the Image on the server it comes from: its file there may be damaged.",
            )


@dataclass(slots=True)
class _Copy:
    """What is said of a Dataset and its Images, on its way to the other server."""

    source: Patience
    patience: Patience
    found: ServerPlan
    copied: Mapping[str, int]
    problems: list[Problem] = field(default_factory=list)

    def say(self, kind: Kind, identifier: int, said: Said) -> None:
        """Say of a copy all that is said of the original."""
        self._run(add_tags, kind, identifier, [tag.text for tag in said.tags])
        for pairs in said.maps:
            if pairs.namespace != NAMESPACE:
                self._run(add_key_values, kind, identifier, pairs.pairs, pairs.namespace)
        for file in said.tables:
            frame = self._frame(file)
            if len(frame.columns):
                self._run(add_table, kind, identifier, frame, file.name)
        for file in said.attachments:
            self._attach(kind, identifier, file)
        self._run(add_remarks, kind, identifier, said.remarks)

    def finish_image(self, name: str, image_id: int) -> None:
        """Give a copied Image its description, ROIs and rendering settings, and the note of planes that are zeros."""
        image = self.found.images[name]
        zeros = {k: v for k, v in self.found.notes[name].provenance if k in ZEROS}
        if zeros:
            note = partial(carry_over, key=self.found.plan.digest, new=zeros)
            self._run(note, "Image", image_id)
        rois = self._ask(read_regions, image.id)
        target = self.patience
        if not target.run(lambda: add_regions(target.connection, image_id, rois)):
            self.problems.append(
                Problem(
                    "warning",
                    "regions-left",
                    f"{name} (Image:{image_id})",
                    f"It has ROIs already, fewer than the {len(rois)} of the original: none were copied.",
                    "Delete those that it has and copy again.",
                )
            )
        if image.description:
            self._run(set_description, image_id, image.description)
        # Those that the upload found count planes of zeros, too, that were never taken.
        self._run(apply_extremes, image_id, self._ask(read_extremes, image.pixels.id))
        settings = self._ask(read_settings, image.pixels.id)
        if settings is not None:
            self._run(apply_settings, image_id, settings)

    def _run(self, what: Callable[..., object], *args: object) -> None:
        """Do something that does no harm when it is done twice, in spite of faults that pass."""
        self.patience.run(lambda: what(self.patience.connection, *args))

    def _ask(
        self, what: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Ask the server that the original is on, in spite of faults that pass."""
        return self.source.run(lambda: what(self.source.connection, *args, **kwargs))

    def _frame(self, file: Attachment) -> pd.DataFrame:
        """Return a table in which ids of Images and of the Dataset are those of the copies."""
        frame = self._ask(read_table, file.id)
        new = {
            "Image": {self.found.images[name].id: made for name, made in self.copied.items()},
        }
        for number, kind in frame.attrs.get(ID_COLUMNS, {}).items():
            known = new.get(kind, {})
            name = frame.columns[number]
            ids = frame.iloc[:, number]
            if not set(ids) <= set(known):
                self.problems.append(
                    Problem(
                        "warning",
                        "table-ids",
                        file.name,
                        f"The column {name} holds ids of the server it comes from: not all of them are copied.",
                    )
                )
            frame.isetitem(number, [known.get(value, value) for value in ids])
        return frame

    def _attach(self, kind: Kind, identifier: int, file: Attachment) -> None:
        """Copy a file by way of the disk, as it may be larger than memory."""
        with tempfile.TemporaryDirectory(prefix="pyomero-") as folder:
            path = Path(folder, "file")
            self._ask(_fetch, file, path)
            self.patience.run(
                lambda: add_attachment(
                    self.patience.connection,
                    kind,
                    identifier,
                    path,
                    f"{file.folder}{file.name}" if file.folder.endswith("/") else file.name,
                    mimetype=file.mimetype or None,
                    namespace=file.namespace or None,
                    description=file.description,
                )
            )


def _fetch(connection: Connection, file: Attachment, path: Path) -> None:
    with path.open("wb") as opened:
        opened.writelines(file_parts(connection, file))
