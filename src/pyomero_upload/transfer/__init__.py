"""Carrying out a plan, and looking at what came of it; `events` are what is told meanwhile.

`convert` writes files, which `verify` reads back. `upload` and `upload_original` make a Dataset on an OMERO server, which
`verify_omero` looks at; `get` brings one back into files, `copying` to another server. These four need omero-py, so
they are imported by their own names.
"""

from pyomero_upload.transfer.convert import convert
from pyomero_upload.transfer.events import (
    CheckReport,
    Event,
    Finished,
    ImageDone,
    ImageReport,
    ImageStarted,
    InterruptedJobError,
    JobReport,
    ProblemFound,
    Progress,
    Report,
    Started,
    UploadedImage,
    UploadReport,
    Waiting,
    WentOn,
)
from pyomero_upload.transfer.verify import VerifyReport, verify

__all__ = [
    "CheckReport",
    "Event",
    "Finished",
    "ImageDone",
    "ImageReport",
    "ImageStarted",
    "InterruptedJobError",
    "JobReport",
    "ProblemFound",
    "Progress",
    "Report",
    "Started",
    "UploadReport",
    "UploadedImage",
    "VerifyReport",
    "Waiting",
    "WentOn",
    "convert",
    "verify",
]
