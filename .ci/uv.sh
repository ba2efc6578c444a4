#!/bin/sh
# Run uv with the given arguments, fetching it from PyPI first when this machine has none: the version in uv.txt, whose hashes pip
# checks. A uv that is installed already is the machine's own and is trusted.
#   venv module present:  .uv/ is a virtual environment with uv in it
#   absent (Debian):      .uv/ is a plain folder that pip installs into; PEP 668 does not apply to --target
set -eu
PYTHON="${PYTHON:-python3}"
[ "$PYTHON" = python3 ] || export UV_PYTHON="${UV_PYTHON:-$PYTHON}"  # else uv looks for one that fits
PINS="$(dirname "$0")/uv.txt"

if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    exec uv "$@"
fi
if [ ! -x .uv/bin/uv ] || ! cmp -s "$PINS" .uv/pins.txt; then
    rm -rf .uv
    pinned="--quiet --no-deps --require-hashes --requirement $PINS"
    # shellcheck disable=SC2086  # options without spaces
    if ! { "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && "$PYTHON" -m venv .uv && .uv/bin/python -m pip install $pinned; }; then
        rm -rf .uv
        # shellcheck disable=SC2086
        "$PYTHON" -m pip install $pinned --target .uv
    fi
    cp "$PINS" .uv/pins.txt
fi
exec .uv/bin/uv "$@"
