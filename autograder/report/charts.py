"""Charts as inline SVG, drawn in the colour of the text around them, so that they follow a dark page and a printed one."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

__all__ = ["histogram"]

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 220, 44, 44, 16


def histogram(counts: Sequence[int], title: str) -> Markup:
    """Students by the tenth of the points that they have: bars, with both axes labelled and the counts as text."""
    most = max([*counts, 1])
    wide = (WIDTH - LEFT - 8) / len(counts)
    high = HEIGHT - TOP - BOTTOM
    step = 100 // len(counts)
    ranges = [f"{step * at} to {step * (at + 1)} %: {count}" for at, count in enumerate(counts) if count]
    drawn = Markup()
    for at, count in enumerate(counts):
        x, tall = LEFT + at * wide, high * count / most
        if count:
            drawn += Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                x + 1, TOP + high - tall, wide - 2, tall
            )
            drawn += Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>').format(
                x + wide / 2, TOP + high - tall - 3, count
            )
        drawn += Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            x, HEIGHT - BOTTOM + 16, step * at
        )
    drawn += Markup('<text x="{}" y="{}" text-anchor="middle">100</text>').format(
        WIDTH - 14, HEIGHT - BOTTOM + 16
    )
    drawn += Markup('<path d="M{0} {1}H{2}" class="axis"/>').format(LEFT, HEIGHT - BOTTOM, WIDTH - 8)
    drawn += Markup('<text x="{}" y="{}" text-anchor="middle">share of the points, in %</text>').format(
        (WIDTH + LEFT) / 2, HEIGHT - 6
    )
    drawn += Markup(
        '<text transform="translate(14 {}) rotate(-90)" text-anchor="middle">students</text>'
    ).format(TOP + high / 2)
    told = f"{title}. Students by share of the points: {'; '.join(ranges) or 'none'}."
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>'
    ).format(WIDTH, HEIGHT, told, title, drawn)
