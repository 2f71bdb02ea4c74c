"""Whether a browser can show a picture: a few kilobytes can have as many pixels as stop one for minutes."""

from __future__ import annotations

import base64
import io
import warnings

__all__ = ["PICTURE_DATA", "small_enough"]

PICTURE_DATA = ("data:image/png;", "data:image/jpeg;", "data:image/gif;", "data:image/webp;")
# A figure of the course has half a million, a photograph of a telephone twelve.
MAX_PIXELS = 25_000_000


def small_enough(encoded: str) -> bool:
    """Whether the base64 text *encoded* is a PNG, JPEG, GIF or WebP picture of at most :data:`MAX_PIXELS`, of which only the header is read.

    Browsers show other kinds too, whatever a picture says that it is; those have no size here and are refused.
    """
    # Here, because it takes a while and many notebooks have no picture of their own.
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes that are refused here anyway
            with Image.open(
                io.BytesIO(base64.b64decode(encoded)), formats=("PNG", "JPEG", "GIF", "WEBP")
            ) as picture:
                return picture.width * picture.height <= MAX_PIXELS
    except (
        Exception
    ):  # whatever a student made: Pillow raises many kinds, for pictures that are far too large as well
        return False
