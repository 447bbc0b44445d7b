"""Check that includes go down only: who may include whom is the table below.

layering.py ROOT
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Folder: what its files may include of ours. A file belongs to the longest prefix that fits.
ALLOWED: dict[str, tuple[str, ...]] = {
    "runtime/include": ("longtail/artifact.h", "longtail/runtime.h"),
    "runtime": ("runtime/src/", "longtail/"),
    "dialects": ("dialects/",),
    "codegen/Container": ("codegen/Container/", "longtail/", "runtime/src/"),
    "codegen": ("codegen/", "dialects/", "longtail/"),
    "passes": (
        "passes/",
        "dialects/",
        "codegen/Leaf/",
        "compiler/Operators/Registry.h",
        "compiler/Operators/Elements.h",  # part of the registry's interface
    ),
    "compiler": ("compiler/", "passes/", "codegen/", "dialects/", "longtail/"),
    "python": ("compiler/", "passes/", "codegen/", "dialects/", "longtail/"),
}
# Small folders with more specific rules: these may not be seen from elsewhere.
PRIVATE: dict[str, tuple[str, ...]] = {
    "runtime/src/": ("runtime", "codegen/Container", "test"),
}
# Includes that go another way, each for its reason.
EXCEPTIONS = {
    # Stop words are replaced by the code that replaces characters at run time.
    ("compiler/Operators/TextTables.cpp", "runtime/src/Text.h"),
}
OURS = re.compile(
    r'^\s*#?\s*include\s+"((?:runtime|dialects|passes|codegen|compiler|longtail)/[^"]+)"'
)


def rule_of(path: str) -> str | None:
    fitting = [folder for folder in ALLOWED if path.startswith(folder + "/")]
    return max(fitting, key=len, default=None)


def violations(root: Path) -> list[str]:
    """One line for each include that goes the wrong way."""
    found = []
    for folder in sorted({rule.split("/")[0] for rule in ALLOWED}):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".h", ".hpp", ".cpp", ".c", ".td", ".inc"}:
                continue
            name = path.relative_to(root).as_posix()
            rule = rule_of(name)
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = OURS.match(line)
                if not match or rule is None:
                    continue
                target = match.group(1)
                if (name, target) in EXCEPTIONS:
                    continue
                hidden = any(
                    target.startswith(place) and not name.startswith(users)
                    for place, users in PRIVATE.items()
                )
                if hidden or not target.startswith(ALLOWED[rule]):
                    found.append(f"{name}:{number}: {rule} must not include {target}")
    return found


def main() -> int:
    found = violations(Path(sys.argv[1]))
    print("\n".join(found) or "layering is clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
