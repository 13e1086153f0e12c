"""Profiles: how one kind of microscope software names its files, under a name.

A few come with the tool; users write their own as a small YAML file. A profile becomes the `Layout` that
`layout.arrange` works with.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, NonNegativeInt

from pyomero_upload.errors import UsageError
from pyomero_upload.layout import Layout, compile_pattern
from pyomero_upload.layout.arranging import PagesAxis
from pyomero_upload.yaml_file import UserModel, read_yaml


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class FirstIndex(UserModel):
    """The lowest index in file names, where it is not to be found out from the names."""

    t: NonNegativeInt | None = None
    z: NonNegativeInt | None = None


def _as_first(value: object) -> object:
    return {"t": value, "z": value} if isinstance(value, int | str) else value


class Profile(UserModel):
    """How file names are to be read.

    Attributes
    ----------
    name
        What it is called.
    about
        One sentence for people.
    patterns
        Templates or regular expressions, tried in this order; the first that fits a name counts. A single one may
        be written without the brackets of a list.
    pages
        The axis that the pages of a file with several are: `z`, `t` or `c`.
    first
        The lowest index in the names, one for both `t` and `z` or one for each. Not given: 0 where any 0 occurs, else 1.
    channels
        The order of channels. Those not named follow in natural order.

    """

    name: str = ""
    about: str = ""
    patterns: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    pages: PagesAxis = "z"
    first: Annotated[FirstIndex, BeforeValidator(_as_first)] = FirstIndex()
    channels: tuple[str, ...] = ()

    def layout(self) -> Layout:
        """Compile the patterns.

        Raises
        ------
        UsageError
            If a pattern cannot be understood.

        """
        trusted = self is BUILT_IN.get(self.name)
        return Layout(
            name=self.name,
            patterns=tuple(compile_pattern(p, trusted=trusted) for p in self.patterns),
            pages=self.pages,
            first_t=self.first.t,
            first_z=self.first.z,
            channels=self.channels,
        )


_METAXPRESS_NAME: Final = r"(?P<position>[^/]+)_(?P<well>[A-Z]{1,2}[0-9]{2})(?:_s(?P<s>[0-9]+))?(?:_w(?P<c>[0-9]))?(?:[0-9A-F]{8}-[-0-9A-F]+)?"
_INCELL_NAME: Final = (
    r"(?P<well>[A-Z]{1,2} - [0-9]+)\(fld (?P<s>[0-9]+)(?: wv (?P<c>[^()]+?))?"
    r"(?: z (?P<z>[0-9]+))?(?: time (?P<t>[0-9]+)(?: - [0-9]+ ?ms)?)?\)"
)

_BUILT_IN: Final = (
    Profile(
        name="default",
        about="A folder for each position, in it prefix_time_channel_z: pos001/exp_000001_GFP_003.png",
        patterns=(
            # A time of six digits with a leading zero is what the Swain lab's microscopes write. Told apart first,
            # because their channels may be called pHluorin405_0_4.
            r"(?P<position>[^/]+)/(?:[^/]*_)?(?P<t>0[0-9]{5})_(?P<c>(?![0-9]+_)[^/]+)_(?P<z>[0-9]+)",
            "{position}/{prefix}_{t}_{c}_{z}",
        ),
    ),
    Profile(
        name="micromanager",
        about="Micro-Manager's separate image files: Pos0/img_000000000_GFP_000.tif",
        patterns=(
            "{position}/img_channel{c:d}_position{any}_time{t}_z{z}.tif",
            "{position}/img_{t}_{c}_{z}.tif",
        ),
        first=FirstIndex(t=0, z=0),
    ),
    Profile(
        name="metamorph",
        about="MetaMorph's multi-dimensional acquisition: exp_w1GFP_s1_t1.TIF",
        patterns=(
            "{position}_w{c:1d}{cname}_s{s:d}_t{t}",
            "{position}_w{c:1d}{cname}_s{s:d}",
            "{position}_w{c:1d}{cname}_t{t}",
            "{position}_w{c:1d}{cname}",
            "{position}_s{s:d}_t{t}",
            "{position}_s{s:d}",
            "{position}_t{t}",
        ),
        first=FirstIndex(t=1, z=1),
    ),
    Profile(
        name="metaxpress",
        about="MetaXpress plates: TimePoint_1/ZStep_1/plate_A01_s1_w1.TIF",
        patterns=(
            rf"TimePoint_(?P<t>[0-9]+)/ZStep_(?P<z>[0-9]+)/{_METAXPRESS_NAME}",
            rf"TimePoint_(?P<t>[0-9]+)/{_METAXPRESS_NAME}",
            rf"ZStep_(?P<z>[0-9]+)/{_METAXPRESS_NAME}",
            _METAXPRESS_NAME,
        ),
        first=FirstIndex(t=1, z=1),
    ),
    Profile(
        name="incell",
        about="IN Cell Analyzer: A - 01(fld 1 wv DAPI - DAPI z 1 time 1 - 0 ms).tif",
        patterns=(_INCELL_NAME,),
        first=FirstIndex(t=1, z=1),
    ),
    Profile(
        name="opera",
        about="Opera Phenix and Operetta: r01c02f03p04-ch1sk1fk1fl1.tiff",
        patterns=("{well}f{s:d}p{z}-ch{c:d}sk{t}fk{any}fl{any}.tiff",),
        first=FirstIndex(t=1, z=1),
    ),
    Profile(
        name="imagej",
        about="ImageJ's image sequences: stack0000.tif, or stack_t001_z001_c001.tif of a hyperstack",
        patterns=(
            "{position}_t{t}_z{z}_c{c:d}",
            r"(?P<position>[^/]*?)(?P<z>[0-9]{4,})",
        ),
    ),
)

BUILT_IN: Final[Mapping[str, Profile]] = {profile.name: profile for profile in _BUILT_IN}


def load_layout(*, profile: str | Path | None = None, pattern: str | None = None) -> Layout:
    """Return how names are to be read.

    Parameters
    ----------
    profile
        The name of a profile that comes with the tool, or a YAML file. None: `default`.
    pattern
        A template or regular expression that takes the place of the profile's.

    Raises
    ------
    UsageError
        If there is no such profile, or it or the pattern cannot be understood.

    """
    if pattern is not None:
        base = Profile(patterns=(pattern,)) if profile is None else load_profile(profile)
        return base.model_copy(update={"name": pattern, "patterns": (pattern,)}).layout()
    return load_profile(profile or "default").layout()


def load_profile(source: str | Path) -> Profile:
    """Return a profile that comes with the tool, by name, or read one from a YAML file.

    Raises
    ------
    UsageError
        If there is no such profile or file, or the file is no profile.

    """
    if isinstance(source, str) and source in BUILT_IN:
        return BUILT_IN[source]
    path = Path(source)
    if not path.exists():
        near = difflib.get_close_matches(str(source), BUILT_IN, n=1)
        raise UsageError(
            f"There is no profile {source}" + (f"; did you mean {near[0]}?" if near else ""),
            hint=f"Profiles: {', '.join(BUILT_IN)}; or the path of a YAML file.",
        )
    profile = read_yaml(path, Profile)
    return profile if profile.name else profile.model_copy(update={"name": path.stem})
