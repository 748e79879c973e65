# Sourced by ./tandem: set_up play|bench|train|device|view|plot|test [SET] makes the machine ready for a subcommand, with one more set of Python packages.
# Expects $root, the project folder.
#
# Four steps: machine, packages (apt-get), Python environment (.venv), build (build). Each looks at what is there and returns at once if that is enough.
# Files written at the end of a step tell that it is done, so that an interrupted one is done again. Logs: build/setup.
# Messages go to stderr; what cannot be cured here ends with one line that names the cure, and exit code 1.

state=$root/build/setup
venv=$root/.venv
writable=
child=

say() { printf 'tandem: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# package=probe: the command, the header below include/, or the library that shows that the package is there
play_packages="g++=g++ ffmpeg=ffmpeg libosmesa6=libOSMesa.so.8 libcli11-dev=CLI/CLI.hpp libtomlplusplus-dev=toml++/toml.h
  nlohmann-json3-dev=nlohmann/json.hpp libeigen3-dev=eigen3/Eigen/Core"
view_packages="python3-dev=python3-config"
test_packages="libgtest-dev=gtest/gtest.h libzstd-dev=zstd.h ccache=ccache git=git chromium=chromium"

set_up() {
  local needs=$1
  check_machine
  # settings of the caller with which Python would find packages, and pip put them, elsewhere than in .venv
  unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_ROOT
  export PIP_USER=0 PYTHONNOUSERSITE=1
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM HUP
  # a folder that cannot be written serves as it is while nothing is missing; tests write into it
  if { mkdir -p "$state" && exec 9>>"$state/lock"; } 2>/dev/null; then writable=yes; fi
  [[ $needs != test ]] || check_writable
  if [[ $writable ]] && ! flock -n 9; then
    say "another ./tandem is setting up this folder; waiting for it"
    flock 9
  fi
  set_up_packages "$needs"
  set_up_python "$needs" "${2-}"
  export PATH=$venv/bin:$PATH
  set_up_build "$needs"
  exec 9>&-
  trap - INT TERM HUP
}

interrupted() {
  if [[ -n $child ]]; then kill -TERM "$child" 2>/dev/null || true; wait "$child" 2>/dev/null || true; fi
  say "interrupted; the same command goes on where this one stopped"
  exit "$1"
}

# --- steps -----------------------------------------------------------------------------------------------------------------------------------------

check_machine() {
  local machine; machine=$(uname -sm)
  [[ $machine == "Linux x86_64" ]] || die "this machine is \"$machine\", which is not supported; use x86-64 Linux, best Debian 12"
  grep -qw avx2 /proc/cpuinfo || die "this processor has no AVX2, which the program needs; use an x86-64 machine built after 2013"
}

set_up_packages() {
  local entry wanted=$play_packages missing=()
  [[ $1 == view || $1 == device || $1 == test ]] && wanted+=" $view_packages"
  [[ $1 == test ]] && wanted+=" $test_packages"
  for entry in $wanted; do
    present "${entry#*=}" || missing+=("${entry%%=*}")
  done
  python_ready || find_python >/dev/null || missing+=(python3 python3-venv)
  # of packages whose installation was cut short, some files may be there
  if [[ -e $state/packages.unfinished ]]; then
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" $(<"$state/packages.unfinished") | sort -u | grep .)
  fi
  (( ${#missing[@]} )) || return 0

  command -v apt-get >/dev/null || die "these packages are missing (Debian's names): ${missing[*]}; there is no apt-get here: install them, then run the same command again"
  check_disk
  become_root "${missing[@]}"
  echo "${missing[*]}" >"$state/packages.unfinished"
  run_step "Debian packages: ${missing[*]}" packages install_packages "${missing[@]}"
  rm "$state/packages.unfinished"
  if grep -q "^$lists_failed" "$state/packages.log"; then say "note: $lists_failed, and those that were here served (log: $state/packages.log)"; fi
  for entry in $wanted; do
    present "${entry#*=}" || say "note: ${entry%%=*} is installed, but ${entry#*=} was not found"
  done
}

set_up_python() {
  local set sets=play python note options
  [[ $1 == bench ]] && sets+=" bench"
  [[ $1 == train ]] && sets+=" train"
  [[ $1 == device ]] && sets+=" train torch view warp"
  [[ $1 == view ]] && sets+=" view"
  [[ $1 == plot ]] && sets+=" plot"
  [[ $1 == test ]] && sets+=" bench train torch view cuda test plot drake rsl warp"
  sets+=" $2"
  if ! python_ready; then
    python=$(find_python) || die "there is no Python 3.11 to 3.14 with venv here; use Debian 12 or install python3 and python3-venv of such a version"
    check_disk
    rm -rf "$venv"
    run_step "Python environment .venv ($("$python" --version))" venv make_venv "$python"
  fi
  for set in $sets; do
    [[ $(cat "$venv/set-$set" 2>/dev/null) == "$(set_key "$set")" ]] && continue
    note= options=()
    case $set in
      train) check_disk 5120; note="; about 1.5 GB, a minute" options=(--no-deps) ;;  # Torch without what only its GPU part needs
      torch) check_disk 8192; note="; about 4 GB, a minute or two" options=(--no-deps) ;;
      warp) check_disk; note="; 400 MB" options=(--no-deps) ;;
      drake | rsl | cuda) check_disk; options=(--no-deps) ;;
      *) check_disk ;;
    esac
    drop_half_installed
    # --no-compile: most of 15,000 files are never imported, and Python compiles the others when they are
    run_step "Python packages for $set (tools/requirements-$set.txt$note)" "python-$set" "$venv/bin/python" -m pip install --no-input --no-compile "${options[@]}" \
      --disable-pip-version-check --retries 2 --progress-bar off -r "$root/tools/requirements-$set.txt"
    [[ $set == cuda ]] && link_cuda
    set_key "$set" >"$venv/set-$set"
  done
  return 0
}

