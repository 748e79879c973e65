"""Kernels of MuJoCo Warp and of tandem, compiled for a GPU where there is none, since there they would take minutes: results/warp_cache.py FOLDER.

Three robots step on Warp's CPU device, on flat and on rough ground, in order and not, while MuJoCo Warp is told that it is a GPU and its launches are written
down in place of being made. Their modules are compiled for compute capability 9.0 into FOLDER. On the machine with the GPU, WARP_CACHE_PATH names that folder;
what is missing from it is compiled there.
"""

import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import tandem
import warp as wp
from mujoco_warp._src import collision_convex
from tandem.mjcf import Terrain
from tandem.warp_simulator import WarpSimulator

ARCH = 90
WORLDS = 2
ROUGH = Terrain(9, 9, 0.1, np.random.default_rng(0).uniform(-0.01, 0.01, (9, 9)))


class Gpu:
    """A device of Warp's that says it is a GPU."""

    is_cuda, is_cpu, sm_count = True, False, 132

    def __init__(self, device):
        self.device = device

    def __getattr__(self, name):
        return getattr(self.device, name)


def launched_modules():
    """(module, threads of a block) of every launch of a control step of each robot on each ground, in order and not."""
    found = set()

    def record(kernel, *_, block_dim=None, **__):
        found.add((kernel.module, block_dim or kernel.module.options["block_dim"]))

    def suggested_block_size(kernel, *_):  # which loads the module
        record(kernel)
        return 256, Gpu.sm_count

    def recorded(launch):
        return lambda kernel, *arguments, **named: record(kernel, **named) or launch(kernel, *arguments, **named)

    def grid_size(kernel, count, _):  # which asks that on a GPU
        record(kernel)
        return count

    get_device = wp.get_device
    as_on_gpu = {
        "launch": record,
        "launch_tiled": record,
        "get_device": lambda *named: get_device(*named) if named else Gpu(get_device()),  # the current one is asked what it is
        "get_suggested_block_size": suggested_block_size,
        "capture_while": lambda _, while_body, **named: while_body(**named),
    }
    for name in ("mit_humanoid", "unitree_go2", "unitree_g1"):
        for terrain in (None, ROUGH):
            for deterministic in (True, False):
                sim = WarpSimulator(tandem.Robot(name), WORLDS, physics_dt=0.0025, device="cpu", terrain=terrain, deterministic=deterministic)
                with mock.patch.multiple(wp, launch=recorded(wp.launch), launch_tiled=recorded(wp.launch_tiled)):
                    sim.set_parameters(friction=[1.0] * WORLDS)
                    sim.set_push(0, [[1.0, 0.0, 0.0]] * WORLDS, [1] * WORLDS)
                    sim.kick([[0.1] * 6] * WORLDS)
                with mock.patch.multiple(wp, **as_on_gpu), mock.patch.object(collision_convex, "_ccd_grid_size", grid_size):
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
