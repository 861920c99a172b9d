"""QR codes of links, as SVG and as PNG. They hold the link and nothing else."""

from __future__ import annotations

import base64
import io

import qrcode
import qrcode.image.svg
from pydantic import BaseModel, Field


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
    svg, png = io.BytesIO(), io.BytesIO()
    code.make_image(image_factory=qrcode.image.svg.SvgPathImage).save(svg)
    code.make_image().save(png)
    encoded = base64.b64encode(png.getvalue()).decode()
    return QrCode(svg=svg.getvalue().decode(), png=f"data:image/png;base64,{encoded}")
