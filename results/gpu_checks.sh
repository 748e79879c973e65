#!/usr/bin/env bash
# Everything that needs a GPU, in one visit of at most a quarter of an hour to a machine that may lack network, Debian packages and this checkout.
#
#   ./tandem test                                    # here: builds the programs; no GPU needed
#   results/gpu_checks.sh pack FOLDER                # here: what the other machine needs, 200 MB, most of it wheels, into a new folder
#   FOLDER/results/gpu_checks.sh OUT                 # there: measures, into the folder OUT
#
# The wheels are for the Python that makes the environment .venv, or for PYTHON=python3.12, which needs its headers, pip and the network.
# There it needs an NVIDIA driver for CUDA 13 and a device of compute capability 9.0; for the sanitizer and the profile also compute-sanitizer and ncu on
# PATH; for the baseline a Python (python3, or TANDEM_PYTHON) with Torch, NumPy and SciPy; for the Python parts one with Torch, NumPy and pytest whose version
# is that of the wheels. What is missing is left out with a line that says so. Every part has a limit in time, and the rest goes on after one that failed; the
# exit code is the number of parts that failed. SKIP="tests bench" or SKIP="sanitizer ncu python" leaves parts out, so that a visit can be two calls.
#
#   log.txt            the device, every command, how it ended and how long it took
#   tests.txt          GPU against processor for every kernel and robot, bits from run to run, masks, resets, bad states, strides
#   bench-ROBOT.json   bench mpc --device cuda: stages, roofline, kernels, memory, energy, the processor's threads, Torch's batched factorisation
#   bench.txt          the same as tables
#   sanitizer.txt      memcheck, initcheck, racecheck, synccheck on a small batch
#   ncu.txt            profile of each kernel, a summary
#   python.txt         MuJoCo Warp, the task and the learner on the GPU: tests, short trainings with their rates and shares of time, one that goes on, two that
#                      must end with the same bits
#   warp-order.json    what the same bits from run to run cost in MuJoCo Warp
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python_tests="test_mpc test_warp test_warp_device test_warp_order test_warp_save test_device_task"

pack() {
  local to=$1 mujoco
  [[ ! -e $to ]] || { echo "gpu_checks: $to is there already; name a new folder" >&2; exit 1; }
  for program in build/tandem build/tests/base/test_team_cuda build/tests/qp/test_qp_cuda build/tests/mpc/test_mpc_cuda build/tests/env/test_task_cuda; do
    [[ -x $root/$program ]] || { echo "gpu_checks: $program is missing; run ./tandem test first" >&2; exit 1; }
    install -D -s "$root/$program" "$to/bin/${program##*/}"
  done
  mujoco=$(echo "$root"/.venv/lib/python3*/site-packages/mujoco/libmujoco.so.*)
  install -D "$mujoco" "$to/lib/${mujoco##*/}"
  mkdir -p "$to/python/tandem"
  cp "$root"/python/tandem/*.py "$to/python/tandem"
  cp -r "$root/robots" "$to/robots"
  install -D "$root/results/gpu_checks.sh" "$to/results/gpu_checks.sh"
  cp "$root/results/warp_order.py" "$to/results"
  git -C "$root" describe --always --dirty >"$to/commit"
  pack_python "$to"
  du -sh "$to"
}

pack_python() {
  local to=$1 python=${PYTHON:-$root/.venv/bin/python} test
  PATH=$root/.venv/bin:$PATH "$python" -m pip wheel -q "$root" --no-deps --wheel-dir "$to/wheels" \
    --config-settings=cmake.define.TANDEM_CUDA=ON --config-settings=cmake.define.TANDEM_CUDA_DIR="$(echo "$root"/.venv/lib/python3*/site-packages/nvidia/cu13)" || exit 1
  grep -hE '^(mujoco|mujoco-core|mujoco-warp|warp-lang)==' "$root"/tools/requirements-{play,warp}.txt | xargs "$python" -m pip download -q --no-deps -d "$to/wheels" || exit 1
  for test in conftest warp_worlds $python_tests; do
    install -D "$root/tests/python/$test.py" "$to/tests/python/$test.py"
  done
}
if [[ ${1-} == pack && -n ${2-} ]]; then pack "$2"; exit; fi
[[ -n ${1-} ]] || { sed -n '2,/^set/p' "$0" | sed '$d' | cut -c3-; exit 2; }

mkdir -p "$1"
out=$(cd "$1" && pwd)
bin=$root/bin
export TANDEM_ROOT=$root TANDEM_PYTHON=${TANDEM_PYTHON:-$(command -v python3)} LD_LIBRARY_PATH=$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
failed=0

# part NAME SECONDS FILE COMMAND...: runs a command with a limit, its output appended to FILE, and notes how it ended
part() {
  local name=$1 limit=$2 file=$3 start=$SECONDS status=0
  shift 3
  if [[ " ${SKIP-} " == *" ${name%%:*} "* ]]; then echo "$name: left out" >>"$out/log.txt"; return; fi
  echo "=== $name: $*" >>"$out/$file"
  timeout -k 5 "$limit" "$@" >>"$out/$file" 2>&1 || status=$?
  (( status )) && failed=$((failed + 1))
  echo "$name: exit code $status after $((SECONDS - start)) s: $*" | tee -a "$out/log.txt"
}

