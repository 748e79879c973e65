#!/usr/bin/env bash
# Trains every policy that this folder and policies/ show, one after the other: about four hours on two quiet cores. results/train.sh [NAME...] trains only
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
# the runs that compare were made with a gait that keeps its rate, an MPC that counts on no delay and takes the pose of its base as measured, and without
# symmetry unless they say so
trusting="--set mpc.pose_trust=1"
earlier="--set mpc.step_rate=1 --set mpc.delay=0 $trusting --set ppo.symmetric=false"
mit="--robot mit_humanoid $earlier" hard="--config policies/hard.toml" explore="--config policies/residual.toml"
# as residual.toml has it, for runs without it
ppo="--worlds 1024 --set ppo.entropy_coefficient=0 --set ppo.desired_kl=0.015"
# as the comparisons of blendings and robots were made
small="--worlds 512 --set ppo.entropy_coefficient=0.001 --set ppo.desired_kl=0.02"

# shellcheck disable=SC2086  # the variables hold several arguments
{
  train residual 0 301 --robot mit_humanoid --controller residual $hard $explore $trusting
  train plain 0 601 $mit --controller residual $hard $explore
  train symmetric 0 601 $mit --controller residual $hard $explore --set ppo.symmetric=true
  train wide 0 301 $mit --controller residual --config policies/wide.toml $explore --set ppo.symmetric=true
  train end_to_end 0 211 $mit --controller rl $hard $ppo
  for seed in 0 1 2; do
    train joint_torque $seed 164 $mit --controller residual $hard $explore $small
    train joint_joint $seed 164 $mit --controller residual $hard $explore $small --blend joint_joint
    train torque_torque $seed 164 $mit --controller residual $hard $explore $small --blend torque_torque --set env.action_scale=240
  done
  train go2 0 301 --robot unitree_go2 --controller residual $hard $explore
  train go2_small 0 90 --robot unitree_go2 $earlier --controller residual $hard $explore $small
  train g1_hard 0 251 --robot unitree_g1 --controller residual $hard $explore $trusting --worlds 512 --set env.action_scale=2
  # the default task
  train g1 0 84 --robot unitree_g1 $earlier --controller residual $explore $small --set env.action_scale=1 --set env.max_angular_velocity=10
}
