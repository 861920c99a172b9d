"""QR codes of links, as SVG and as PNG. They hold the link and nothing else."""

from __future__ import annotations

import base64
import itertools
import struct
import zlib

import qrcode
from pydantic import BaseModel, Field

_PIXELS = 10  # a side of one square of the PNG
_MASK = 3  # diagonals, which break up large areas of one colour
_PNG = b"\x89PNG\r\n\x1a\n"


class QrCode(BaseModel):
    """The same code in two forms."""

    svg: str = Field(description="An SVG document", examples=["<svg ...>"])
    png: str = Field(
        description="A data: address of a PNG", examples=["data:image/png;base64,"]
    )


def qr_code(link: str) -> QrCode:
    """Both pictures of one link (error correction M: screens and paper at a desk).

    The mask is always the same. Readers learn from the code which one it is; to try all eight
    for the handsomest takes seven times as long as everything else here together.
    """
    code = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, mask_pattern=_MASK
    )
    code.add_data(link)
    code.make(fit=True)
    matrix = code.get_matrix()
    return QrCode(svg=_svg(matrix), png=_png(matrix))


def _svg(matrix: list[list[bool]]) -> str:
    """One path, one bar for each run of dark squares in a row."""
    bars, size = [], len(matrix)
    for y, row in enumerate(matrix):
        x = 0
        for dark, squares in itertools.groupby(row):
            length = len(list(squares))
            if dark:
                bars.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" '
        f'shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}H0z"/>'
        f'<path d="{"".join(bars)}"/></svg>'
    )


def _png(matrix: list[list[bool]]) -> str:
    """One bit a pixel, in the few parts that the format asks for (PNG, third edition)."""
    side = len(matrix) * _PIXELS
    header = struct.pack(">2I5B", side, side, 1, 0, 0, 0, 0)  # one bit, grey, not interlaced
    rows = zlib.compress(b"".join(_png_row(row, side) * _PIXELS for row in matrix))
    parts = _png_part(b"IHDR", header) + _png_part(b"IDAT", rows) + _png_part(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(_PNG + parts).decode()}"


def _png_row(row: list[bool], side: int) -> bytes:
    bits = "".join(("0" if dark else "1") * _PIXELS for dark in row)
    whole = -(-side // 8)  # bytes; the last one is filled up with zeros
    return b"\0" + (int(bits, 2) << (whole * 8 - side)).to_bytes(whole)


def _png_part(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
