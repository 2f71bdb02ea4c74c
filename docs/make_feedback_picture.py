"""Make the README's picture of what a student gets back, docs/feedback.webp: ``python docs/make_feedback_picture.py``.

It grades one simulated student of the assignment ``quantization`` and opens that student's page in Chromium. The picture is made anew by hand, when
the page has changed: what a browser draws differs by its fonts.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

from autograder.cli import main

KIND = "s04"  # leaves the KV cache out
PART = "[id='1_predict.step_bytes_visible']"  # the card of marks that the picture is about
WIDTH = 480  # a phone shows the picture as wide as this, or a little less
BORDER = 12
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu"]


def draw(page: Path, picture: Path) -> None:
    """Write the part of the student's *page* that ends with :data:`PART` to the file *picture*."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("no browser is installed (tests/system-packages.txt)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        tab = browser.new_page(viewport={"width": WIDTH, "height": 1000}, device_scale_factor=1.25)
        tab.goto(page.as_uri())
        section = tab.locator(PART).locator("xpath=ancestor::div[@class='section']")
        if "(too much to show)" in section.inner_text():
            sys.exit("this machine was too busy to show everything: try again")
        above, below = section.bounding_box(), tab.locator(PART).bounding_box()
        clip = above | {"height": below["y"] + below["height"] - above["y"]}
        image = Image.open(io.BytesIO(tab.screenshot(clip=clip, full_page=True)))
        browser.close()
    ImageOps.expand(image.convert("RGB"), border=BORDER, fill="white").save(picture, quality=60, method=6)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        course = Path(name) / "course"
        main(["demo", "quantization", "--course", str(course), "--kinds", KIND])
        (made,) = course.rglob(f"feedback/{KIND}/quantization.html")
        draw(made, Path(__file__).with_name("feedback.webp"))
