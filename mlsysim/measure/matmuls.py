"""Real matmuls with weights of 32, 8 or 4 bits, run by ONNX Runtime on the processor.

A pass multiplies a batch of activations by several square weight matrices, one after the other, as a decode step of a
language model does. The short weights are in groups that share an FP32 scale. ONNX Runtime's operator ``MatMulNBits``
unpacks them while it multiplies; at its accuracy level 4 it rounds the activations to 8 bits and computes with integers
(github.com/microsoft/onnxruntime, docs/ContribOperators.md, 2025). Every number format multiplies by the same matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsysim.errors import InputError

__all__ = ["BITS", "GROUP", "INSTALL", "SHORT", "Matmuls", "bits_stored", "need_runtime"]

BITS = (32, 8, 4)
SHORT = (8, 4)  # those that are unpacked
GROUP = 32  # weights that share a scale
SCALE_BITS = 32
LARGEST_CODE = 7  # codes of four bits, from -7 to 7
ACCURACY_LEVEL = 4  # round the activations to 8 bits
INSTALL = "pip install 'onnx>=1.17' 'onnxruntime>=1.22'"


def need_runtime() -> tuple[Any, Any]:
    """ONNX Runtime and ONNX.

    Raises:
        InputError: one of them is not installed; the message says how to get it.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"measuring needs onnx and onnxruntime, which are not installed ({error}): type {INSTALL}, or read a recording"
        ) from error
    return onnxruntime, onnx


def bits_stored(bits: int) -> float:
    """Bits that a weight takes in memory, with its share of the group's scale.

    >>> [bits_stored(bits) for bits in BITS]
    [32.0, 9.0, 5.0]
    """
    return float(bits) if bits == 32 else bits + SCALE_BITS / GROUP


class Matmuls:
    """Square matmuls in a row, ready to run.

    Attributes:
        bits: of a weight: 32, 8 or 4.
        side: rows and columns of each matrix.
        layers: how many there are.
        weights: how many weights they have together.
    """

    def __init__(self, bits: int, side: int, layers: int, threads: int) -> None:
        self.bits, self.side, self.layers = bits, side, layers
        self.weights = side * side * layers
        runtime, onnx = need_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry(
            "session.force_spinning_stop", "1"
        )  # else it would slow down whoever comes next
        graph = _graph(onnx, bits, side, layers).SerializeToString()
        try:
            self._session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except (
            Exception
        ) as error:  # its errors have no class of their own; an old version knows no weights of 8 bits
            what = f"onnxruntime {runtime.__version__} cannot multiply by weights of {bits} bits"
            raise InputError(f"{what}: type {INSTALL}") from error

    def activations(self, batch: int) -> np.ndarray:
        """Inputs of a pass, FP32 of shape (*batch*, side); always the same."""
        return np.random.default_rng(batch).standard_normal((batch, self.side), np.float32)

    def run(self, activations: np.ndarray) -> np.ndarray:
        """The product of *activations*, shape (batch, side), with each of the matrices in turn."""
        result: np.ndarray = self._session.run(None, {"x0": activations})[0]
        return result


def codes_and_scales(side: int) -> tuple[np.ndarray, np.ndarray]:
    """The matrix that all formats share: codes from -7 to 7, shape (columns, rows), and each group's scale.

    The scales keep a product about as large as what it is made of, layer after layer.
    """
    random = np.random.default_rng(side)
    codes = random.integers(-LARGEST_CODE, LARGEST_CODE + 1, (side, side), dtype=np.int8)
    root_mean_square = np.sqrt(LARGEST_CODE * (LARGEST_CODE + 1) / 3)
    scales = random.uniform(0.9, 1.1, (side, side // GROUP)) / (root_mean_square * np.sqrt(side))
    return codes, scales.astype(np.float32)


def weight_arrays(bits: int, side: int) -> dict[str, np.ndarray]:
    """The shared matrix as one number format stores it, by the name of the operator's input."""
    codes, scales = codes_and_scales(side)
    if bits == 32:
        matrix = codes * np.repeat(scales, GROUP, axis=1)
        return {"B": np.ascontiguousarray(matrix.T)}
    groups = (side, side // GROUP)
    if bits == 8:
        stored = (codes.astype(np.int16) * 16 + 128).astype(np.uint8)  # the same weights in finer steps
        return {"B": stored.reshape(*groups, GROUP), "scales": (scales / 16).ravel()}
    nibbles = (codes + 8).astype(np.uint8)
    packed = nibbles[:, ::2] | nibbles[:, 1::2] << 4
    return {"B": packed.reshape(*groups, GROUP // 2), "scales": scales.ravel()}


def _graph(onnx: Any, bits: int, side: int, layers: int) -> Any:
    """The passes as an ONNX model, with weights of its own for each layer."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    arrays = weight_arrays(bits, side)
    nodes, stored = [], []
    for layer in range(layers):
        names = {kind: f"{kind}{layer}" for kind in arrays}
        stored += [onnx.numpy_helper.from_array(array, names[kind]) for kind, array in arrays.items()]
        inputs, outputs = [f"x{layer}", *names.values()], [f"x{layer + 1}"]
        if bits == 32:
            nodes.append(helper.make_node("MatMul", inputs, outputs))
        else:
            sizes = {
                "K": side,
                "N": side,
                "bits": bits,
                "block_size": GROUP,
                "accuracy_level": ACCURACY_LEVEL,
            }
            nodes.append(helper.make_node("MatMulNBits", inputs, outputs, domain="com.microsoft", **sizes))
    ends = [helper.make_tensor_value_info(name, floats, ["batch", side]) for name in ("x0", f"x{layers}")]
    graph = helper.make_graph(nodes, "matmuls", ends[:1], ends[1:], stored)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8)
