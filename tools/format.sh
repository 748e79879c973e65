#!/usr/bin/env bash
# Formats the C++, CUDA and Python files of the project in place, or only those named: tools/format.sh [FILE...]
# Uses the versions in .venv, which ./tandem test installs.
set -euo pipefail
cd "$(dirname "$0")/.."

if (( $# )); then files=("$@"); else mapfile -t files < <(git ls-files src tests bench examples python tools); fi
cpp=() py=()
for file in "${files[@]}"; do
  case $file in
    *.hpp | *.cpp | *.cu | *.cuh) cpp+=("$file") ;;
    *.py) py+=("$file") ;;
  esac
done
(( ${#cpp[@]} )) && .venv/bin/clang-format -i "${cpp[@]}"
if (( ${#py[@]} )); then
  .venv/bin/ruff check --quiet --no-cache --fix --config tools/ruff.toml "${py[@]}"
  .venv/bin/ruff format --quiet --no-cache --config tools/ruff.toml "${py[@]}"
fi
