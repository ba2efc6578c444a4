"""The child process that edits an image of an author. Started by `runtime.confinement`: the images on stdin after a line of JSON
options (`sizes` of the images in bytes, `steps`, `format`, `quality`, `most_pixels`), JSON on stdout: `{"data", "information"}` with
the bytes in base64, or `{"error": kind}`.
"""

from __future__ import annotations

import base64
import io
import json
import math
import sys
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runtime.confinement.launcher import Walls

FORMATS: Final = ("bmp", "gif", "jpeg", "png", "tiff", "webp")
"""What is read and written."""
_NAMES: Final = {
    "BMP": "Microsoft Windows bitmap image", "GIF": "CompuServe graphics interchange format",
    "JPEG": "Joint Photographic Experts Group JFIF format", "PNG": "Portable Network Graphics",
    "TIFF": "Tagged Image File Format", "WEBP": "WebP Image Format",
}  # fmt: skip
_ROUNDED: Final = 0.25
"""What n8n's graphics library adds to a length of an area before it cuts the fraction off."""
_LINE_HEIGHT: Final = 1.2


class TooManyPixelsError(Exception):
    """A step would make a larger image than `most_pixels`."""


def edit(data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the edited image, or what is known of it where no format is wanted."""
    images: list[bytes] = []
    for size in options["sizes"]:
        images.append(data[:size])
        data = data[size:]
    Image.MAX_IMAGE_PIXELS = options["most_pixels"]
    try:
        image = _opened(images[0]) if images[0] else Image.new("RGBA", (1, 1))
        format_ = image.format or "PNG"
        if options.get("information"):
            return {"information": _information(image, len(images[0]))}
        edited = image.convert("RGBA")
        for step in options["steps"]:
            edited = _step(edited, step, images[1:], options["most_pixels"])
        return {"data": base64.b64encode(_written(edited, options.get("format") or format_.lower(), options)).decode()}
    except (Image.DecompressionBombError, TooManyPixelsError):
        return {"error": "much"}
    except (OSError, ValueError, SyntaxError, EOFError):
        return {"error": "invalid"}


def _opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=[each.upper() for each in FORMATS])
    if image.width * image.height > (Image.MAX_IMAGE_PIXELS or 0):
        raise TooManyPixelsError
    image.load()
    return image


def _information(image: Image.Image, size: int) -> dict[str, Any]:
    format_, geometry = image.format or "", f"{image.width}x{image.height}"
    depth = 1 if image.mode == "1" else 16 if image.mode.startswith("I;16") else 8
    kinds = {
        "1": "bilevel",
        "L": "grayscale",
        "LA": "grayscale with transparency",
        "P": "palette",
        "RGBA": "true color with transparency",
    }
    known = {
        "Format": f"{format_} ({_NAMES.get(format_, format_)})",
        "format": format_,
        "Geometry": geometry,
        "size": {"width": image.width, "height": image.height},
        "Class": "PseudoClass" if image.mode == "P" else "DirectClass",
        "Type": kinds.get(image.mode, "true color"),
        "Depth": f"{depth} bits-per-pixel component",
        "depth": depth,
        "Filesize": str(size),
        "Page geometry": f"{geometry}+0+0",
    }
    dpi = image.info.get("dpi")
    return known | ({"Resolution": f"{dpi[0]:g}x{dpi[1]:g} pixels/inch"} if dpi else {})


def _written(image: Image.Image, format_: str, options: Mapping[str, Any]) -> bytes:
    out, settings = io.BytesIO(), dict[str, Any]()
    opaque = image.getchannel("A").getextrema()[0] == 255
    if format_ in ("jpeg", "bmp") or opaque:
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(ground, image).convert("RGB")
    if format_ in ("jpeg", "webp"):
        settings["quality"] = max(1, min(int(options.get("quality") or 75), 100))
    image.save(out, format_.upper(), **settings)
    return out.getvalue()


def color_of(text: str) -> tuple[int, int, int, int]:
    """Return red, green, blue and opacity. The last pair of digits says how transparent a colour is, as n8n's library reads it."""
    digits = text.strip().lstrip("#")
    if len(digits) in (3, 4):
        digits = "".join(each * 2 for each in digits)
    parts = [int(digits[at : at + 2], 16) for at in range(0, 8, 2) if digits[at : at + 2]]
    if len(parts) < 3:
        raise ValueError(text)
    return parts[0], parts[1], parts[2], 255 - parts[3] if len(parts) > 3 else 255


def _step(image: Image.Image, step: Mapping[str, Any], others: Sequence[bytes], most: int) -> Image.Image:
    match step["operation"]:
        case "blur":
            return image.filter(ImageFilter.GaussianBlur(float(step["sigma"])))
        case "border":
            width, height = int(step["borderWidth"]), int(step["borderHeight"])
            _bounded(image.width + 2 * width, image.height + 2 * height, most)
            return ImageOps.expand(image, (width, height, width, height), color_of(step["borderColor"]))
        case "composite":
            return _composite(image, _opened(others[step["image"]]).convert("RGBA"), step)
        case "create":
            size = _bounded(int(step["width"]), int(step["height"]), most)
            return Image.new("RGBA", size, color_of(step["backgroundColor"]))
        case "crop":
            left, top = int(step["positionX"]), int(step["positionY"])
            right, bottom = left + int(step["width"]), top + int(step["height"])
            return image.crop((max(left, 0), max(top, 0), min(right, image.width), min(bottom, image.height)))
        case "draw":
            return _draw(image, step)
        case "resize":
            return _resize(image, step, most)
        case "rotate":
            turned = image.rotate(
                -float(step["rotate"]),
                Image.Resampling.BICUBIC,
                expand=True,
                fillcolor=color_of(step["backgroundColor"]),
            )
            _bounded(*turned.size, most)
            return turned
        case "text":
            return _text(image, step)
        case _:
            return _transparent(image, color_of(step["color"]))


def _bounded(width: int, height: int, most: int) -> tuple[int, int]:
    if width * height > most:
        raise TooManyPixelsError
    return width, height


def _composite(image: Image.Image, other: Image.Image, step: Mapping[str, Any]) -> Image.Image:
    place = int(step["positionX"]), int(step["positionY"])
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    layer.paste(other, place)
    return Image.alpha_composite(image, layer)


def _draw(image: Image.Image, step: Mapping[str, Any]) -> Image.Image:
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw, color = ImageDraw.Draw(layer), color_of(step["color"])
    x0, y0, x1, y1 = (
        float(step[name]) for name in ("startPositionX", "startPositionY", "endPositionX", "endPositionY")
    )
    if step["primitive"] == "line":
        draw.line((x0, y0, x1, y1), fill=color)
    elif step["primitive"] == "circle":  # the start is its centre, the end a point of its edge
        radius = math.hypot(x1 - x0, y1 - y0)
        draw.ellipse((x0 - radius, y0 - radius, x0 + radius, y0 + radius), fill=color)
    else:
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        draw.rounded_rectangle(box, radius=float(step.get("cornerRadius") or 0), fill=color)
    return Image.alpha_composite(image, layer)


def _resize(image: Image.Image, step: Mapping[str, Any], most: int) -> Image.Image:
    width, height, option = float(step["width"]), float(step["height"]), step["resizeOption"]
    if width <= 0 or height <= 0:
        return image
    own = image.width, image.height
    if option == "ignoreAspectRatio":
        size = width, height
    elif option == "percent":
        size = own[0] * width / 100, own[1] * height / 100
    elif option == "maximumArea":
        scale = math.sqrt(width * height / (own[0] * own[1]))
        size = (own[0] * scale + _ROUNDED, own[1] * scale + _ROUNDED) if scale < 1 else own
        return image.resize(_bounded(max(int(size[0]), 1), max(int(size[1]), 1), most), Image.Resampling.LANCZOS)
    elif option == "minimumArea":
        scale = max(width / own[0], height / own[1])
        size = own[0] * scale, own[1] * scale
    else:
        scale = min(width / own[0], height / own[1])
        kept = scale >= 1 if option == "onlyIfLarger" else scale <= 1
        size = own if kept else (own[0] * scale, own[1] * scale)
    whole = max(round(size[0]), 1), max(round(size[1]), 1)
    return image.resize(_bounded(*whole, most), Image.Resampling.LANCZOS)


def _text(image: Image.Image, step: Mapping[str, Any]) -> Image.Image:
    layer, size = Image.new("RGBA", image.size, (0, 0, 0, 0)), max(float(step["fontSize"]), 1)
    draw, font = ImageDraw.Draw(layer), ImageFont.load_default(size)
    lines, x, y = step["lines"], float(step["positionX"]), float(step["positionY"])
    across, down = step.get("horizontalAlignment"), step.get("verticalAlignment")
    height = size * _LINE_HEIGHT
    if down is not None:
        total = height * len(lines)
        y += {"north": 0.0, "south": image.height - total}.get(down, (image.height - total) / 2) + size
    for i, line in enumerate(lines):
        length = draw.textlength(line, font=font)
        shift = {None: 0.0, "west": 0.0, "east": image.width - length}.get(across, (image.width - length) / 2)
        draw.text((x + shift, y + i * height), line, font=font, fill=color_of(step["fontColor"]), anchor="ls")
    return Image.alpha_composite(image, layer)


def _transparent(image: Image.Image, color: tuple[int, int, int, int]) -> Image.Image:
    for x in range(image.width):
        for y in range(image.height):
            pixel = image.getpixel((x, y))
            if isinstance(pixel, tuple) and pixel[:3] == color[:3]:
                image.putpixel((x, y), (*color[:3], 0))
    return image


def prepare(arguments: tuple[str, ...]) -> None:
    """Load all that editing may need: no module can be loaded behind the walls."""
    del arguments
    Image.init()
    ImageFont.load_default(12)
    for format_ in FORMATS:
        out = io.BytesIO()
        Image.new("RGB", (2, 2)).save(out, format_.upper())
        Image.open(io.BytesIO(out.getvalue())).load()


def serve(walls: Walls) -> None:
    """Edit one image from stdin."""
    walls.limit_memory()
    options = json.loads(sys.stdin.buffer.readline())
    try:
        result = edit(sys.stdin.buffer.read(), options)
    except MemoryError:
        result = {"error": "much"}
    sys.stdout.buffer.write(json.dumps(result).encode())
    sys.stdout.buffer.flush()
