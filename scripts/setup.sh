#!/usr/bin/env bash
# Installs what is missing for a purpose (demo, test, bench, bench-language or peers) and configures
# the build.
# A second run finds everything in place and takes no time.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-demo}

system_packages() {
  cat <<'LIST'
libmlir-22-dev llvm-22-dev mlir-22-tools llvm-22-tools clang-22 lld-22 clang-format-22
libclang-rt-22-dev libgtest-dev libprotobuf-dev protobuf-compiler
ccache ninja-build cmake python3-venv python3-dev
LIST
  # Tests run code for other architectures under emulation; clang compiles, these are its libraries.
  if [[ $purpose == test ]]; then
    echo clang-tidy-22 qemu-user libstdc++-12-dev-arm64-cross libstdc++-12-dev-riscv64-cross
  fi
}

install_system_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; install what these packages hold yourself:" >&2
    system_packages >&2
    return
  fi
  local package missing=()
  for package in $(system_packages); do
    # Only a package in the state 'installed' counts, not one of which the configuration is left.
    if [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]]; then
      missing+=("$package")
    fi
  done
  if ((${#missing[@]} == 0)); then
    return
  fi
  echo "setup: installing ${missing[*]}"
  local elevate=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "setup: not root and no sudo; install these packages first: ${missing[*]}" >&2
      exit 1
    fi
    elevate=(sudo)
  fi
  "${elevate[@]}" apt-get update -q
  "${elevate[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# A Python that can make an environment and build extension modules.
usable_python() {
  local candidate
  for candidate in python3 python3.11 /usr/bin/python3; do
    if command -v "$candidate" >/dev/null && "$candidate" - 2>/dev/null <<'PROBE'; then
import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
sys.exit(0 if sys.version_info >= (3, 11) and os.path.exists(header) else 1)
PROBE
      command -v "$candidate"
      return
    fi
  done
  echo "setup: no Python from 3.11 with venv and headers found" >&2
  exit 1
}

# A Python environment of that name, unless there is one that works.
make_environment() {
  if ! "$1/bin/python" -c 'import pip' 2>/dev/null; then
    rm -rf "$1"
    "$(usable_python)" -m venv "$1"
  fi
}

install_packages() {
  make_environment .venv
  # The build puts the extension modules next to links to the package in the source tree.
  local site
  site=$(echo .venv/lib/python3.*/site-packages)
  echo "$PWD/build/python" >"$site/longtail.pth"
  install_requirements .venv requirements.txt
  case $purpose in
    demo) ;;
    test | bench | bench-language) install_requirements .venv "requirements-$purpose.txt" ;;
    peers) # systems to compare with, whose packages do not all go together with ours
      install_requirements .venv requirements-bench.txt
      make_environment .venv-peers
      install_requirements .venv-peers requirements-peers.txt
      ;;
    *)
      echo "setup: unknown purpose '$purpose' (demo, test, bench, bench-language, peers)" >&2
      exit 2
      ;;
  esac
}

install_requirements() { # environment, file
  local wanted installed="$1/installed-$2"
  wanted=$(cat requirements.txt "$2")
  if [[ ! -f $installed || "$(cat "$installed")" != "$wanted" ]]; then
    "$1/bin/python" -m pip --disable-pip-version-check install --quiet -r "$2"
    echo "$wanted" >"$installed"
  fi
}

configure() {
  # cmake itself is run again by ninja when a CMakeLists.txt changes.
  if [[ ! -f build/build.ninja || CMakePresets.json -nt build/build.ninja ]]; then
    local python="$PWD/.venv/bin/python"
    cmake --preset default --log-level=NOTICE --no-warn-unused-cli -Wno-dev \
      -DPython3_EXECUTABLE="$python" -DPython_EXECUTABLE="$python" \
      -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)"
  fi
}

install_system_packages
install_packages
configure
