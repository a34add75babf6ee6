"""Work on input that nobody vouches for, in a process of its own: bounded in memory and time, and without our secrets.

What parses it may be native code that ends its process (a workbook of one kilobyte can claim a million columns), or a small
language with loops. Only that process ends then, and nothing of its memory is dumped.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

_ROOT = str(Path(__file__).resolve().parents[2])
_LONGEST_OUTPUT = 1 << 30


class Exceeded(Exception):
    """The work used up its memory or its time, or broke off; its own words are not kept, since they may quote the input."""


def confined(module: str, argument: str, content: Iterable[bytes], *, memory: int, seconds: int) -> bytes:
    """What ``module.work(argument, content)`` gives, at most 1 GiB. ``memory`` is in bytes, ``seconds`` are of the processor.

    Raises:
        Exceeded: it took more than it may, or ended otherwise than by giving its output.
    """
    command = [sys.executable, "-m", __name__, module, str(memory), str(seconds), argument]
    pipe = subprocess.PIPE
    environment = {"PYTHONPATH": _ROOT}
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            output = _talk(process, content)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise Exceeded
    return output


def _talk(process: subprocess.Popen[bytes], content: Iterable[bytes]) -> bytes:
    to, back = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    with suppress(BrokenPipeError), to:  # broken where it has ended early
        for block in content:
            to.write(block)
    output = back.read(_LONGEST_OUTPUT + 1)
    if len(output) > _LONGEST_OUTPUT:
        raise Exceeded
    return output


def _limit(memory: int, seconds: int) -> None:
    import resource

    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory)):
        with suppress(ValueError, OSError):  # macOS knows the limit of memory by name only
            resource.setrlimit(kind, (most, most))


def main() -> None:
    """The other process."""
    module, memory, seconds, argument = sys.argv[1:]
    _limit(int(memory), int(seconds))
    sys.stdout.buffer.write(importlib.import_module(module).work(argument, sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
