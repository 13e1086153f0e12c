"""The import paths of the published tool's parsers, over those of `pyomero_upload.metadata`.

`parsed` holds what the old parsers return, and the one place where anything that an old-style parser returns becomes
`pyomero_upload.model.Metadata`. The other modules hold one class each, called as it was called then.
"""
