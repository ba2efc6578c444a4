"""What is drawn, laid over and refused: images are edited in a child process."""

import asyncio
import base64
import io
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from PIL import Image

from runtime.contract import NodeError
from runtime.sandbox.image_child import color_of, edit
from runtime.sandbox.images import MAX_PIXELS, edit_image

T = TypeVar("T")
RED, GREEN = (255, 0, 0, 255), (0, 255, 0, 255)


class Thread:
    """A thread of the test's."""

    async def on_thread(self, function: Callable[..., T], *args: Any) -> T:
        """Call the function on one."""
        return await asyncio.to_thread(function, *args)


def png(color: tuple[int, ...], size: tuple[int, int] = (20, 10)) -> bytes:
    """Return an image of one colour."""
    out = io.BytesIO()
    Image.new("RGBA", size, color).save(out, "PNG")
    return out.getvalue()


def edited(*steps: dict[str, Any], others: tuple[bytes, ...] = ()) -> Image.Image:
    """Return a red image after the steps."""
    images = [png(RED), *others]
    options = {"sizes": [len(each) for each in images], "steps": steps, "most_pixels": 10_000}
    return Image.open(io.BytesIO(base64.b64decode(edit(b"".join(images), options)["data"]))).convert("RGBA")


def test_an_image_is_laid_over_another_at_its_place() -> None:
    step = {"operation": "composite", "image": 0, "positionX": 15, "positionY": 5}
    result = edited(step, others=(png(GREEN),))
    assert (result.size, result.getpixel((14, 4)), result.getpixel((15, 5))) == ((20, 10), RED, GREEN)


@pytest.mark.parametrize(("primitive", "end"), [("rectangle", (8, 8)), ("circle", (5, 8)), ("line", (8, 5))])
def test_a_shape_is_drawn_in_its_colour(primitive: str, end: tuple[int, int]) -> None:
    step = {
        "operation": "draw", "primitive": primitive, "color": "#00ff0000", "cornerRadius": 0, "startPositionX": 5,
        "startPositionY": 5, "endPositionX": end[0], "endPositionY": end[1],
    }  # fmt: skip
    result = edited(step)
    assert (result.getpixel((5, 5)), result.getpixel((19, 0))) == (GREEN, RED)


def test_a_colour_becomes_transparent() -> None:
    assert edited({"operation": "transparent", "color": "#ff0000"}).getpixel((0, 0)) == (255, 0, 0, 0)


def test_text_is_drawn_within_the_image() -> None:
    step = {
        "operation": "text", "lines": ["W"], "fontSize": 12, "fontColor": "#00ff00", "positionX": 2, "positionY": 9,
    }  # fmt: skip
    assert any(edited(step).getpixel((x, 5)) != RED for x in range(2, 14))


def test_the_last_digits_of_a_colour_say_how_transparent_it_is() -> None:
    assert [color_of(each) for each in ("#fff", "#00ff00", "#00ff0080", "00ff00ff")] == [
        (255, 255, 255, 255), GREEN, (0, 255, 0, 127), (0, 255, 0, 0),
    ]  # fmt: skip


def test_a_step_that_makes_too_many_pixels_is_refused() -> None:
    grow = {"operation": "resize", "width": 1e6, "height": 1e6, "resizeOption": "ignoreAspectRatio"}
    with pytest.raises(NodeError, match="too large") as raised:
        asyncio.run(edit_image(Thread(), [png(RED)], [grow], None, None))
    assert f"{MAX_PIXELS:,}" in (raised.value.description or "")


def test_what_is_no_image_is_refused_as_n8n_refuses_it() -> None:
    with pytest.raises(NodeError, match="No decode delegate for this image format"):
        asyncio.run(edit_image(Thread(), [b"not an image"], [], None, None))
