#!/usr/bin/env bash
# Runs every kind of test and lint. All of them run even if one fails; pytest is the last, so that its
# closing line is the last line. The exit code is 0 only if all of them passed.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
failed=()

run() {
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}

python_folders=(python test bench scripts examples)
cpp_sources() {
  find codegen compiler dialects passes python runtime test bench examples \
    \( -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.c' \) -print0
}
check_format() { cpp_sources | xargs -0 clang-format-22 --dry-run -Werror; }
# The runtime reads files that anyone may have written: its tests run with sanitizers as well.
check_sanitized() {
  cmake --preset sanitize --log-level=NOTICE &&
    ninja -C build/sanitize --quiet &&
    ctest --test-dir build/sanitize --output-on-failure --no-tests=error
}

# Threads that share a pool, under the sanitizer that sees their races.
check_threads() {
  cmake --preset tsan --log-level=NOTICE && ninja -C build/tsan --quiet longtail_runtime_test &&
    build/tsan/test/runtime/longtail_runtime_test --gtest_brief=1 \
      --gtest_filter='Run.*:Threads/*:Load.*:Allocation.*'
}

run "ruff check" ruff check "${python_folders[@]}"
run "ruff format" ruff format --check "${python_folders[@]}"
run "clang-format" check_format
# The parts where a mistake costs most, and that take a minute or two; `make tidy` checks all.
run "clang-tidy" scripts/tidy.sh runtime codegen/Container compiler/Plan python/src
run "ctest" ctest --test-dir build --output-on-failure --no-tests=error
run "ctest with sanitizers" check_sanitized
run "runtime with the thread sanitizer" check_threads
run "fuzz targets" python test/fuzz/campaign.py --sample all 120
run "lit" lit -sv --param build="$PWD/build" test
run "pytest" python -m pytest -q -n "$(nproc)" --dist worksteal "$@"

if ((${#failed[@]})); then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
