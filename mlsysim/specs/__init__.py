"""What there is: devices, models, runtimes and precision schemes, each by name and with the sources of its numbers."""

from mlsysim.specs.architecture import Architecture
from mlsysim.specs.device import Device
from mlsysim.specs.hardware import Hardware, find_device
from mlsysim.specs.link import Link, find_link
from mlsysim.specs.model import Model, SizeOnlyModel, TransformerModel, VisionModel
from mlsysim.specs.models import Models, find_model
from mlsysim.specs.registry import Group, Registry
from mlsysim.specs.runtime import Runtime
from mlsysim.specs.runtimes import find_runtime
from mlsysim.specs.scheme import Scheme
from mlsysim.specs.schemes import find_scheme, resolve

__all__ = [
    "Architecture",
    "Device",
    "Group",
    "Hardware",
    "Link",
    "Model",
    "Models",
    "Registry",
    "Runtime",
    "Scheme",
    "SizeOnlyModel",
    "TransformerModel",
    "VisionModel",
    "find_device",
    "find_link",
    "find_model",
    "find_runtime",
    "find_scheme",
    "resolve",
]
