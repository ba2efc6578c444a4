"""Write the software bill of materials, CycloneDX 1.5: the locked Python packages, and the npm packages that the wheel carries."""  # noqa: INP001  # a script

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "runtime" / "expressions" / "vendor" / "PINS"
"""What `hatch_build.py` has put into the wheel: `name@version sha512-...`, one a line."""


def npm_component(pin: str) -> dict[str, Any]:
    """Return the component of a line of `PINS`, with the hash of its tarball."""
    package, _, sha512 = pin.partition(" sha512-")
    name, _, version = package.rpartition("@")
    purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
    digest = base64.b64decode(sha512).hex()
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-512", "content": digest}],
    }


def main(path: Path) -> None:
    """Write the bill to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    uv = ["sh", ".ci/uv.sh", "export", "--quiet", "--locked", "--no-default-groups", "--format", "cyclonedx1.5"]
    text = subprocess.run(uv, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603  # no foreign argument
    bill = json.loads(text)
    bill["components"] += [npm_component(pin) for pin in PINS.read_text(encoding="utf-8").splitlines()]
    path.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
