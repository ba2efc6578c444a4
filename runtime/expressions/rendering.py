"""Write paths and templates as JavaScript, for the few places where only V8 has the data."""

import json

from schemas.expression import Path, Script, Template

__all__ = ["as_script"]

_ROOTS = {
    "$input.all": "$input.all()",
    "$input.first": "$input.first()",
    "$input.last": "$input.last()",
    "$node.binary": "$node[{node}].binary",
    "$node.json": "$node[{node}].json",
    "$node.runIndex": "$node[{node}].runIndex",
    "node.all": "$({node}).all()",
    "node.context": "$({node}).context",
    "node.first": "$({node}).first()",
    "node.isExecuted": "$({node}).isExecuted",
    "node.item": "$({node}).item",
    "node.last": "$({node}).last()",
    "node.params": "$({node}).params",
}


def as_script(expression: Path | Template) -> Script:
    """Return a script with the same value as a path or template."""
    if isinstance(expression, Path):
        return _script(f"return ({_path(expression)}\n);", [expression])
    parts = [json.dumps(part) if isinstance(part, str) else f"___r(()=>({_path(part)}))" for part in expression.parts]
    paths = [part for part in expression.parts if isinstance(part, Path)]
    return _script("return " + "+".join(['""', *parts]) + ";", paths)


def _script(source: str, paths: list[Path]) -> Script:
    variables = {path.root.partition(".")[0] if path.root.startswith("$") else "$" for path in paths}
    nodes = tuple(sorted({path.node for path in paths if path.node is not None}))
    return Script(source=source, linear=True, nodes=nodes, variables=tuple(sorted(variables)), pairs=bool(nodes))


def _path(path: Path) -> str:
    root = _ROOTS.get(path.root, path.root).replace("{node}", json.dumps(path.node or ""))
    keys = "".join(f"[{json.dumps(key)}]" for key in path.keys)
    return f"___s.{root}{keys}"
