#!/usr/bin/env bash
# Trains every policy that this folder and policies/ show, one after the other: about two hours on two quiet cores. results/train.sh [NAME...] trains only
# those named. Runs land in logs/; a run that is there already is left alone, so the script can be interrupted and repeated.
set -euo pipefail
cd "$(dirname "$0")/.."
only="$*"
train() {  # NAME SEED ITERATIONS ARGUMENTS...
  local name=$1_seed$2 seed=$2 iterations=$3
  shift 3
  if [[ -n $only && " $only " != *" $name "* ]]; then return; fi
  if compgen -G "logs/*/*_$name/model_$iterations" >/dev/null; then return; fi
  echo "== $name"
  ./tandem train --name "$name" --seed "$seed" --iterations "$iterations" "$@"
}
mit="--robot mit_humanoid" hard="--config policies/hard.toml"
residual="--controller residual $hard --config policies/residual.toml"

# shellcheck disable=SC2086  # the variables hold several arguments
{
  train joint_torque 0 820 $mit $residual
  train joint_torque 1 246 $mit $residual
  train joint_torque 2 246 $mit $residual
  for seed in 0 1 2; do
    train joint_joint $seed 164 $mit $residual --blend joint_joint
    train torque_torque $seed 164 $mit $residual --blend torque_torque --set env.action_scale=240
  done
  train end_to_end 0 410 $mit --controller rl $hard
  train go2 0 90 --robot unitree_go2 $residual
  # the default task
  train g1 0 84 --robot unitree_g1 --controller residual --config policies/residual.toml --set env.action_scale=1
}
