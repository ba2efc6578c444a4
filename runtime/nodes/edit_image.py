"""Edit Image: images resized, cropped, rotated, drawn on, laid over one another, or described."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, each_item_async, param
from runtime.sandbox.images import MAX_PIXELS, edit_image, image_information
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_number, js_string
from schemas.item import UNDEFINED, BinaryRef
from schemas.node import Conditions

Operation = Literal[
    "blur", "border", "composite", "create", "crop", "draw", "information", "multiStep", "resize", "rotate", "shear", "text", "transparent"
]  # fmt: skip
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "blur": {"blur": 5, "sigma": 2},
    "border": {"borderWidth": 10, "borderHeight": 10, "borderColor": "#000000"},
    "composite": {"dataPropertyNameComposite": "", "operator": "Over", "positionX": 0, "positionY": 0},
    "create": {"backgroundColor": "#ffffff00", "width": 50, "height": 50},
    "crop": {"width": 500, "height": 500, "positionX": 0, "positionY": 0},
    "draw": {
        "primitive": "rectangle", "color": "#ff000000", "startPositionX": 50, "startPositionY": 50, "endPositionX": 250,
        "endPositionY": 250, "cornerRadius": 0,
    },
    "resize": {"width": 500, "height": 500, "resizeOption": "maximumArea"},
    "rotate": {"rotate": 0, "backgroundColor": "#ffffffff"},
    "text": {
        "text": "", "fontSize": 18, "fontColor": "#000000", "positionX": 50, "positionY": 50, "lineLength": 80,
        "horizontalAlignment": "center", "verticalAlignment": "middle",
    },
    "transparent": {"color": "#ff0000"},
}  # fmt: skip
"""Operation -> its parameters with their defaults: those of a step of several, too."""
_TEXTS: Final = frozenset(
    {"backgroundColor", "borderColor", "color", "dataPropertyNameComposite", "fontColor", "horizontalAlignment", "operator",
     "primitive", "resizeOption", "text", "verticalAlignment"}
)  # fmt: skip
_OPERATORS: Final = (
    "Add", "Atop", "Bumpmap", "Copy", "CopyBlack", "CopyBlue", "CopyCyan", "CopyGreen", "CopyMagenta", "CopyOpacity", "CopyRed",
    "CopyYellow", "Difference", "Divide", "In", "Minus", "Multiply", "Out", "Plus", "Subtract", "Xor",
)  # fmt: skip
"""Ways to lay an image over another that are not built."""
_ALIGNED: Final = 1.1
_QUALITY: Final = ("jpeg", "png", "tiff")
_EXTENSIONS: Final = {"jpeg": "jpg"}


def _at(*operations: Operation) -> Conditions:
    return {"operation": list(operations)}


class EditImage(Activity):
    """The item with its JSON and files, and with the edited image."""

    type = "n8n-nodes-base.editImage"
    versions = (1, 1.1)
    local = True
    differs = (
        f"Images have {MAX_PIXELS:,} pixels at most; text is drawn in a font of its own, whichever is chosen, and pixels are computed "
        "by another library; Get Information has no statistics of channels"
    )

    operation: Operation = param("border", unsupported={"shear": "shear the image with an HTTP Request to a service"})
    data_property_name: Dynamic[str] = param("data")
    operations: Dynamic[dict[str, Any]] = param({}, show=_at("multiStep"))
    background_color: Dynamic[str] = param("#ffffff00", show=_at("create"))
    width: Dynamic[float] = param(50, show=_at("create"))
    height: Dynamic[float] = param(50, show=_at("create"))
    primitive: Dynamic[str] = param("rectangle", show=_at("draw"))
    color: Dynamic[str] = param("#ff000000", show=_at("draw"))
    start_position_x: Dynamic[float] = param(50, show=_at("draw"))
    start_position_y: Dynamic[float] = param(50, show=_at("draw"))
    end_position_x: Dynamic[float] = param(250, show=_at("draw"))
    end_position_y: Dynamic[float] = param(250, show=_at("draw"))
    corner_radius: Dynamic[float] = param(0, show={**_at("draw"), "primitive": ["rectangle"]})
    text: Dynamic[str] = param("", show=_at("text"))
    font_size: Dynamic[float] = param(18, show=_at("text"))
    font_color: Dynamic[str] = param("#000000", show=_at("text"))
    text_x: Dynamic[float] = param(50, alias="positionX", show=_at("text"))
    text_y: Dynamic[float] = param(50, alias="positionY", show=_at("text"))
    horizontal_alignment: Dynamic[str] = param("center", show={**_at("text"), "@version": [{"_cnd": {"gte": 1.1}}]})
    vertical_alignment: Dynamic[str] = param("middle", show={**_at("text"), "@version": [{"_cnd": {"gte": 1.1}}]})
    line_length: Dynamic[float] = param(80, show=_at("text"))
    blur: Dynamic[float] = param(5, show=_at("blur"))
    sigma: Dynamic[float] = param(2, show=_at("blur"))
    border_width: Dynamic[float] = param(10, show=_at("border"))
    border_height: Dynamic[float] = param(10, show=_at("border"))
    border_color: Dynamic[str] = param("#000000", show=_at("border"))
    data_property_name_composite: Dynamic[str] = param("", show=_at("composite"))
    operator: Dynamic[str] = param(
        "Over",
        show=_at("composite"),
        unsupported=dict.fromkeys(_OPERATORS, "choose Over, or lay it with another service"),
    )
    place_x: Dynamic[float] = param(0, alias="positionX", show=_at("composite", "crop"))
    place_y: Dynamic[float] = param(0, alias="positionY", show=_at("composite", "crop"))
    new_width: Dynamic[float] = param(500, alias="width", show=_at("crop", "resize"))
    new_height: Dynamic[float] = param(500, alias="height", show=_at("crop", "resize"))
    resize_option: Dynamic[str] = param("maximumArea", show=_at("resize"))
    rotate: Dynamic[float] = param(0, show=_at("rotate"))
    rotated_ground: Dynamic[str] = param("#ffffffff", alias="backgroundColor", show=_at("rotate"))
    degrees_x: Dynamic[float] = param(0, show=_at("shear"))
    degrees_y: Dynamic[float] = param(0, show=_at("shear"))
    transparent_color: Dynamic[str] = param("#ff0000", alias="color", show=_at("transparent"))
    options: Dynamic[dict[str, Any]] = param({}, hide=_at("information"))

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return an item for each."""

        async def one(i: int, item: Item) -> Item:
            node = context.resolve(self, i)
            name = js_string(node.data_property_name)
            if node.operation == "information":
                found = await image_information(context, await context.blobs.read(_file(item, name, i)))
                return {"json": found, "binary": dict(item.get("binary") or {})}
            return await node.edited(context, item, name, i)

        return await each_item_async(context, items, one)

    async def edited(self, context: ActivityContext, item: Item, name: str, i: int) -> Item:
        """Return the item with the edited image. Raise NodeError."""
        steps = self.steps(context.version)
        makes = steps[0]["operation"] == "create"
        ref = _file(item, name, i) if not makes or name in (item.get("binary") or {}) else None
        images = [await context.blobs.read(ref) if ref is not None else b""]
        for step in steps:
            if step["operation"] == "composite":
                step["image"] = len(images) - 1
                images.append(await context.blobs.read(_file(item, js_string(step["dataPropertyNameComposite"]), i)))
        options = self.options
        format_ = js_string(options["format"]) if options.get("format") else None
        quality = int(js_number(options.get("quality", 100))) if format_ in _QUALITY and "quality" in options else None
        data = await edit_image(context, images, steps, format_, quality)
        place = js_string(options.get("destinationKey") or name)
        written = await _written(context, ref if place == name else None, ref, options, format_, data)
        return {"json": item["json"], "binary": {**(item.get("binary") or {}), place: written}}

    def steps(self, version: float) -> list[dict[str, Any]]:
        """Return the steps, each with all of its parameters. Raise NodeError for one that is not known."""
        if self.operation == "multiStep":
            given = self.operations.get("operations")
            if not isinstance(given, list):
                raise NodeError("operations is not iterable")
        else:
            given = [{"operation": self.operation, **self._own(self.operation)}]
        return [_step(each, version) for each in given]

    def _own(self, operation: str) -> dict[str, Any]:
        fields: dict[str, dict[str, Any]] = {
            "blur": {"blur": self.blur, "sigma": self.sigma},
            "border": {"borderWidth": self.border_width, "borderHeight": self.border_height, "borderColor": self.border_color},
            "composite": {
                "dataPropertyNameComposite": self.data_property_name_composite, "operator": self.operator,
                "positionX": self.place_x, "positionY": self.place_y,
            },
            "create": {"backgroundColor": self.background_color, "width": self.width, "height": self.height},
            "crop": {"width": self.new_width, "height": self.new_height, "positionX": self.place_x, "positionY": self.place_y},
            "draw": {
                "primitive": self.primitive, "color": self.color, "startPositionX": self.start_position_x,
                "startPositionY": self.start_position_y, "endPositionX": self.end_position_x, "endPositionY": self.end_position_y,
                "cornerRadius": self.corner_radius,
            },
            "resize": {"width": self.new_width, "height": self.new_height, "resizeOption": self.resize_option},
            "rotate": {"rotate": self.rotate, "backgroundColor": self.rotated_ground},
            "text": {
                "text": self.text, "fontSize": self.font_size, "fontColor": self.font_color, "positionX": self.text_x,
                "positionY": self.text_y, "lineLength": self.line_length, "horizontalAlignment": self.horizontal_alignment,
                "verticalAlignment": self.vertical_alignment,
            },
            "transparent": {"color": self.transparent_color},
        }  # fmt: skip
        return fields.get(operation, {})


