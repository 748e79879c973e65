#!/usr/bin/env bash
# Measures everything in this folder again, from a clean checkout: about an hour on two quiet cores. results/measure.sh [NAME...] measures only those named.
# Reports are collected in out/results and copied here at the end, so that the checkout stays clean while it is measured.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p out/results
measure() {  # NAME ARGUMENTS...
  local name=$1
  shift
  if [[ -n ${only:-} && " $only " != *" $name "* ]]; then return; fi
  echo "== $name: ./tandem $*"
  ./tandem "$@" --json "out/results/$name.json"
}
only="$*"
mit="--robot mit_humanoid" g1="--robot unitree_g1" go2="--robot unitree_go2"

measure eval-mit_humanoid eval $mit --worlds 100 --seconds 20 --vx=-0.8,1.2 --vy=-0.3,0.3 --wz=-1,1 --start-scale 0.5
measure eval-wide-mit_humanoid eval $mit --worlds 100 --seconds 20 --vx=-1.2,1.8 --vy=-0.5,0.5 --wz=-2,2 --start-scale 0.5
measure eval-tracking-0.5-mit_humanoid eval $mit --command 0.5,0,0 --worlds 20 --seconds 10
measure eval-tracking-1.0-mit_humanoid eval $mit --command 1,0,0 --worlds 20 --seconds 10
measure eval-unitree_g1 eval $g1 --worlds 50 --seconds 10 --vx=-0.3,1 --vy=-0.2,0.2 --wz=-0.5,0.5
measure eval-unitree_go2 eval $go2 --worlds 50 --seconds 10 --vx=-0.3,1 --vy=-0.2,0.2 --wz=-0.5,0.5
for robot in mit_humanoid unitree_g1 unitree_go2; do
  measure sweep-pushes-$robot sweep pushes --robot $robot --directions 4 --out out/sweep-pushes-$robot
done
for robot in mit_humanoid unitree_g1; do  # with the gait's own rate
  measure sweep-pushes-own_rate-$robot sweep pushes --robot $robot --directions 4 --set mpc.step_rate=1 --out out/sweep-pushes-own_rate-$robot
done
measure sweep-commands-mit_humanoid sweep commands $mit --start-scale 0.2 --out out/sweep-commands-mit_humanoid
measure bench-mpc bench mpc --robot mit_humanoid --worlds 1,1000
measure mpc-work bench mpc --work --robot all
measure bench-qp bench qp
measure bench-centroidal bench centroidal
measure bench-dynamics bench dynamics --robot all
measure bench-sim bench sim --robot all
measure sweep-iterations-mit_humanoid sweep iterations $mit --modes riccati --iterations 1,2,3,5,8,10,15,25 --out out/sweep-iterations-mit_humanoid
measure sweep-iterations-x3-mit_humanoid sweep iterations $mit --modes riccati --iterations 10,25 --start-scale 3 --out out/sweep-iterations-x3-mit_humanoid
measure sweep-iterations-osqp-mit_humanoid sweep iterations $mit --modes osqp-0.01,osqp-0.1 --iterations 10,25 --out out/sweep-iterations-osqp-mit_humanoid
# policies: on the task they were trained for, and where the MPC alone falls; throughput of training
residual=policies/mit_humanoid_residual.safetensors rl=policies/mit_humanoid_rl.safetensors
for controller in mpc residual; do
  pilot="--controller mpc"
  if [[ $controller == residual ]]; then pilot="--policy $residual"; fi
  measure eval-undisturbed-$controller-mit_humanoid eval $mit $pilot --worlds 100 --seconds 10 --vx=-0.8,1.2 --vy=-0.3,0.3 --wz=-1,1 --start-scale 0.5
