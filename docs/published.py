"""Print the README's table of published figures, in Markdown."""

from __future__ import annotations

import mlsysim

PRECISIONS = ("fp16", "int8", "int4")


def _row(label: str, seconds: list[float]) -> str:
    cells = [f"{1e3 * s:.2f} ms · {seconds[0] / s:.1f}x" for s in seconds]
    return f"| {label} | {' | '.join(cells)} |"


def table() -> str:
    """The table, one line a row."""
    lines = ["| | FP16 | INT8 | INT4 |", "|---|---|---|---|"]
    for runtime, label in (
        ("tutorial", "Llama-3 8B decode on H100, eager framework (`tutorial`)"),
        ("compiled", "the same, CUDA graphs (`compiled`)"),
        ("ideal", "the same, bare roofline (`ideal`)"),
    ):
        solve = mlsysim.ServingModel().solve
        results = [
            solve("Llama3_8B", "H100", 2048, 1, precision, runtime=runtime) for precision in PRECISIONS
        ]
        lines.append(_row(label, [result.itl_s for result in results]))
    images = [mlsysim.SingleNodeModel().solve("ResNet50", "A100", 256, precision) for precision in PRECISIONS]
    lines.append(_row("ResNet-50 on A100, batch 256 (`tutorial`)", [result.latency_s for result in images]))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
