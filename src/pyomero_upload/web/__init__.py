"""OMERO.web, configured and run for one OMERO server: pages to look at, and the JSON API with them.

Stands beside the transfer of data and needs none of it. `settings` writes what OMERO.web reads, `serving` runs it in
this process until it is told to stop, `process` has it as a process of its own. OMERO.web and its apps come from PyPI
(`pip install 'pyomero-upload[web]'`).
"""

from pyomero_upload.web.process import Web, require_web
from pyomero_upload.web.settings import WebServer, shown

__all__ = ["Web", "WebServer", "require_web", "shown"]
