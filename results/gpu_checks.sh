#!/usr/bin/env bash
# Everything that needs a GPU, in calls of a few minutes on a machine that may lack network, Debian packages and this checkout.
#
#   ./tandem test && results/gpu_pack.sh FOLDER      # here: FOLDER with this script and archives; no GPU needed
#   FOLDER/gpu_checks.sh OUT                         # there: unpacks the archives that are in FOLDER and measures
#
# PARTS="tests bench" takes some parts in that order (default: tests bench ncu sanitizer python); LIMIT=540 leaves out what has not begun after so many seconds and
# cuts short what runs. OUT/results.tar.gz is written anew after every part, and holds
#
#   log.txt            the device, every command, how it ended and how long it took
#   tests.txt          GPU against processor for every kernel and robot, bits from run to run, masks, resets, bad states, strides
#   bench-ROBOT.json   bench mpc --device cuda: stages, roofline, kernels, memory, energy, the processor's threads, Torch's batched factorisation
#   bench.txt          the same as tables
#   ncu.txt            profile of each kernel, a summary
#   sanitizer.txt      memcheck, initcheck, racecheck, synccheck on a small batch
#   python.txt         MuJoCo Warp, the task and the learner on the GPU: tests, short trainings with their rates and shares of time, one that goes on, two that
#                      must end with the same bits
#   progress-RUN.csv   rates and rewards of those trainings, iteration by iteration
#   warp-order.json    what the same bits from run to run cost in MuJoCo Warp
#
# There it needs an NVIDIA driver for CUDA 13 and a device of compute capability 9.0; for the profile and the sanitizer also ncu and compute-sanitizer on PATH;
# for the baseline and the Python parts a Python (python3, or TANDEM_PYTHON) with Torch, NumPy, SciPy and pytest, of the version that was packed. What is
# missing is left out with a line that says so. The exit code is the number of commands that failed.
set -uo pipefail
[[ -n ${1-} ]] || { sed -n '2,/^set/p' "$0" | sed '$d' | cut -c3-; exit 2; }
nvidia-smi -L | grep -q GPU || { echo "gpu_checks: nvidia-smi finds no GPU here" >&2; exit 1; }
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
archive=$(cd "$1" && pwd)/results.tar.gz
root=$folder/unpacked out=$folder/results
mkdir -p "$root" "$out"
failed=0

