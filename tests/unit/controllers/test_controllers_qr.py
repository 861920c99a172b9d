"""QR codes: both pictures show the same squares, and those are the library's."""

from __future__ import annotations

import base64
import io
import re

import pytest
import qrcode
from PIL import Image

from controllers.qr import QrCode, qr_code

LINKS = ("http://localhost:8020/l/" + "Q2x-" * 11, "https://haven.example/l/x", "x" * 700)


def squares(link: str, mask: int) -> list[list[bool]]:
    code = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, mask_pattern=mask
    )
    code.add_data(link)
    code.make()
    found: list[list[bool]] = code.get_matrix()
    return found


def in_png(code: QrCode) -> list[list[bool]]:
    encoded = code.png.removeprefix("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        assert picture.format == "PNG"
        picture.load()  # with its checksums
        grey = picture.convert("L")
    side = range(5, grey.width, 10)
    assert grey.size == (grey.width, grey.width)
    return [[grey.getpixel((x, y)) == 0 for x in side] for y in side]


def in_svg(code: QrCode) -> list[list[bool]]:
    size = int(re.findall(r'viewBox="0 0 (\d+) ', code.svg)[0])
    dark = [[False] * size for _ in range(size)]
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-", code.svg):
        for at in range(int(x), int(x) + int(length)):
            dark[int(y)][at] = True
    return dark


@pytest.mark.parametrize("link", LINKS)
def test_both_pictures_are_of_the_same_valid_code(link: str) -> None:
    code = qr_code(link)
    assert in_png(code) == in_svg(code)
    assert in_png(code) in [squares(link, mask) for mask in range(8)]
