"""A user's script: finds a Dataset's Images by HQL, measures each channel, and writes it back as key-values."""

import os
import sys

import numpy as np
import omero
from omero.rtypes import rlist, rstring, rlong
from omero.util.script_utils import downloadPlane

from pyomero_upload.pyomero_upload import PyOmeroUploader

user, server, port, name = sys.argv[1:]
searcher = PyOmeroUploader(user, os.environ["MEASURE_PASSWORD"], server, int(port)).searcher()

params = omero.sys.Parameters()
params.map = {"dname": rstring(name)}
dataset = searcher.find_objects_by_query(
    "select d from Dataset d where d.name like :dname", params
)[0]
params.map = {"did": rlong(dataset.getId().getValue())}
images = searcher.find_objects_by_query(
    "select i from Image i left outer join fetch i.datasetLinks as dlinks "
    "left outer join fetch dlinks.child as image where dlinks.parent.id = :did",
    params,
)
params.map = {"iids": rlist([rlong(image.getId().getValue()) for image in images])}
all_pixels = searcher.find_objects_by_query(
    "SELECT p FROM Pixels as p JOIN FETCH p.image JOIN FETCH p.pixelsType WHERE p.image.id in :iids",
    params,
)
store = searcher.SESSION.createRawPixelsStore()
for pixels in all_pixels:
    store.setPixelsId(pixels.getId().getValue(), False)
    for c in range(pixels.getSizeC().getValue()):
        mean = np.mean(downloadPlane(store, pixels, 0, c, 0))
        image = pixels.getImage()
        searcher.add_kvps(
            [["mean of channel %d" % c, round(mean, 3)]], "Image", image.getId().getValue()
        )
        print(image.getName().getValue(), c, round(mean, 3))
store.close()
searcher.close_omero_session()
