#!/usr/bin/env bash
# Packs what results/gpu_checks.sh needs on a machine with a GPU but without network, Debian packages or this checkout: results/gpu_pack.sh FOLDER
#
# ./tandem test comes first: it builds the programs. FOLDER, new, gets
#   gpu_checks.sh      to be started there, with the archives beside it
#   programs.tar.xz    programs, robots, MuJoCo's library
#   python.tar.xz.*    in pieces of 49 MiB: the Python packages that are not there, tests, Warp's kernels compiled for compute capability 9.0
# PYTHON: of the version that the other machine has, with its headers (default python3.12; a path where that is none that runs, as pyenv's shims may be); Torch, NumPy, SciPy and pytest are there.
set -euo pipefail
export XZ_OPT=-T0
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3.12}
piece=49m

[[ -n ${1-} ]] || { sed -n '2,/^set/p' "$0" | sed '$d' | cut -c3-; exit 2; }
[[ ! -e $1 ]] || { echo "gpu_pack: $1 is there already; name a new folder" >&2; exit 1; }
"$python" -c 'import os, sysconfig; os.stat(sysconfig.get_paths()["include"] + "/Python.h")' 2>/dev/null ||
  { echo "gpu_pack: $python does not run or has no headers; set PYTHON to one of the other machine's version that has" >&2; exit 1; }
programs=(tandem tests/base/test_team_cuda tests/qp/test_qp_cuda tests/mpc/test_mpc_cuda tests/env/test_task_cuda)
[[ -e $root/build/build.ninja ]] || { echo "gpu_pack: build/ is missing; run ./tandem test first" >&2; exit 1; }
PATH=$root/.venv/bin:$PATH ninja -C "$root/build" "${programs[@]##*/}" >/dev/null || { echo "gpu_pack: the programs do not build; run ./tandem test" >&2; exit 1; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for program in "${programs[@]}"; do install -D -s "$root/build/$program" "$work/bin/${program##*/}"; done
mujoco=$(echo "$root"/.venv/lib/python3*/site-packages/mujoco/libmujoco.so.*)
install -D "$mujoco" "$work/lib/${mujoco##*/}"
mkdir -p "$work/python/tandem"
cp "$root"/python/tandem/*.py "$work/python/tandem"
cp -r "$root/robots" "$work/robots"
install -D "$root/results/warp_order.py" "$work/results/warp_order.py"
git -C "$root" describe --always --dirty >"$work/commit"
tar -C "$work" -cJf "$folder/programs.tar.xz" bin lib python robots results commit
cp "$root/results/gpu_checks.sh" "$folder"

echo "gpu_pack: Python packages"
"$python" -m venv "$work/venv"
venv=$work/venv/bin/python
PATH=$root/.venv/bin:$PATH "$venv" -m pip wheel -q "$root" --no-deps --wheel-dir "$work/wheels" \
  --config-settings=cmake.define.TANDEM_CUDA=ON --config-settings=cmake.define.TANDEM_CUDA_DIR="$(echo "$root"/.venv/lib/python3*/site-packages/nvidia/cu13)"
grep -hE '^(mujoco|mujoco-core|mujoco-warp|warp-lang)==' "$root"/tools/requirements-{play,warp}.txt | xargs "$venv" -m pip download -q --no-deps -d "$work/wheels"
"$venv" -m pip install -q --no-deps --no-compile --target "$work/site" "$work"/wheels/*.whl
# Warp takes cubins, which is what travels, only where the driver is older than its own CUDA
echo 'import warp; warp.config.cuda_output = "cubin"' >"$work/site/sitecustomize.py"
for test in conftest warp_worlds test_mpc test_warp test_warp_device test_warp_order test_warp_save test_device_task; do
  install -D "$root/tests/python/$test.py" "$work/tests/python/$test.py"
done
echo "gpu_pack: Warp's kernels (some minutes)"
grep -hE '^(numpy|absl-py|etils|glfw|PyOpenGL)==' "$root"/tools/requirements-{play,warp}.txt | xargs "$venv" -m pip install -q absl-py etils
PYTHONPATH=$work/site "$venv" "$root/results/warp_cache.py" "$work/warp-cache" >"$folder/warp_cache.log" 2>&1 || { tail -5 "$folder/warp_cache.log" >&2; exit 1; }
tail -1 "$folder/warp_cache.log"
find "$work/warp-cache" -type f ! -name '*.cubin' ! -name '*.meta' -delete
# what only Warp's CPU device, its examples and the view of MuJoCo use
rm -rf "$work"/site/warp/bin/warp-clang.so "$work"/site/warp/{examples,tests} "$work"/site/mujoco/studio
tar -C "$work" -cJf - site tests warp-cache | split -b "$piece" -d -a 1 - "$folder/python.tar.xz."
(cd "$folder" && ls python.tar.xz.* | wc -l >pieces && du -sh ./*)
