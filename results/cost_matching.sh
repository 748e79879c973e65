#!/usr/bin/env bash
# The experiment of docs/cost-matching.md: fits the G1's centroidal MPC in several ways with the same rollouts and compares them in pairs on the nominal
# plant and on others, then the same with a stage cost that holds the velocity error, then the whole-body MPC of the MIT Humanoid. Run it from the project's
# folder; what is done is not done again, so it may be stopped at any time. Runs go to out/cost-matching, tables to results/.
#   TRIALS pairs per row (40), LIMITS largest impulses (40), TRAJECTORIES per round (24), ROUNDS (2), PLANTS of the G1 with commas between (all), SEED (1)
set -euo pipefail

out=out/cost-matching
trials=${TRIALS:-40} trajectories=${TRAJECTORIES:-24} rounds=${ROUNDS:-2} seed=${SEED:-1} limits=${LIMITS:-40}
plants=${PLANTS:-all}
humanoid_plants=nominal,torso_heavy,torso_light,com_forward,friction_low,delay_10ms,gains_weak,pushes_strong
mkdir -p "$out"

fit() {  # name, options of `tandem fit`
  local folder=$out/$1
  [[ -f $folder/report.json ]] && return
  ./tandem fit --out "$folder" --rounds "$rounds" --trajectories "$trajectories" --seed "$seed" $([[ -f $folder/run.json ]] && echo --resume) "${@:2}"
  ./tandem fit report "$folder"
}

compare() {  # name of the table, names of fits with commas between, options of `tandem fit compare`
  local thetas=() name
  for name in ${2//,/ }; do thetas+=("$name=$out/$name/theta.json"); done
  ./tandem fit compare "${thetas[@]}" --trials "$trials" --seed "$((seed + 1000))" --out "$out/compare-$1" --json "results/cost-matching-$1.json" "${@:3}"
  ./tandem fit report "$out/compare-$1"
  cp "$out/compare-$1/report.md" "results/cost-matching-$1.md"
}

# the centroidal MPC; every tenth sample where states are predicted
fit fast
fit momentum --parameters momentum --set fit.every=10
fit both --parameters both --set fit.every=10
fit adam --mode adam
fit untied --set fit.tie=false  # ends with theta = 1, as the next one did on an earlier controller: not compared
fit published --mode adam --parameters both --features replay --set fit.scale=false --set fit.offset=false --set fit.tie=false --set fit.ridge=0
fit random --mode random
compare unitree_g1 both,fast,momentum,adam,random --plants nominal --recoveries "$trials" --limits "$limits"
compare plants-unitree_g1 both,fast,momentum,adam,random --plants "$plants"

# stage costs of the user's: the controller's own and the velocity error
printf '[cost]\nown = 1.0\nvelocity_error = 50.0\n' > "$out/velocity.toml"
fit velocity --cost "$out/velocity.toml" --set round.ridges=0.1,0.03,0.01
compare velocity-unitree_g1 velocity --plants nominal,torso_heavy,com_forward,friction_low,delay_10ms,gains_weak,pushes_strong --cost "$out/velocity.toml"

# the whole-body MPC; its gait keeps its rate
humanoid=(--robot mit_humanoid --controller kinodynamic --set mpc.step_rate=1 --set trial.push_impulse=5,16)
ridges=(--set round.ridges=1e-2,1e-3,1e-4)
fit kinodynamic "${humanoid[@]}" "${ridges[@]}"
fit kinodynamic-velocity "${humanoid[@]}" "${ridges[@]}" --cost "$out/velocity.toml"
compare mit_humanoid kinodynamic "${humanoid[@]}" --plants "$humanoid_plants" --recoveries "$trials" --limits "$limits"
compare velocity-mit_humanoid kinodynamic-velocity "${humanoid[@]}" --plants "$humanoid_plants" --cost "$out/velocity.toml" --recoveries "$trials" --limits "$limits"
python3 results/cost_matching_fits.py
