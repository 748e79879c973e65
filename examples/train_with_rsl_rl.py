"""rsl_rl trains on the locomotion task, unchanged. Needs `pip install .[rsl_rl]`. Arguments: iterations, worlds."""

import sys

import tandem
from rsl_rl.runners import OnPolicyRunner

net = {"class_name": "MLPModel", "hidden_dims": [256, 256, 256], "activation": "elu", "obs_normalization": True}
actor = net | {"distribution_cfg": {"class_name": "GaussianDistribution", "init_std": 0.5}}
config = {"num_steps_per_env": 24, "save_interval": 100, "obs_groups": {"actor": ["policy"], "critic": ["policy"]}, "actor": actor, "critic": net}
config["algorithm"] = {"class_name": "PPO", "learning_rate": 1e-3, "schedule": "adaptive", "desired_kl": 0.01, "entropy_coef": 0.01}
env = tandem.RslRlEnv("mit_humanoid", num_envs=int(sys.argv[2]) if len(sys.argv) > 2 else 128, controller="residual")
OnPolicyRunner(env, config).learn(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