{
  echo "commit $(cat "$root/commit" 2>/dev/null || git -C "$root" describe --always --dirty)"
  nvidia-smi || true
  lscpu | grep -E "Model name|^CPU\(s\)"
} >>"$out/log.txt" 2>&1

# 1. correct
for test in test_team_cuda test_qp_cuda test_mpc_cuda test_task_cuda; do part "tests:$test" 120 tests.txt "$bin/$test"; done

# 2. how fast, against what
bench=("$bin/tandem" bench mpc --device cuda --iterations 10,25)
part bench:mit_humanoid 200 bench.txt "${bench[@]}" --robot mit_humanoid --worlds 1,64,1000,4096,16384,65536 --json "$out/bench-mit_humanoid.json"
# each way to solve (docs/gpu.md, section 2)
for robot in mit_humanoid unitree_go2; do
  for blocks in 1 2; do
    part "bench:$robot-$blocks" 60 bench.txt "${bench[@]}" --iterations 10 --robot "$robot" --worlds 1,4096 --blocks $blocks --json "$out/bench-$robot-$blocks.json"
  done
done
for robot in unitree_go2 unitree_g1; do
  part "bench:$robot" 120 bench.txt "${bench[@]}" --robot "$robot" --worlds 1,1000,16384 --json "$out/bench-$robot.json"
done

# 3. memory and barriers: few robots, since a checked kernel takes a hundred times as long
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck initcheck racecheck synccheck; do
    part "sanitizer:$tool" 60 sanitizer.txt compute-sanitizer --tool "$tool" --error-exitcode 9 "$bin/test_mpc_cuda" --gtest_filter='*AMaskLeavesRobotsAlone*'
  done
  part sanitizer:qp 60 sanitizer.txt compute-sanitizer --tool racecheck --error-exitcode 9 "$bin/test_qp_cuda" --gtest_filter='*Bits*/2'
else
  echo "sanitizer: compute-sanitizer is not on PATH" >>"$out/log.txt"
fi

# 4. physics, task and learning, from Python; the package is installed where nothing else sees it
if compgen -G "$root/wheels/*.whl" >/dev/null && [[ -n $TANDEM_PYTHON ]]; then
  site=$(mktemp -d)
  trap 'rm -rf "$site"' EXIT
  part python:install 120 python.txt "$TANDEM_PYTHON" -m pip install -q --no-index --no-deps --no-compile --target "$site" "$root"/wheels/*.whl
  tandem=(env -u TANDEM_ROOT PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 TANDEM_TEST_DEVICE=cuda:0 "$TANDEM_PYTHON")
  for test in $python_tests; do
    part "python:$test" 240 python.txt "${tandem[@]}" -m pytest -q -p no:cacheprovider "$root/tests/python/$test.py"
  done
  train=("${tandem[@]}" -m tandem train --device cuda)
  part python:residual 240 python.txt "${train[@]}" --iterations 20 --worlds 4096 --logs "$site/residual" --json "$out/train-residual.json"
  part python:rl 180 python.txt "${train[@]}" --iterations 20 --worlds 4096 --controller rl --logs "$site/rl" --json "$out/train-rl.json"
  part python:resume 120 python.txt "${tandem[@]}" -m tandem train --device cuda --resume "$site"/residual/*/* --iterations 25
  for run in first second; do part "python:$run" 120 python.txt "${train[@]}" --iterations 5 --worlds 1024 --logs "$site/$run"; done
  # their numbers; what comes before in the files has the run's name
  part python:same 10 python.txt bash -c 'cmp <(tail -c 500000 "$0") <(tail -c 500000 "$1")' "$site"/first/*/*/policy.safetensors "$site"/second/*/*/policy.safetensors
  part python:order 180 python.txt "${tandem[@]}" "$root/results/warp_order.py" "$out/warp-order.json" cuda:0 4096
  part python:many 180 python.txt "${train[@]}" --iterations 20 --worlds 16384 --logs "$site/many" --json "$out/train-many.json"
else
  echo "python: no wheels were packed, or no Python is on PATH" >>"$out/log.txt"
fi

# 5. what bounds the kernels
if command -v ncu >/dev/null; then
  part ncu 120 ncu.txt ncu --clock-control none --launch-skip 40 --launch-count 10 --print-summary per-kernel --section LaunchStats --section Occupancy \
    --section SpeedOfLight --section WarpStateStats --section ComputeWorkloadAnalysis --section MemoryWorkloadAnalysis \
    --metrics l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum,l1tex__data_pipe_lsu_wavefronts_mem_shared.sum,smsp__inst_executed.sum \
    "$bin/test_mpc_cuda" --gtest_filter='*GivesTheSameBits*/0'
else
  echo "ncu is not on PATH" >>"$out/log.txt"
fi
exit "$failed"
