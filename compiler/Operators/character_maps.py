"""Write the tables of upper and lower case characters that StringNormalizer uses.

    python character_maps.py OUTPUT

The form is that of "Characters" in runtime/include/longtail/artifact.h; the mappings are those of
Unicode, with one character becoming several where Unicode says so, independent of language and
context.
"""

import struct
import sys
from collections.abc import Callable
from pathlib import Path


def table(convert: Callable[[str], str]) -> bytes:
    """The table of what `convert` makes of each character."""
    ascii_part = "".join(convert(chr(code)) for code in range(128)).encode()
    changed = [
        (code, convert(chr(code)).encode())
        for code in range(128, 0x110000)
        if not 0xD800 <= code < 0xE000 and convert(chr(code)) != chr(code)
    ]
    offsets = [0]
    for _, replacement in changed:
        offsets.append(offsets[-1] + len(replacement))
    words = [len(changed), *(code for code, _ in changed), *offsets]
    assert len(ascii_part) == 128
    return (
        ascii_part
        + struct.pack(f"<{len(words)}I", *words)
        + b"".join(replacement for _, replacement in changed)
    )


def main() -> None:
    """Write both tables as arrays of C."""
    text = []
    for name, convert in (("kLowerCase", str.lower), ("kUpperCase", str.upper)):
        data = table(convert)
        lines = (", ".join(map(str, data[i : i + 24])) for i in range(0, len(data), 24))
        text.append(f"static const unsigned char {name}[] = {{\n" + ",\n".join(lines) + "};\n")
    Path(sys.argv[1]).write_text("".join(text))


if __name__ == "__main__":
    main()
