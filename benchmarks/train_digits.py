"""Trains the small network that the notebook ``4_measure`` quantizes, and writes it beside that notebook with images for testing.

Run ``python -m benchmarks.train_digits``. It takes a few seconds, and needs scikit-learn (``pip install scikit-learn``),
from whose copy it reads the images; nothing else in this repository needs it.

The images are the test set of "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak (1998), UCI Machine
Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0: 1,797 images of 8 × 8 pixels, whole numbers from
0 to 16, of digits that 13 people wrote. We shuffle them with a fixed seed, train on the first 997 and keep the other 800.
So both parts are by the same people, and the accuracy is that for writers whom the network has seen.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["main", "train"]

Floats = NDArray[np.float64]
Layers = list[tuple[Floats, Floats]]  # weights (outputs, inputs) and biases (outputs) of each

TARGET = Path(__file__).resolve().parent.parent / "solutions" / "quantization" / "digits.npz"
TRAINED_ON = 997  # images; the other 800 are for testing
HIDDEN = 64  # a multiple of every group size that the notebook asks about
EPOCHS, BATCH, RATE, SEED = 60, 32, 3e-3, 7
BETAS, TINY = (0.9, 0.999), 1e-8  # of Adam, Kingma and Ba (2015), arXiv 1412.6980


def _outputs(layers: Layers, images: Floats) -> tuple[Floats, Floats]:
    """The values of the hidden layer and of the output, for images with pixels from 0 to 1."""
    (first, first_bias), (second, second_bias) = layers
    hidden = np.maximum(images @ first.T + first_bias, 0)
    return hidden, hidden @ second.T + second_bias


def _gradients(layers: Layers, images: Floats, labels: NDArray[np.int64]) -> list[Floats]:
    """Of the mean cross-entropy of softmax, in the order weights, biases, layer by layer."""
    hidden, out = _outputs(layers, images)
    shares = np.exp(out - out.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(labels)), labels] -= 1
    back = shares / len(labels)
    before = (back @ layers[1][0]) * (hidden > 0)
    return [before.T @ images, before.sum(axis=0), back.T @ hidden, back.sum(axis=0)]


def train(images: Floats, labels: NDArray[np.int64], seed: int = SEED) -> Layers:
    """A network of two layers with ReLU between them, trained with Adam.

    Args:
        images: shape (images, pixels), pixels from 0 to 1.
        labels: the digit on each.
        seed: of the first weights and of the order of images; the same seed gives the same network.
    """
    draw = np.random.default_rng(seed)
    sizes = ((HIDDEN, images.shape[1]), (10, HIDDEN))
    layers: Layers = [(draw.normal(0, np.sqrt(2 / size[1]), size), np.zeros(size[0])) for size in sizes]
    values = [part for layer in layers for part in layer]
    means, squares = ([np.zeros_like(value) for value in values] for _ in range(2))
    step = 0
    for epoch in range(EPOCHS):
        rate = RATE * (1 - epoch / EPOCHS)
        order = draw.permutation(len(images))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            step += 1
            for i, gradient in enumerate(_gradients(layers, images[chosen], labels[chosen])):
                means[i] += (1 - BETAS[0]) * (gradient - means[i])
                squares[i] += (1 - BETAS[1]) * (gradient**2 - squares[i])
                mean, square = means[i] / (1 - BETAS[0] ** step), squares[i] / (1 - BETAS[1] ** step)
                values[i] -= rate * mean / (np.sqrt(square) + TINY)
    return layers


def main() -> int:
    """Train, write the file, and say how accurate the network is; the exit status."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        print(
            "This command needs scikit-learn, for its copy of the images: pip install scikit-learn",
            file=sys.stderr,
        )
        return 1
    found = load_digits()
    order = np.random.default_rng(SEED).permutation(len(found.target))
    images, labels = found.data[order], found.target[order].astype(np.int64)
    layers = train(images[:TRAINED_ON] / 16, labels[:TRAINED_ON])
    arrays: dict[str, Any] = {
        f"{what}{number}": part.astype(np.float32)
        for number, layer in enumerate(layers, 1)
        for what, part in zip(("weights", "biases"), layer, strict=True)
    }
    arrays["images"] = images[TRAINED_ON:].astype(np.uint8)
    arrays["labels"] = labels[TRAINED_ON:].astype(np.uint8)
    np.savez_compressed(TARGET, **arrays)
    for name, part in (("trained on", slice(TRAINED_ON)), ("kept for testing", slice(TRAINED_ON, None))):
        right = _outputs(layers, images[part] / 16)[1].argmax(axis=1) == labels[part]
        print(f"{right.mean():.1%} of the {len(right)} images {name}")
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1e3:.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
