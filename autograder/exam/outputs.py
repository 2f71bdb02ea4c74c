"""What a student's cell showed, in nbformat's form."""

from __future__ import annotations

from typing import Any

__all__ = ["error_output", "shown_output"]

MAX_LINES = 200  # of a traceback


def shown_output(item: dict[str, Any]) -> dict[str, Any]:
    """An output in nbformat's form, or an empty dict for something else: it comes from the student's process."""
    kind = item.get("output_type")
    if kind == "stream" and isinstance(item.get("text"), str):
        return {
            "output_type": "stream",
            "name": "stderr" if item.get("name") == "stderr" else "stdout",
            "text": item["text"],
        }
    data = item.get("data")
    if kind in ("display_data", "execute_result") and isinstance(data, dict):
        made = {"output_type": kind, "data": {str(k): v for k, v in data.items()}, "metadata": {}}
        if isinstance(item.get("metadata"), dict):
            made["metadata"] = {str(k): v for k, v in item["metadata"].items()}
        if kind == "execute_result":
            made["execution_count"] = None
        return made
    return {}


def error_output(name: str, text: str, lines: Any = None) -> dict[str, Any]:
    """An error's output; without the *lines* of a traceback, it has its name and its text."""
    kept = [str(line) for line in lines][:MAX_LINES] if isinstance(lines, list) else []
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": kept or [f"{name}: {text}"]}
