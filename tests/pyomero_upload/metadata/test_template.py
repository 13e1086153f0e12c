"""The template parser: a laboratory's own text files, described in YAML."""

from pathlib import Path

import pytest

from pyomero_upload.errors import UsageError
from pyomero_upload.metadata import TemplateMetadataParser, read_metadata
from pyomero_upload.model import Channel, FileStat, Metadata, Point

EXAMPLES = Path(__file__).parents[3] / "docs/examples/template-parser"


def parse(tmp_path: Path, template: str, text: str) -> Metadata:
    (tmp_path / "lab.yaml").write_text(template, encoding="utf-8")
    (tmp_path / "run.info").write_text(text, encoding="utf-8")
    return TemplateMetadataParser(tmp_path / "lab.yaml").extract_metadata(
        str(tmp_path / "run.info")
    )


def test_the_example_of_the_documentation_gives_all_kinds_of_metadata():
    found = TemplateMetadataParser(EXAMPLES / "lab.yaml").extract_metadata(
        str(EXAMPLES / "run7_settings.txt")
    )
    assert found.problems == ()
    assert found.title == "Heat shock, run 7"
    assert found.description == "Temperature steps from 30 to 37 °C.\nTwo chambers."
    assert found.authors == ("First Author", "Second Author")
    assert found.tags == ("heat shock", "Hsp104")
    assert found.key_values == (("Strain", "BY4741 Hsp104-GFP"), ("Medium", "SC + 2% glucose"))
    assert (found.pixel_size_um, found.z_step_um, found.time_interval_s) == (0.108, 0.5, 120)
    assert found.channels == (
        Channel("GFP", exposure_ms=100, excitation_nm=488),
        Channel("BF", exposure_ms=20),
    )
    assert found.stage_positions == {"P1": Point(100.5, -20, 8.25), "P2": Point(130, -20, 8.5)}
    assert [(t.name, len(t.frame)) for t in found.tables] == [("channels", 2), ("positions", 2)]
    assert found.attachments == ("run7_settings.txt",)


def test_it_is_used_through_the_option_for_parsers():
    files = {path.name: FileStat(0, 0) for path in EXAMPLES.iterdir()}
    found = read_metadata(EXAMPLES, files, parser=str(EXAMPLES / "lab.yaml"))
    assert found.title == "Heat shock, run 7"
    assert found.attachments == ("run7_settings.txt",)


def test_a_block_that_is_not_in_the_file_says_nothing(tmp_path: Path):
    found = parse(
        tmp_path,
        "files: '*.info'\nkey_values: [{after: '^\\[Keys\\]'}]\ntables: [{name: t, after: '^\\[Table\\]'}]\n"
        "channels: {table: t, name: Name}\npositions: {table: t, name: Name}\n",
        "Name: x\n",
    )
    assert found == Metadata(attachments=("run.info",))


def test_a_table_may_have_white_space_between_values_and_columns_from_the_template(tmp_path: Path):
    found = parse(
        tmp_path,
        "files: '*.info'\ntables: [{name: t, separator: '', columns: [name, x]}]\npositions: {table: t, name: name, x: x}\n",
        "P1   10\nP2\t nan\n",
    )
    assert found.stage_positions == {"P1": Point(10), "P2": Point()}


def test_what_does_not_fit_is_a_warning_with_its_line(tmp_path: Path):
    found = parse(
        tmp_path,
        "files: '*.info'\nvalues: {z_step: 'step (.*)', pixel_size: 'pixel (.*)'}\n"
        "key_values: [{before: '^--'}]\ntables: [{name: t, after: '^--'}]\n",
        "step: big\nstep big\npixel: 0\npixel 0\nno colon: 1\n--\na,b\n1,2\n1,2,3\n",
    )
    assert [(p.where, p.message.partition(":")[0]) for p in found.problems] == [
        ("run.info:2", "A line without '"),
        ("run.info:2", "The z_step is no number greater than 0; left out"),
        ("run.info:4", "The pixel_size is no number greater than 0; left out"),
        ("run.info:9", "A row with 3 values under 2 columns of the table t; left out"),
    ]
    assert (found.z_step_um, found.pixel_size_um) == (None, None)


def test_a_file_that_cannot_be_read_is_a_warning(tmp_path: Path):
    (tmp_path / "lab.yaml").write_text("files: '*.info'\n", encoding="utf-8")
    found = TemplateMetadataParser(tmp_path / "lab.yaml").extract_metadata(
        str(tmp_path / "no.info")
    )
    assert found.problems[0].where == "no.info"
    assert found.attachments == ()


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("values: {}\n", "lab.yaml:1: files: field required"),
        ("files: []\n", "lab.yaml:1: files"),
        (
            "files: a\nvalues: {title: '(x'}\n",
            "lab.yaml:2: values.title: this is no regular expression",
        ),
        (
            "files: a\nvalues: {title: 'x'}\n",
            "lab.yaml:2: values.title: put parentheses around the part",
        ),
        (
            "files: a\nvalues: {titel: '(x)'}\n",
            "lab.yaml:2: values.titel: unknown key; did you mean title?",
        ),
        (
            "files: a\nkey_values: [{after: '['}]\n",
            "lab.yaml:2: key_values.0.after: this is no regular expression",
        ),
        (
            "files: a\ntables:\n- nam: x\n",
            "lab.yaml:3: tables.0.nam: unknown key; did you mean name?",
        ),
        ("files: a\nchannels: {table: t, name: n}\n", "there is no table t; tables are none"),
    ],
)
def test_a_wrong_template_is_refused_with_line_and_key(tmp_path: Path, template: str, says: str):
    (tmp_path / "lab.yaml").write_text(template, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        TemplateMetadataParser(tmp_path / "lab.yaml")
    assert says in caught.value.message
