"""The import paths of the published tool's transfer classes, over the machinery of `pyomero_upload`.

`data_transfer_manager` uploads a folder, `omero_data_broker` is a session with single steps, `image_processor` what users
derive their own processors from, `default_image_processor` the one that comes with the tool. `carrying_out` is the one way
from all of them to a plan and its upload.
"""
