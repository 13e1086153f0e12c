"""What progress says of interruptions, in each of its ways."""

import json

import pytest

from pyomero_upload.cli.options import ProgressKind
from pyomero_upload.cli.progress import progress_shown
from pyomero_upload.transfer.events import Waiting, WentOn


def shown(kind, capfd, *events):
    with progress_shown(kind) as show:
        for event in events:
            show(event)
    return capfd.readouterr().err


@pytest.mark.parametrize("kind", [ProgressKind.plain, ProgressKind.bar])
def test_an_interruption_has_a_line_when_it_begins_and_one_when_it_is_over(kind, capfd):
    text = shown(kind, capfd, Waiting("The connection was lost.", 0.5), WentOn(12.34))
    assert "The connection was lost. Trying again in 0.5 s." in text
    assert "Going on after 12.3 s." in text


def test_for_programs_the_end_of_an_interruption_is_an_event(capfd):
    assert json.loads(shown(ProgressKind.json, capfd, WentOn(12.25))) == {
        "event": "went_on",
        "seconds": 12.25,
    }
