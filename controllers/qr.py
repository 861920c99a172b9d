"""QR codes of links, as SVG and as PNG. They hold the link and nothing else."""

from __future__ import annotations

import base64
import io
import itertools

import qrcode
from PIL import Image
from pydantic import BaseModel, Field

_PIXELS = 10  # a side of one square of the PNG


class QrCode(BaseModel):
    """The same code in two forms."""

    svg: str = Field(description="An SVG document", examples=["<svg ...>"])
    png: str = Field(
        description="A data: address of a PNG", examples=["data:image/png;base64,"]
    )


def qr_code(link: str) -> QrCode:
    """Both pictures of one link (error correction M: screens and paper at a desk)."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
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
    size = len(matrix)
    squares = bytes(0 if dark else 255 for row in matrix for dark in row)
    picture = Image.frombytes("L", (size, size), squares)
    picture = picture.resize((size * _PIXELS, size * _PIXELS), Image.Resampling.NEAREST)
    written = io.BytesIO()
    picture.save(written, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"
