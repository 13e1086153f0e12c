"""Pictures as files: JPEG of packed integers."""

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

DEFAULT_QUALITY = 0.85


def picture(packed: npt.NDArray[Any]) -> Image.Image:
    """Return an RGB picture of integers 0xAARRGGBB, shape y, x."""
    # Byte by byte a big-endian integer is alpha, red, green, blue.
    channels = packed.astype(">i4").view(np.uint8).reshape(*packed.shape, 4)
    return Image.fromarray(np.ascontiguousarray(channels[..., 1:]), "RGB")


def jpeg(image: Image.Image, quality: float) -> bytes:
    """Return a picture as a JPEG file.

    Parameters
    ----------
    image
        RGB.
    quality
        0 to 1, as `setCompressionLevel` has it.
    """
    out = BytesIO()
    image.save(out, "JPEG", quality=max(1, min(100, round(quality * 100))), subsampling=2)
    return out.getvalue()
