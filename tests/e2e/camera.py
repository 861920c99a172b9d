"""What the camera of a phone sees: a file that Chromium plays as if it came from a camera.

It is one picture in YUV4MPEG2, a header and bare planes, written here (no ffmpeg). Its size
never changes and Chromium reads it again for every frame, so `show` is seen at once, by a
camera that is already on as well as by the next one.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

import qrcode
from PIL import Image

WIDTH, HEIGHT = 640, 480
QUIET = 4  # squares around a code
_HEADER = b"YUV4MPEG2 W%d H%d F20:1 Ip A1:1 C420jpeg\nFRAME\n" % (WIDTH, HEIGHT)
_NO_COLOUR = bytes([128]) * (WIDTH * HEIGHT // 2)  # both planes of colour, a quarter each
_DESK = 160  # the grey that a code lies on


class Camera:
    """One phone's camera; at first it looks at an empty desk."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.file.touch()
        self.look_away()

    def look_away(self) -> None:
        """See nothing that can be read."""
        self._write(Image.new("L", (WIDTH, HEIGHT), _DESK))

    def show(self, text: str) -> None:
        """See a QR code of this text (a link, a recovery code)."""
        code = qrcode.QRCode(
            error_correction=qrcode.constants.ERROR_CORRECT_M, border=QUIET, mask_pattern=3
        )
        code.add_data(text)
        code.make(fit=True)
        matrix = code.get_matrix()
        picture = Image.new("L", (len(matrix), len(matrix)))
        picture.putdata([0 if dark else 255 for row in matrix for dark in row])
        self._lay_down(picture)

    def show_picture(self, png: str | bytes) -> None:
        """See a picture: the data address in an answer's `qr.png`, or a screenshot's bytes."""
        if isinstance(png, str):
            png = base64.b64decode(png.removeprefix("data:image/png;base64,"), validate=True)
        self._lay_down(Image.open(io.BytesIO(png)).convert("L"))

    def _lay_down(self, picture: Image.Image) -> None:
        """Fill the height with it; grown by whole pixels, so that squares stay squares."""
        times = min(HEIGHT // picture.height, WIDTH // picture.width)
        if times:
            picture = picture.resize((picture.width * times, picture.height * times), 0)
        else:
            picture.thumbnail((WIDTH, HEIGHT))
        scene = Image.new("L", (WIDTH, HEIGHT), _DESK)
        scene.paste(picture, ((WIDTH - picture.width) // 2, (HEIGHT - picture.height) // 2))
        self._write(scene)

    def _write(self, scene: Image.Image) -> None:
        """Over what stands there, never a new file: a camera that is on has this one open."""
        with self.file.open("r+b") as file:
            file.write(_HEADER + scene.tobytes() + _NO_COLOUR)
