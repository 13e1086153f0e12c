"""From a folder of microscope files to annotated 5-D images."""
