"""rsl_rl trains on the locomotion task, unchanged. Needs `pip install .[rsl_rl]`. Arguments: iterations, worlds, folder."""

import sys

import tandem
from rsl_rl.runners import OnPolicyRunner

iterations, worlds, folder = sys.argv[1:] if len(sys.argv) == 4 else (20, 128, "logs/rsl_rl")
net = {"class_name": "MLPModel", "hidden_dims": [256, 256, 256], "activation": "elu", "obs_normalization": True}
actor = net | {"distribution_cfg": {"class_name": "GaussianDistribution", "init_std": 0.5}}
config = {"num_steps_per_env": 24, "save_interval": 100, "logger": "tensorboard", "actor": actor, "critic": net}
config["obs_groups"] = {"actor": ["policy"], "critic": ["policy"]}
config["algorithm"] = {"class_name": "PPO", "learning_rate": 1e-3, "schedule": "adaptive", "desired_kl": 0.01, "entropy_coef": 0.01}
env = tandem.RslRlEnv("mit_humanoid", num_envs=int(worlds), controller="residual")
runner = OnPolicyRunner(env, config, log_dir=folder)
runner.learn(int(iterations))
env.save_policy(runner.alg.actor, f"{folder}/policy.safetensors")  # for tandem.Controller and ./tandem eval
