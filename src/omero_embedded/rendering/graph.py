"""Settings that are not saved, as the RenderingDef a client gets."""

import omero
import omero.model
from omero.model import IObject
from omero.rtypes import rbool, rdouble, rint, rstring

from omero_embedded.call import Call
from omero_embedded.pixels.graphs import value_of
from omero_embedded.rendering.settings import ChannelSettings, RenderingSettings


def fill(call: Call, settings: RenderingSettings, target: IObject, pixels_id: int) -> IObject:
    """Write settings into a RenderingDef and return it.

    Parameters
    ----------
    call
        For looking up enumerations.
    settings
        What to write.
    target
        A RenderingDef, new or as a client sent it; its bindings are changed, missing ones added.
    pixels_id
        Of the image.
    """
    target.pixels = omero.model.PixelsI(pixels_id, False)
    target.model = value_of(call, "RenderingModel", settings.model)
    target.defaultZ, target.defaultT = rint(settings.z), rint(settings.t)
    quantum = target.quantization
    if quantum is None or not quantum.isLoaded():
        quantum = target.quantization = omero.model.QuantumDefI()
    quantum.cdStart, quantum.cdEnd = map(rint, settings.codomain)
    quantum.bitResolution = rint(settings.bit_resolution)
    for _ in range(target.sizeOfWaveRendering(), len(settings.channels)):
        target.addChannelBinding(omero.model.ChannelBindingI())
    for binding, channel in zip(target.copyWaveRendering(), settings.channels, strict=False):
        _fill_binding(call, channel, binding)
    return target


def _fill_binding(call: Call, channel: ChannelSettings, binding: IObject) -> None:
    binding.family = value_of(call, "Family", channel.family)
    binding.coefficient = rdouble(channel.coefficient)
    binding.inputStart, binding.inputEnd = rdouble(channel.start), rdouble(channel.end)
    binding.active, binding.noiseReduction = rbool(channel.active), rbool(channel.noise_reduction)
    binding.red, binding.green, binding.blue, binding.alpha = map(rint, channel.rgba)
    table = channel.lookup_table
    binding.lookupTable = None if table is None else rstring(table)
