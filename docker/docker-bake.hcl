// docker buildx bake -f docker/docker-bake.hcl
// All images for both architectures, each on the one before it.

variable "REGISTRY" { default = "" }
variable "TAG" { default = "latest" }
variable "OMERO_VERSION" { default = "5.23.0" }
variable "PYOMERO_UPLOAD_VERSION" { default = "" }

group "default" {
  targets = ["omero_base", "omero_uploader", "omero_jupyter", "omero_ide", "omero_embedded"]
}

target "common" {
  context   = "."
  platforms = ["linux/amd64", "linux/arm64"]
}

target "omero_base" {
  inherits   = ["common"]
  dockerfile = "docker/omero_base/Dockerfile"
  args       = { OMERO_VERSION = OMERO_VERSION }
  tags       = ["${REGISTRY}omero_base:${TAG}"]
}

target "omero_uploader" {
  inherits   = ["common"]
  dockerfile = "docker/omero_uploader/Dockerfile"
  contexts   = { omero_base = "target:omero_base" }
  args       = { PYOMERO_UPLOAD_VERSION = PYOMERO_UPLOAD_VERSION }
  tags       = ["${REGISTRY}omero_uploader:${TAG}"]
}

target "omero_jupyter" {
  inherits   = ["common"]
  dockerfile = "docker/omero_jupyter/Dockerfile"
  contexts   = { omero_uploader = "target:omero_uploader" }
  args       = { PYOMERO_UPLOAD_VERSION = PYOMERO_UPLOAD_VERSION }
  tags       = ["${REGISTRY}omero_jupyter:${TAG}"]
}

target "omero_ide" {
  inherits   = ["common"]
  dockerfile = "docker/omero_ide/Dockerfile"
  contexts   = { omero_jupyter = "target:omero_jupyter" }
  tags       = ["${REGISTRY}omero_ide:${TAG}"]
}

target "omero_embedded" {
  inherits   = ["common"]
  dockerfile = "docker/omero_embedded/Dockerfile"
  contexts   = { omero_uploader = "target:omero_uploader" }
  args       = { PYOMERO_UPLOAD_VERSION = PYOMERO_UPLOAD_VERSION }
  tags       = ["${REGISTRY}omero_embedded:${TAG}"]
}