def _step(given: Mapping[str, Any], version: float) -> dict[str, Any]:
    operation = js_string(given.get("operation", UNDEFINED))
    if operation not in _DEFAULTS:
        raise NodeError(f"The operation {operation!r} is not supported here")
    step: dict[str, Any] = {"operation": operation}
    for name, default in _DEFAULTS[operation].items():
        value = given.get(name, default)
        step[name] = js_string(value) if name in _TEXTS else js_number(value)
    if operation == "composite" and step["operator"] != "Over":
        raise NodeError(f"The operator {step['operator']!r} is not supported here", description="Choose Over.")
    if operation == "text":
        step["lines"] = _lines(step.pop("text"), step.pop("lineLength"))
        if version < _ALIGNED:
            del step["horizontalAlignment"], step["verticalAlignment"]
    if any(isinstance(each, float) and each != each for each in step.values()):  # noqa: PLR0124 - NaN
        raise NodeError("Numbers of an image are not numbers")
    return step


def _lines(text: str, most: float) -> list[str]:
    """Return a text in lines of so many characters, broken between words."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if line and len(line) + len(word) + 1 > most:
                lines.append(line.strip())
                line = ""
            line += f"{word} "
        lines.append(line.strip())
    return lines


def _file(item: Item, name: str, i: int) -> BinaryRef:
    try:
        return binary_of(item, name, i)
    except NoBinaryError as error:
        raise NodeError(error.message, description=error.description, item=i) from error


async def _written(
    context: ActivityContext,
    own: BinaryRef | None,
    source: BinaryRef | None,
    options: Mapping[str, Any],
    format_: str | None,
    data: bytes,
) -> BinaryRef:
    """Return the file of an edited image: of the format that is chosen, or of the image that it was."""
    known: Mapping[str, Any] = source or {}
    mime = f"image/{format_}" if format_ else js_string(known.get("mimeType") or "image/png")
    extension = _EXTENSIONS.get(format_, format_) if format_ else js_string(known.get("fileExtension") or "png")
    name = js_string(options["fileName"]) if options.get("fileName") else None
    if name is None and own is not None and own.get("fileName"):
        name = js_string(own["fileName"])
        if format_:
            name = f"{name.rpartition('.')[0] or name}.{format_}"
    return {**await context.blobs.write(data, mime_type=mime, file_name=name), "fileExtension": extension}
