"""A user's script: uploads one folder, then tags and describes what came of it."""

import argparse

import yaml

from pyomero_upload.pyomero_upload import PyOmeroUploader

parser = argparse.ArgumentParser()
parser.add_argument("config")
parser.add_argument("folder")
parser.add_argument("name")
args = parser.parse_args()

with open(args.config, encoding="utf-8") as file:
    conf = yaml.safe_load(file)["omero_conn"]

uploader = PyOmeroUploader(conf["username"], conf["password"], conf["server"], conf["port"])
dataset_id = uploader.launch_upload(args.name, args.folder, hypercube=True)

broker = uploader.searcher()
broker.add_tags(["to be published, 2020"], "Dataset", int(dataset_id))
broker.add_description("Uploaded by a script.", "Dataset", int(dataset_id))
broker.close_omero_session()

(dataset,) = uploader.search_by_type_field("Dataset", "name", args.name)
print("found", dataset.getId().getValue(), dataset.getName().getValue())