done
measure sweep-conditions-mit_humanoid sweep conditions $mit --policy $residual --hard --worlds 64 --push-phases 8 --out out/sweep-conditions-mit_humanoid
hard="--config policies/hard.toml --disturbances task --seconds 5 --start-scale 1 --seed 100"
measure compare-hard compare mpc $residual $rl $hard --worlds 200 --out out/compare-hard
trusting="--set mpc.pose_trust=1" no_delay="--set mpc.pose_trust=1 --set mpc.delay=0"
measure compare-hard-trusting compare mpc $residual $hard $trusting --worlds 200 --out out/compare-hard-trusting
measure compare-hard-no_delay compare mpc $residual $hard $no_delay --worlds 200 --out out/compare-hard-no_delay
# what the policies change, as the published figures show it
wide=policies/mit_humanoid_wide.safetensors
measure sweep-changes-mit_humanoid sweep conditions $mit --policy $residual --changes --worlds 64 --out out/sweep-changes-mit_humanoid
measure sweep-tracking-mit_humanoid sweep tracking $mit --policy $residual --policy $wide --out out/sweep-tracking-mit_humanoid
measure sweep-loads-mit_humanoid sweep loads $mit --policy $residual --policy $rl --out out/sweep-loads-mit_humanoid
rough="--set terrain.kind=rough --set terrain.amplitude=0.03"
measure sweep-stride-mit_humanoid sweep stride $mit --policy $residual --policy $rl $rough --out out/sweep-stride-mit_humanoid
measure sweep-states-mit_humanoid sweep states $mit --policy $residual --policy $rl --out out/sweep-states-mit_humanoid
# runs of results/train.sh, if they are there
runs=logs/mit_humanoid_residual
if compgen -G "$runs/*_torque_torque_seed2" >/dev/null; then
  blendings="$runs/*_joint_torque_seed? $runs/*_joint_joint_seed? $runs/*_torque_torque_seed?"
  measure compare-blendings compare $blendings --no-eval --out out/compare-blendings
  measure compare-blendings-eval compare mpc $(printf "%s/policy_150.safetensors " $blendings) $hard $no_delay --worlds 100 --out out/compare-blendings-eval
  measure compare-robots compare logs/unitree_go2_residual/*_go2_small_seed0 logs/unitree_g1_residual/*_g1_seed0 --no-eval --out out/compare-robots
fi
if compgen -G "$runs/*_plain_seed0" >/dev/null; then
  plain=$(compgen -G "$runs/*_plain_seed0" | tail -n 1)/policy.safetensors
  measure compare-hard-own_rate compare mpc "$plain" $hard $no_delay --set mpc.step_rate=1 --worlds 200 --out out/compare-hard-own_rate
fi
if compgen -G "logs/mit_humanoid_rl/*_end_to_end_seed0" >/dev/null; then
  measure compare-end_to_end compare $runs/*_plain_seed0 logs/mit_humanoid_rl/*_end_to_end_seed0 --no-eval --out out/compare-end_to_end
fi
if run=$(compgen -G "logs/unitree_g1_residual/*_g1_seed0" | tail -n 1); then
  task="--disturbances task --worlds 64 --seconds 5 --start-scale 1 --seed 100"
  measure eval-task-mpc-unitree_g1 eval $g1 --controller mpc $task
  measure eval-task-residual-unitree_g1 eval $g1 --policy $run/policy.safetensors $task
fi
for robot in unitree_go2 unitree_g1; do
  residual=policies/${robot}_residual.safetensors
  measure eval-hard-mpc-$robot eval --robot $robot --controller mpc $hard --worlds 200
  measure eval-hard-residual-$robot eval --robot $robot --policy $residual $hard --worlds 200
  measure eval-hard-trusting-mpc-$robot eval --robot $robot --controller mpc $hard $trusting --worlds 200
  measure eval-hard-trusting-residual-$robot eval --robot $robot --policy $residual $hard $trusting --worlds 200
  measure eval-hard-no_delay-mpc-$robot eval --robot $robot --controller mpc $hard $no_delay --worlds 200
  measure eval-undisturbed-residual-$robot eval --robot $robot --policy $residual --worlds 50 --seconds 10 --vx=-0.3,1 --vy=-0.2,0.2 --wz=-0.5,0.5
done
measure train-residual-mit_humanoid train $mit --controller residual --worlds 512 --iterations 20 --name throughput
measure train-rl-mit_humanoid train $mit --controller rl --worlds 512 --iterations 20 --name throughput
cp out/results/*.json results/
