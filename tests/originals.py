"""Files as microscopes' own programs write them, for tests."""

from pathlib import Path

import tifffile

from folders import plane


def write_part(path: Path, others: list[str], number: int) -> Path:
    """Write one file of an OME-TIFF of several, whose OME-XML names them all."""
    names = [path.name, *others]
    tiffs = "".join(
        f'<TiffData FirstT="{t}" PlaneCount="1"><UUID FileName="{name}">urn:uuid:00000000-0000-4000-8000-{t:012}</UUID></TiffData>'
        for t, name in enumerate(sorted(names))
    )
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="20" SizeY="16" '
        f'SizeZ="1" SizeC="1" SizeT="{len(names)}"><Channel ID="Channel:0"/>{tiffs}</Pixels></Image></OME>'
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, plane(number), description=xml, metadata=None)
    return path