# The tests are part of the build once the packages for the tests are there, the CUDA backend once nvcc is, the Python module once those for the view are,
# the reference library of the benchmarks likewise.
set_up_build() {
  local tests=OFF module=OFF cuda=OFF mujoco key target=tandem
  [[ -e $venv/set-test ]] && tests=ON
  compgen -G "$venv/lib/python3*/site-packages/nvidia/cu13/bin/nvcc" >/dev/null && cuda=ON
  [[ $tests == ON || -e $venv/set-view ]] && module=ON
  mujoco=$(echo "$venv"/lib/python3*/site-packages/mujoco)
  key="$root $mujoco $(ls "$venv" | grep -xE 'set-(bench|play|test|torch|train|view)' | tr '\n' ' ')with Python module, CUDA $cuda"
  if [[ ! -e $root/build/build.ninja || $(cat "$state/configured" 2>/dev/null) != "$key" ]]; then
    check_disk
    run_step "configure the build (tests $tests, CUDA $cuda)" configure "$venv/bin/cmake" --fresh -S "$root" -B "$root/build" -G Ninja \
      -DCMAKE_MAKE_PROGRAM="$venv/bin/ninja" -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=Release \
      -DTANDEM_MUJOCO_DIR="$mujoco" -DTANDEM_TESTS=$tests -DTANDEM_CUDA=$cuda -DTANDEM_PYTHON=$module
    echo "$key" >"$state/configured"
  fi
  # figures need no program; the test driver builds everything itself and counts a failure as one
  [[ $1 == plot || $1 == test ]] && return
  [[ $1 == train ]] && target=tandem-train
  [[ $1 == view || $1 == device ]] && target=tandem_core
  [[ $("$venv/bin/ninja" -C "$root/build" -n "$target" 2>&1 | tail -n 1) == *"no work to do"* ]] && return
  run_step "build the program ($(nproc) cores)" build "$venv/bin/ninja" -C "$root/build" -j "$(nproc)" "$target"
}

# --- what the steps use ----------------------------------------------------------------------------------------------------------------------------

# run_step TITLE LOG COMMAND...: says what it does, runs it with its output in build/setup/LOG.log, says how long it took; ends the program if it fails.
run_step() {
  local title=$1 log=$state/$2.log start=$EPOCHREALTIME status=0
  shift 2
  check_writable
  say "$title ..."
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
  if [[ -t 2 ]]; then show_progress "$log" "$child" & fi
  wait "$child" || status=$?
  child=
  if [[ -t 2 ]]; then wait; printf '\r\033[K' >&2; fi
  if (( status )); then explain_failure "$title" "$log"; fi
  say "$title: done in $(LC_ALL=C awk -v a="${start/,/.}" -v b="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.1f s", b - a }')"
}

# On a terminal: the last line of the log, every second, for as long as the step runs.
show_progress() {
  while kill -0 "$2" 2>/dev/null; do
    printf '\r\033[K  %s' "$(tail -c 400 "$1" | tr '\r' '\n' | tail -n 1 | cut -c -120)" >&2
    sleep 0.5
  done
}

