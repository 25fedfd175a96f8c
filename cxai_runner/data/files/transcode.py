"""Text that the engine cannot read as it is, rewritten once as UTF-8 in a copy.

So are other encodings, line ends of several kinds, and long texts that are packed.
"""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import Any, BinaryIO

from cxai_runner.data.files.copies import copied
from cxai_runner.data.files.text import Look, UnreadableError, misread, opened, unpacking

_CHUNK = 2**20


def as_utf8(look: Look, shown: str) -> Path:
    """Return a copy of a file in UTF-8, unpacked, and with one kind of line end where it had several.

    Raises
    ------
    UnreadableError
        With the line that is not written in the encoding, or that the file cannot be unpacked.
    """
    state = look.path.stat()
    facts = [str(look.path), state.st_size, state.st_mtime_ns, state.st_ino, look.encoding, look.mixed]

    def write(copy: BinaryIO) -> None:
        with unpacking(shown), opened(look.path, packed=look.packed) as file:
            _rewrite(file, copy, look, shown)

    return copied({"utf-8 of": facts}, f"{look.path.name.removesuffix('.gz')}", shown, write)[0]


def _rewrite(file: BinaryIO, copy: BinaryIO, look: Look, shown: str) -> None:
    decoder: Any = codecs.getincrementaldecoder(look.encoding)()
    if look.mixed:
        decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
    line, first = 1, True
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            before = bytes(error.object[: error.start]).decode(look.encoding, "ignore")
            raise UnreadableError(misread(look.encoding, line + before.count("\n"), shown)) from error
        line += text.count("\n")
        copy.write((text.removeprefix("\ufeff") if first else text).encode())
        first = False
        if not chunk:
            return
