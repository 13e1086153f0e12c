"""Where images go: `target` says what a target is; `files` makes OME-Zarr and OME-TIFF."""
