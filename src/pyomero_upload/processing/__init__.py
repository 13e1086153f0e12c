"""Image processors: `processor` says what one is and finds them; each module beside it is one that comes with this."""

from pyomero_upload.processing.processor import ImageProcessor, load_processor

__all__ = ["ImageProcessor", "load_processor"]
