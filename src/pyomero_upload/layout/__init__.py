"""File names → planes: what is in a folder, and which plane of which image each file is.

The first step of the plan. `list_files` walks the folder once, `compile_pattern` turns what a user writes into a
pattern, `arrange` puts names and patterns together. Only names are looked at, no file is opened.
"""

from pyomero_upload.layout.arranging import (
    Arrangement,
    ImageFiles,
    Layout,
    arrange,
    arrange_separately,
)
from pyomero_upload.layout.listing import Listing, list_files
from pyomero_upload.layout.natural import natural_key
from pyomero_upload.layout.pattern import Pattern, compile_pattern

__all__ = [
    "Arrangement",
    "ImageFiles",
    "Layout",
    "Listing",
    "Pattern",
    "arrange",
    "arrange_separately",
    "compile_pattern",
    "list_files",
    "natural_key",
]
