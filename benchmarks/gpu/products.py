"""Matrix products whose weights are stored in 16, 8 or 4 bits, by functions of PyTorch's core alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.gpu.formats import Format

__all__ = ["check_product", "product"]

INNER_TILES = 8  # the widest loads that the INT4 product has
ROWS = 4096  # of a matrix that are quantized at a time, so that the workspace stays small
TOLERANCE = 0.02  # of the largest output: sums in 16 bits differ by less

Product = Callable[[Any], Any]


def product(rows: int, columns: int, form: Format, device: Any, dtype: Any) -> Product:
    """The product of activations of shape (batch, *columns*) with random weights of shape (*rows*, *columns*)."""
    weight = torch.empty(rows, columns, device=device, dtype=dtype).normal_(std=columns**-0.5)
    return stored(weight, form)[0]


def stored(weight: Any, form: Format) -> tuple[Product, Callable[[], Any]]:
    """The product with *weight* as *form* stores it, and what gives that weight back in full."""
    if form.kind == "fp16":
        return lambda x: torch.nn.functional.linear(x, weight), lambda: weight
    if form.kind == "int8":
        return _int8(weight)
    return _int4(weight, form.group_size)


def check_product(form: Format, device: Any, dtype: Any) -> str:
    """Why *form* cannot be timed here, as a sentence: there is no kernel for it, or it gives a wrong product; or ""."""
    torch.manual_seed(0)
    columns = 2 * max(form.group_size, 128)
    weight = torch.empty(256, columns, device=device, dtype=dtype).normal_()
    x = torch.empty(3, columns, device=device, dtype=dtype).normal_()
    try:
        multiply, in_full = stored(weight, form)
        got, expected = multiply(x).float(), x.float() @ in_full().float().T
    except (AttributeError, NotImplementedError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return f"{form.name} is left out: torch.{form.kernel} does not run here ({reason[:200]})"
    off = float((got - expected).abs().max() / expected.abs().max())
    if not off <= TOLERANCE:
        return f"{form.name} is left out: torch.{form.kernel} is off by {off:.1%} of the largest output"
    return ""


def _int8(weight: Any) -> tuple[Product, Callable[[], Any]]:
    """Symmetric, one scale for each row."""
    scales = weight.float().abs().amax(dim=1).clamp(min=1e-8) / 127
    codes = torch.empty(weight.shape, dtype=torch.int8, device=weight.device)
    for at in range(0, len(weight), ROWS):
        part = slice(at, at + ROWS)
        codes[part] = (weight[part].float() / scales[part, None]).round().to(torch.int8)
    scales = scales.to(weight.dtype)
    return lambda x: torch._weight_int8pack_mm(x, codes, scales), lambda: codes * scales[:, None].float()


def _int4(weight: Any, group: int) -> tuple[Product, Callable[[], Any]]:
    """Codes of 0 to 15 that stand for (code - 8) · scale + zero, one scale and one zero for each *group* of a row."""
    rows, columns = weight.shape
    codes = torch.empty(rows, columns, dtype=torch.uint8, device=weight.device)
    scales = torch.empty(rows, columns // group, dtype=weight.dtype, device=weight.device)
    zeros = torch.empty_like(scales)
    for at in range(0, rows, ROWS):
        part = slice(at, at + ROWS)
        groups = weight[part].float().reshape(-1, columns // group, group)
        low, high = groups.amin(dim=2), groups.amax(dim=2)
        scale = ((high - low) / 15).clamp(min=1e-8)
        codes[part] = ((groups - low[..., None]) / scale[..., None]).round().clamp(0, 15).reshape(-1, columns)
        scales[part], zeros[part] = scale, low + 8 * scale
    packed, multiply = _packed(codes)
    both = torch.stack([scales.T, zeros.T], dim=2).contiguous()  # groups, rows, 2

    def in_full() -> Any:
        groups = codes.reshape(rows, columns // group, group).float() - 8
        return (groups * scales[..., None].float() + zeros[..., None].float()).reshape(rows, columns)

    return lambda x: multiply(x, packed, group, both), in_full


def _packed(codes: Any) -> tuple[Any, Callable[..., Any]]:
    """*codes* in the order that the INT4 product of their device reads, and that product."""
    if codes.is_cuda:
        pairs = (codes[:, ::2] << 4 | codes[:, 1::2]).contiguous()
        return torch._convert_weight_to_int4pack(pairs, INNER_TILES), torch._weight_int4pack_mm
    packed = torch._convert_weight_to_int4pack_for_cpu(codes.to(torch.int32), INNER_TILES)
    return packed, torch._weight_int4pack_mm_for_cpu
