"""A small network that reads handwritten digits, and images that it has not seen, for the notebook ``4_measure``.

The network has two layers, 64 pixels to 64 hidden values (ReLU) to 10 outputs. ``digits.npz`` beside this file holds its
weights as they were trained, in FP32, and 800 images; rounding the weights to FP16 changes what it reads on one of them.
The images are from "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak (1998), UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0. We trained the network on other images of that set.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["accuracy", "some_images", "trained_layers"]


with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as _file:
    FILE = dict(_file)


def trained_layers() -> list[tuple[np.ndarray, np.ndarray]]:
    """The layers in their order, each a pair: weights of shape (outputs, inputs), and biases, one for each output."""
    return [
        (FILE[f"weights{number}"].astype(float), FILE[f"biases{number}"].astype(float)) for number in (1, 2)
    ]


def some_images(count: int, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """*count* of the 800 images, and the digit on each.

    Args:
        count: how many, from 1 to 800.
        draw: which ones; another whole number gives others.

    Returns:
        Images of shape (count, 64), pixels from 0 to 1; labels of shape (count,).
    """
    chosen = np.random.default_rng(draw).permutation(len(FILE["labels"]))[:count]
    return FILE["images"][chosen] / 16, FILE["labels"][chosen].astype(int)


def accuracy(layers: list[tuple[np.ndarray, np.ndarray]], images: np.ndarray, labels: np.ndarray) -> float:
    """The share of the images whose largest output is the one of its label, from 0 to 1."""
    values = images
    for number, (weights, biases) in enumerate(layers):
        values = (values if number == 0 else np.maximum(values, 0)) @ np.asarray(weights).T + biases
    return float(np.mean(np.argmax(values, axis=1) == labels))