explain_failure() {
  local title=$1 log=$2
  if grep -qiE 'no space left on device' "$log"; then
    die "$title: the disk is full; free some space, then run the same command again"
  elif grep -qi 'certificate verify failed' "$log"; then
    die "$title: the network's certificate is not trusted; set PIP_CERT to the file with your certificate authorities, then run the same command again"
  elif grep -qiE 'temporary failure|could not resolve|name resolution|network is unreachable|connection (refused|timed out|reset)|max retries|NewConnectionError|failed to fetch|from versions: none' "$log"; then
    die "$title: the network cannot be reached; check the connection and proxy settings, then run the same command again (log: $log)"
  elif grep -qiE 'could not get lock|unable to acquire' "$log"; then
    die "$title: another package manager is running; wait for it to end, then run the same command again (log: $log)"
  fi
  tail -n 25 "$log" >&2
  die "$title: failed; the lines above say why (whole log: $log)"
}

present() {
  case $1 in
    *.so.*) compgen -G "/usr/lib/*/$1" >/dev/null || compgen -G "/usr/lib*/$1" >/dev/null ;;
    */* | *.h) [[ -e /usr/include/$1 || -e /usr/local/include/$1 ]] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# Whether the environment was made, in this place, for the Python that it starts: a newer one does not find its packages, pip among them.
python_ready() { [[ $(cat "$venv/made" 2>/dev/null) == "$venv" ]] && "$venv/bin/python" -c 'import pip' 2>/dev/null; }

# Prints a Python that can make the environment, the system's first.
find_python() {
  local python
  for python in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
      command -v "$python"
      return 0
    fi
  done
  return 1
}

# What must be equal for an installed set of Python packages to be up to date: its pins.
set_key() { sha256sum <"$root/tools/requirements-$1.txt"; }

make_venv() {
  "$1" -m venv "$venv"
  echo "$venv" >"$venv/made"
}

# Makes pip install again what an interrupted one left half: it takes a package for installed that has a .dist-info, into which INSTALLER and RECORD come last.
drop_half_installed() {
  local info
  for info in "$venv"/lib/python3*/site-packages/*.dist-info; do
    [[ -e $info/INSTALLER && -e $info/RECORD ]] || rm -rf "$info"
  done
}

# nvcc and CMake look for lib64 and libX.so, which the packages leave out.
link_cuda() {
  local cuda library
  for cuda in "$venv"/lib/python3*/site-packages/nvidia/cu13; do
    ln -sfn lib "$cuda/lib64"
    for library in "$cuda"/lib/lib*.so.*; do
      ln -sf "$(basename "$library")" "${library%%.so.*}.so"
    done
  done
}

check_writable() { [[ $writable ]] || die "cannot write to $root; copy the project to a folder of yours"; }

# check_disk [MB]: what the next step needs, downloads included
check_disk() {
  check_writable
  local free needed=${1:-3072}; free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1024) }')
  (( free >= needed )) || die "the disk of $root has $free MB free, and setting up needs $needed MB; free some space or move the project to another disk"
}

# Makes sure that as_root works; may ask for the password.
become_root() {
  (( EUID == 0 )) && return
  local command="apt-get install -y $*"
  command -v sudo >/dev/null || die "these packages are missing: $*; there is no sudo here: have root run \"$command\", then run the same command again"
  say "sudo is needed for: $command"
  if [[ -t 0 ]]; then sudo -v; else sudo -n true; fi 2>/dev/null ||
    die "these packages are missing: $*; sudo was refused: have root run \"$command\", then run the same command again"
}

as_root() { if (( EUID == 0 )); then "$@"; else sudo "$@"; fi; }

# Waits for another package manager to end, and finishes what an interrupted one left. Where a repository has no lists, the others may have all that is missing.
lists_failed="apt-get update failed for some package lists"
install_packages() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3) log=$state/packages.log try
  for try in 1 2 3 4 5 6; do
    as_root dpkg --configure -a || true
    as_root "${apt[@]}" update || echo "$lists_failed"
    if as_root "${apt[@]}" install --no-install-recommends "$@"; then return 0; fi
    grep -qiE 'could not get lock|unable to acquire|unable to lock' "$log" || return 1
    echo "attempt $try: another package manager is running; trying again in 10 s"
    sleep 10
  done
  return 1
}
