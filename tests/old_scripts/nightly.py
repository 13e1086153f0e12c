"""A user's script: uploads every folder of a night with one session, and keeps a table of them."""

import os
import sys

import pandas as pd

from omero_data_transfer.data_transfer_manager import DataTransferManager
from omero_data_transfer.default_image_processor import DefaultImageProcessor
from omero_data_transfer.omero_data_broker import OMERODataBroker
from omero_metadata_parser.aggregate_metadata import MetadataAggregator

user, server, port, night = sys.argv[1:]

broker = OMERODataBroker(
    username=user,
    password=os.environ["NIGHTLY_PASSWORD"],
    server=server,
    port=int(port),
    image_processor=DefaultImageProcessor(),
)
broker.open_omero_session()
manager = DataTransferManager(parser_class=MetadataAggregator)
rows = []
for name in sorted(os.listdir(night)):
    result = manager.upload_data_dir(broker, name, os.path.join(night, name), hypercube=True)
    rows.append([name, result["dataset_id"], len(result["image_id_list"])])
    broker.add_kvps([["Night", os.path.basename(night)]], "Dataset", result["dataset_id"])

frame = pd.DataFrame(rows, columns=["Experiment", "Dataset", "Images"])
frame.name = "night"
overview = broker.create_dataset("Overview", "What was uploaded this night")
broker.create_table(overview.getId().getValue(), frame, frame.name)
print(frame.to_string(index=False))
broker.close_omero_session()
