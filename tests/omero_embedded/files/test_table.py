"""Tables: what a client may call their columns."""

import warnings
from typing import Any

import omero.grid


def test_columns_with_blanks_in_their_names_are_nothing_to_warn_of(omero_client: Any) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        table = omero_client.sf.sharedResources().newTable(1, "pumps")
        table.initialize([omero.grid.LongColumn("Pump port", "", [])])
        table.addData([omero.grid.LongColumn("Pump port", "", [5])])
        read = table.read([0], 0, 1)
        table.close()

    assert read.columns[0].values == [5]
    assert [str(w.message) for w in seen if "natural naming" in str(w.message)] == []
