"""Samples of a pixel: colours, alpha, and when a colour image is grey after all."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyomero_upload.readers.header import BadImageError


def drop_opaque_alpha(page: NDArray[Any]) -> NDArray[Any]:
    """Return a page without its alpha, which must be opaque everywhere.

    Parameters
    ----------
    page
        Shape (y, x), (y, x, 1), (y, x, 2: grey and alpha), (y, x, 3) or (y, x, 4: colours and alpha).

    Returns
    -------
    ndarray
        Shape (y, x) or (y, x, 3).

    Raises
    ------
    BadImageError
        If a pixel is transparent: then dropping the alpha would lose what it says.

    """
    if page.ndim == 3 and page.shape[2] in {2, 4}:
        alpha = page[..., -1]
        opaque = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1
        if not (alpha == opaque).all():
            raise BadImageError(
                "it has transparent pixels (an alpha channel), which a microscope image has no place for",
                "Save it without transparency, or the alpha as a channel of its own.",
            )
        page = page[..., :-1]
    if page.ndim == 3 and page.shape[2] == 1:
        page = page[..., 0]
    return page


def is_grey(page: NDArray[Any]) -> bool:
    """Tell whether a page is grey, or of three equal colours."""
    if page.ndim == 2:
        return True
    first = page[..., 0]
    return bool((first == page[..., 1]).all() and (first == page[..., 2]).all())


def plane_of(page: NDArray[Any], sample: int | None) -> NDArray[Any]:
    """Return one plane of a page, as `read_planes` promises it.

    Parameters
    ----------
    page
        Shape (y, x) or (y, x, 3).
    sample
        None or -1: the one plane of a grey page, or of three equal colours; 0, 1, 2: a colour.

    Returns
    -------
    ndarray
        Shape (y, x), C-contiguous, native byte order.

    """
    if sample is None or sample < 0:
        if not is_grey(page):
            raise BadImageError(
                "its red, green and blue differ, where the other files of its channel are grey",
                "Give coloured files a channel of their own.",
            )
        plane = page if page.ndim == 2 else page[..., 0]
    elif page.ndim == 2:
        raise BadImageError("it is grey, where the other files of its channel have colours")
    else:
        plane = page[..., sample]
    return np.ascontiguousarray(plane, dtype=plane.dtype.newbyteorder("="))
