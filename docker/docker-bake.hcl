// docker buildx bake -f docker/docker-bake.hcl
// All images for both architectures, each on the one before it.

variable "REGISTRY" { default = "" }
variable "TAG" { default = "latest" }
variable "OMERO_VERSION" { default = "5.23.0" }
variable "PYOMERO_UPLOAD_VERSION" { default = "" }
// Where the source is, and its commit: labels, when they are told.
variable "SOURCE" { default = null }
variable "REVISION" { default = null }

// A release is the latest image, too. Registries want small letters, which owners' names on GitHub need not have.
function "tags" {
  params = [name]
  result = distinct(["${lower(REGISTRY)}${name}:${TAG}", "${lower(REGISTRY)}${name}:latest"])
}

group "default" {
  targets = ["omero_base", "omero_uploader", "omero_jupyter", "omero_ide", "omero_embedded"]
}

target "common" {
  context   = "."
  platforms = ["linux/amd64", "linux/arm64"]
  labels = {
    "org.opencontainers.image.source"   = SOURCE
    "org.opencontainers.image.revision" = REVISION
    "org.opencontainers.image.version"  = TAG == "latest" ? null : TAG
  }
}

target "omero_base" {
  inherits   = ["common"]
  dockerfile = "docker/omero_base/Dockerfile"
  args       = { OMERO_VERSION = OMERO_VERSION }
  tags       = tags("omero_base")
}

target "omero_uploader" {
  inherits   = ["common"]
  dockerfile = "docker/omero_uploader/Dockerfile"
  contexts   = { omero_base = "target:omero_base" }
  args       = { PYOMERO_UPLOAD_VERSION = PYOMERO_UPLOAD_VERSION }
  tags       = tags("omero_uploader")
}

target "omero_jupyter" {
  inherits   = ["common"]
  dockerfile = "docker/omero_jupyter/Dockerfile"
  contexts   = { omero_uploader = "target:omero_uploader" }
  args       = { PYOMERO_UPLOAD_VERSION = PYOMERO_UPLOAD_VERSION }
  tags       = tags("omero_jupyter")
}

target "omero_ide" {
  inherits   = ["common"]
  dockerfile = "docker/omero_ide/Dockerfile"
  contexts   = { omero_jupyter = "target:omero_jupyter" }
  tags       = tags("omero_ide")
}

target "omero_embedded" {
  inherits   = ["common"]
  dockerfile = "docker/omero_embedded/Dockerfile"
  contexts   = { omero_uploader = "target:omero_uploader" }
  args       = { PYOMERO_UPLOAD_VERSION = PYOMERO_UPLOAD_VERSION }
  tags       = tags("omero_embedded")
}
