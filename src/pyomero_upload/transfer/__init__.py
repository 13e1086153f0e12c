"""Carrying out a plan: `convert` writes it, `verify` reads it back; `events` are what they tell meanwhile."""

from pyomero_upload.transfer.convert import convert
from pyomero_upload.transfer.events import (
    Event,
    Finished,
    ImageDone,
    ImageReport,
    ImageStarted,
    InterruptedJobError,
    ProblemFound,
    Progress,
    Report,
    Started,
    UploadedImage,
    UploadReport,
    Waiting,
)
from pyomero_upload.transfer.verify import VerifyReport, verify

__all__ = [
    "Event",
    "Finished",
    "ImageDone",
    "ImageReport",
    "ImageStarted",
    "InterruptedJobError",
    "ProblemFound",
    "Progress",
    "Report",
    "Started",
    "UploadReport",
    "UploadedImage",
    "VerifyReport",
    "Waiting",
    "convert",
    "verify",
]
