"""Kernels of MuJoCo Warp and of tandem, compiled for a GPU where there is none, since there they would take minutes: results/warp_cache.py FOLDER.

Three robots step on Warp's CPU device, on flat and on rough ground, and all modules that they launch are compiled for compute capability 9.0 into FOLDER. On
the machine with the GPU, WARP_CACHE_PATH names that folder; what is missing from it is compiled there.
"""

import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import tandem
import warp as wp
from tandem.mjcf import Terrain
from tandem.warp_simulator import WarpSimulator

ARCH = 90
WORLDS = 2
ROUGH = Terrain(9, 9, 0.1, np.random.default_rng(0).uniform(-0.01, 0.01, (9, 9)))


def launched_modules():
    """(module, threads of a block) of every launch of a control step of each robot on each ground."""
    found = set()

    def recorded(launch):
        def record(kernel, *arguments, **named):
            found.add((kernel.module, named.get("block_dim") or kernel.module.options["block_dim"]))
            return launch(kernel, *arguments, **named)

        return record

    with mock.patch.object(wp, "launch", recorded(wp.launch)), mock.patch.object(wp, "launch_tiled", recorded(wp.launch_tiled)):
        for name in ("mit_humanoid", "unitree_go2", "unitree_g1"):
            robot = tandem.Robot(name)
            for terrain in (None, ROUGH):
                sim = WarpSimulator(robot, WORLDS, physics_dt=0.0025, device="cpu", terrain=terrain)
                sim.set_parameters(friction=[1.0] * WORLDS)
                sim.set_push(0, [[1.0, 0.0, 0.0]] * WORLDS, [1] * WORLDS)
                sim.kick([[0.1] * 6] * WORLDS)
                sim.step()
    return found


def main(folder):
    begin = time.monotonic()
    found = launched_modules()
    wp.config.kernel_cache_dir = str(Path(folder).resolve() / wp.config.version)  # Warp adds its version to WARP_CACHE_PATH = folder
    for module, block_dim in sorted(found, key=lambda pair: (pair[0].name, pair[1])):
        module.options["block_dim"] = block_dim
        wp.compile_aot_module(module, arch=ARCH, use_ptx=False)
    count, size = 0, 0
    for path in Path(folder).rglob("*.cubin"):
        count, size = count + 1, size + path.stat().st_size
    print(f"warp_cache: {len(found)} modules, {count} files of {size >> 20} MiB in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1]) if len(sys.argv) > 1 else sys.exit(__doc__)
