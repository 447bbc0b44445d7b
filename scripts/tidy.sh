#!/usr/bin/env bash
# clang-tidy over the sources in the given folders, or over all of them. Needs a build in build/.
set -euo pipefail
cd "$(dirname "$0")/.."
if (($# == 0)); then
  set -- codegen compiler dialects passes python runtime
fi
# Only what is compiled has the flags that clang-tidy needs.
find "$@" -name '*.cpp' | sort | while read -r file; do
  if grep -qF "\"$PWD/$file\"" build/compile_commands.json; then printf '%s\0' "$file"; fi
done | xargs -0 -r -n 1 -P "$(nproc)" clang-tidy-22 -p build --quiet 2>&1 |
  { grep -v -E '^(\[[0-9]+/[0-9]+\] Processing|[0-9]+ warnings? (generated|treated)|Suppressed )' || true; }