unpack() {  # NAME FILE...: once
  local name=$1
  shift
  [[ -e $root/.$name ]] || cat "$@" | python3 -c 'import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode="r|xz").extractall(sys.argv[1])' "$root" && touch "$root/.$name"
}
unpack programs "$folder/programs.tar.xz" || { echo "gpu_checks: $folder/programs.tar.xz is damaged or missing" >&2; exit 1; }
pieces=("$folder"/python.tar.xz.*)
if [[ -e $root/.python || (-e ${pieces[0]} && ${#pieces[@]} == $(cat "$folder/pieces")) ]]; then unpack python "${pieces[@]}"; fi

bin=$root/bin
export TANDEM_ROOT=$root TANDEM_ROBOTS=$root/robots TANDEM_PYTHON=${TANDEM_PYTHON:-$(command -v python3)} WARP_CACHE_PATH=$root/warp-cache
export LD_LIBRARY_PATH=$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

note() { echo "$*" | tee -a "$out/log.txt"; }

# part NAME SECONDS FILE COMMAND...: runs a command with a limit, its output appended to FILE, and notes how it ended. Tests that are skipped count as failed.
# In the foreground a command gets the signal once: a second one would keep it from writing what it has. What it started and left behind is ended with it.
part() {
  local name=$1 limit=$2 file=$out/$3 start=$SECONDS status=0 before skipped table run left=$((${LIMIT:-100000} - SECONDS))
  shift 3
  if (( left < 15 )); then note "$name: left out, $left s are left"; return; fi
  (( limit < left )) || limit=$left
  echo "=== $name: $*" >>"$file"
  before=$(wc -l <"$file")
  timeout --foreground -s INT -k 20 "$limit" "$@" >>"$file" 2>&1 || status=$?
  pkill -KILL -f "^$bin/" 2>/dev/null && note "$name: left a program running, which is ended"
  skipped=$(tail -n +"$before" "$file" | grep -c '^\[  SKIPPED \] .*ms')
  (( status || skipped )) && failed=$((failed + 1))
  note "$name: exit code $status, $skipped skipped, after $((SECONDS - start)) s: $*"
  for table in "$folder"/logs/*/*/*/progress.csv; do
    run=${table#"$folder/logs/"}
    [[ -e $table ]] && cp "$table" "$out/progress-${run%%/*}.csv"
  done
  tar -C "$out" -czf "$archive" .
  return $((status || skipped))
}

run_tests() {
  for test in test_team_cuda test_qp_cuda test_mpc_cuda test_task_cuda; do part "tests:$test" 120 tests.txt "$bin/$test" --gtest_filter='-*WithoutADevice*'; done
}

bench=("$bin/tandem" bench mpc --device cuda)
run_bench() {
  part bench:mit_humanoid 200 bench.txt "${bench[@]}" --iterations 10,25 --worlds 1,64,1000,4096,16384,65536 --json "$out/bench-mit_humanoid.json"
  # each way to solve (docs/gpu.md, section 2)
  for robot in mit_humanoid unitree_go2; do
    for blocks in 1 2; do
      part "bench:$robot-$blocks" 60 bench.txt "${bench[@]}" --iterations 10 --robot $robot --worlds 1,4096 --blocks $blocks --json "$out/bench-$robot-$blocks.json"
    done
  done
  for robot in unitree_go2 unitree_g1; do
    part "bench:$robot" 120 bench.txt "${bench[@]}" --iterations 10,25 --robot $robot --worlds 1,1000,16384 --json "$out/bench-$robot.json"
  done
}

# what bounds the kernels: the third step of a full GPU, each way to solve; the first is one graph (4 launches), the second goes by stages (5)
run_ncu() {
  if ! command -v ncu >/dev/null; then note "ncu is not on PATH"; return; fi
  local profile=(ncu --clock-control none --kernel-name 'regex:.*(begin|linearise|solve|finish).*' --launch-skip 9 --launch-count 4 --section LaunchStats
    --section Occupancy --section SpeedOfLight --section WarpStateStats --section ComputeWorkloadAnalysis --section MemoryWorkloadAnalysis --metrics
    l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum,l1tex__data_pipe_lsu_wavefronts_mem_shared.sum,smsp__inst_executed.sum)
  for blocks in 1 2; do part "ncu:$blocks" 90 ncu.txt "${profile[@]}" "${bench[@]}" --iterations 10 --worlds 4096 --blocks $blocks; done
}

# memory and barriers: few robots, since a checked kernel takes a hundred times as long
run_sanitizer() {
  if ! command -v compute-sanitizer >/dev/null; then note "sanitizer: compute-sanitizer is not on PATH"; return; fi
  local check=(compute-sanitizer --error-exitcode 9)
  part sanitizer:probe 30 sanitizer.txt "${check[@]}" "$bin/test_team_cuda" --gtest_filter='-*WithoutADevice*' || return
  for tool in memcheck racecheck initcheck synccheck; do
    part "sanitizer:$tool" 90 sanitizer.txt "${check[@]}" --tool "$tool" "$bin/test_mpc_cuda" --gtest_filter='*AMaskLeavesRobotsAlone*'
  done
  part sanitizer:qp 60 sanitizer.txt "${check[@]}" --tool racecheck "$bin/test_qp_cuda" --gtest_filter='*Bits*/2'
}

# physics, task and learning
run_python() {
  if [[ ! -d $root/site || -z $TANDEM_PYTHON ]]; then note "python: $folder lacks pieces of python.tar.xz, or no Python is on PATH"; return; fi
  local logs=$folder/logs
  local python=(env -u TANDEM_ROOT PYTHONPATH="$root/site" PYTHONUNBUFFERED=1 TANDEM_TEST_DEVICE=cuda:0 "$TANDEM_PYTHON")
  pytest() {  # TEST [EXPRESSION]: those that need no processor of Warp's
    part "python:$1" 200 python.txt "${python[@]}" -m pytest -v --tb=short -p no:cacheprovider "$root/tests/python/$1.py" ${2:+-k "$2"}
  }
  local train=("${python[@]}" -m tandem train --device cuda)
  rm -rf "$logs"
  pytest test_warp_save
  pytest test_device_task "cuda and not goes_on_from"
  for run in first second; do part "python:$run" 120 python.txt "${train[@]}" --iterations 5 --worlds 1024 --logs "$logs/$run"; done
  # their numbers; what comes before in the files has the run's name
  part python:same 20 python.txt bash -c 'test -s "$0" && test -s "$1" && cmp <(tail -c 500000 "$0") <(tail -c 500000 "$1")' \
    "$logs"/first/*/*/policy.safetensors "$logs"/second/*/*/policy.safetensors
  part python:residual 240 python.txt "${train[@]}" --iterations 20 --worlds 4096 --logs "$logs/residual" --json "$out/train-residual.json"
  part python:resume 120 python.txt "${python[@]}" -m tandem train --device cuda --resume "$logs"/residual/*/* --iterations 25
  part python:many 180 python.txt "${train[@]}" --iterations 10 --worlds 16384 --logs "$logs/many" --json "$out/train-many.json"
  part python:order 180 python.txt "${python[@]}" "$root/results/warp_order.py" "$out/warp-order.json" cuda:0 4096
  part python:rl 180 python.txt "${train[@]}" --iterations 20 --worlds 4096 --controller rl --logs "$logs/rl" --json "$out/train-rl.json"
  part python:any_order 120 python.txt "${train[@]}" --iterations 10 --worlds 4096 --any-order --logs "$logs/any" --json "$out/train-any_order.json"
  pytest test_mpc on_a_gpu
  pytest test_warp_order
  pytest test_warp_device "not compile and not mistakes"
  pytest test_warp "not obey_its_commands and not mistakes"
}

{
  echo "=== commit $(cat "$root/commit"), parts ${PARTS:-all}"
  nvidia-smi || true
  lscpu | grep -E "Model name|^CPU\(s\)"
} >>"$out/log.txt" 2>&1
for name in ${PARTS:-tests bench ncu sanitizer python}; do
  declare -F "run_$name" >/dev/null || { note "$name is no part; there are tests bench ncu sanitizer python"; failed=$((failed + 1)); continue; }
  "run_$name"
done
exit "$failed"
