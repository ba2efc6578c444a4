#!/bin/sh
# Run uv with the given arguments, fetching it from PyPI first when this machine has none.
#   venv module present:  .uv/ is a virtual environment with uv in it
#   absent (Debian):      .uv/ is a plain folder that pip installs into; PEP 668 does not apply to --target
set -eu
PYTHON="${PYTHON:-python3}"

if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    exec uv "$@"
fi
if [ ! -x .uv/bin/uv ]; then
    rm -rf .uv
    if ! { "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && "$PYTHON" -m venv .uv && .uv/bin/python -m pip install --quiet uv; }; then
        rm -rf .uv
        "$PYTHON" -m pip install --quiet --target .uv uv
    fi
fi
exec .uv/bin/uv "$@"
