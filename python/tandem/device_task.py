"""The locomotion task of many robots on one device: MuJoCo Warp, MPC and rules of the task on arrays that stay there. docs/training.md, "On a device".

    task = DeviceTask(tandem.Robot("mit_humanoid"), 4096, device="cuda")
    task.reset()
    task.step(policy(task.observation))      # Torch tensors; nothing crosses to the host

The rules and random numbers are those of tandem.Task (the same C++ code); the physics is MuJoCo Warp's. device="cpu" runs the same on the processor.
"""

import torch

from . import native
from .device_statistics import Stopwatch
from .mjcf import Terrain
from .trajectory import Error
from .warp_simulator import WarpSimulator, wp

MPC_SETTINGS = ("mpc.", "gait.", "weights.", "solver.")
# what a world's parameters are when they are the model's, by setting and argument of WarpSimulator.set_parameters
FIXED = {"added_mass": 0, "com_offset": 0, "mass_scale": 1, "armature_scale": 1, "strength": 1}


class DevicePlan:
    """The MPC on the GPU."""

    def __init__(self, robot, nworld, settings):
        self.mpc = native.Mpc(robot, nworld, settings=settings, device="cuda")
        self.arrays = {name: getattr(self.mpc, name) for name in ("tau_ff", "q_des", "v_des", "value", "phase")}
        self.memory = self.mpc.memory

    def step(self, q, v, command, ground):
        self.mpc.step(q, v, command, ground=ground, stream=torch.cuda.current_stream().cuda_stream)

    def reset_where(self, mask, phase):
        self.mpc.reset_where(mask, phase, stream=torch.cuda.current_stream().cuda_stream)

    def load(self, saved):
        self.mpc.load(saved)


class HostPlan:
    """The MPC on the processor, behind float32 tensors."""

    def __init__(self, robot, nworld, settings):
        self.mpc = native.Mpc(robot, nworld, settings=settings, threads=0)
        self.arrays = {name: torch.zeros(nworld, robot.njnt) for name in ("tau_ff", "q_des", "v_des")}
        self.arrays.update((name, torch.zeros(nworld)) for name in ("value", "phase"))
        self.memory = ""

    def step(self, q, v, command, ground):
        self.mpc.step(*(x.double().numpy() for x in (q, v, command)), ground=ground.double().numpy())
        self.copy_outputs()

    def copy_outputs(self):
        for name, array in self.arrays.items():
            array.copy_(torch.from_numpy(getattr(self.mpc, name)))

    def load(self, saved):
        self.mpc.load(saved)
        self.copy_outputs()

    def reset_where(self, mask, phase):
        for world in mask.nonzero().flatten().tolist():
            self.mpc.reset(world, phase[world].item())


class DeviceTask:
    """Copies of the locomotion task as learners see it; names, shapes and meanings of tandem.Task, with Torch tensors on the device in place of arrays.

    robot: tandem.Robot of an MJCF. controller: "mpc", "residual" or "rl". settings: of the task, by name. device: "cuda" (GPU 0) or "cpu".
    deterministic: as WarpSimulator takes it.
    All tensors are on the task's own memory: the next step() overwrites them, so clone what must stay.
    """

    def __init__(self, robot, nworld, *, controller="residual", settings=None, seed=0, device="cuda", deterministic=None):
        if device not in ("cpu", "cuda"):
            raise native.Error(f'device = "{device}", expected "cuda" or "cpu"')
        self.seed = seed
        self.worlds = native.TaskWorlds(robot, nworld, controller=controller, settings=dict(settings or {}), seed=seed, device=device)
        self.settings, self.control_dt = self.worlds.settings, self.worlds.control_dt
        self.nworld, self.nobs, self.naction = nworld, self.worlds.nobs, self.worlds.naction
        self.term_names, self.termination_names, self.measure_names = self.worlds.term_names, self.worlds.termination_names, ["power"]
        self.device = torch.device("cuda:0" if device == "cuda" else "cpu")
        self.plan = None
        if controller != "rl":
            mpc = {name: value for name, value in self.settings.items() if name.startswith(MPC_SETTINGS)}
            self.plan = (DevicePlan if device == "cuda" else HostPlan)(robot, nworld, mpc)
        terrain = self.worlds.terrain
        if terrain is not None:
            cell, height = terrain
            terrain = Terrain(*height.shape, cell, height)
        physics_dt = self.settings["env.physics_dt"]
        self.sim = WarpSimulator(
            robot,
            nworld,
            control_dt=self.control_dt,
            physics_dt=physics_dt,
            device=str(self.device),
            terrain=terrain,
            deterministic=deterministic,
        )
        self.take_arrays()
        # before anybody counts time: Warp compiles or loads its kernels, and a GPU takes in the graph when it is launched for the first time
        self.sim.step()
        self.sim.step()
        self.times = Stopwatch(self.device)
        self.started = False

    def take_arrays(self):
        """Joins the arrays of task, simulator and controller."""
        self.arrays = arrays = self.worlds.arrays
        names = ("q", "v", "tau", "power", "foot_slip", "floor_contact", "self_collision", "fault", "inputs")
        self.worlds.connect({name: wp.to_torch(getattr(self.sim, name)) for name in names}, self.plan.arrays if self.plan else None)
        self.observation, self.reward, self.terms = arrays["observation"], arrays["reward"], arrays["terms"]
        self.measures = arrays["power"].unsqueeze(1)
        self.done, self.time_out, self.termination = arrays["done"], arrays["time_out"], arrays["termination"]
        randomised = [name for name, value in FIXED.items() if self.settings[f"randomise.{name}"] != [value, value]]
        self.parameters = {name: arrays[name] for name in ["friction", *randomised]}

    @property
    def memory(self):
        """What the task and its controller take of the device, in a line."""
        lines = [f"task: {self.nworld} worlds x {self.worlds.bytes / self.nworld / 1024:.1f} KiB = {self.worlds.bytes / 2**20:.1f} MiB"]
        return "; ".join([*lines, self.plan.memory] if self.plan and self.plan.memory else lines)

    def run(self, stage):
        self.worlds.run(stage, torch.cuda.current_stream().cuda_stream if self.device.type == "cuda" else 0)

    def reset(self):
        """Starts a new episode in every world."""
        self.run("start")
        self.started = True
        self.times.mark()
        self.prepare()

    def step(self, action):
        """Advances every world by one control step; worlds that are done start anew.   action (nworld, naction), float32 on the device"""
        if not self.started:
            raise native.Error("task: step() before the first reset()")
        shape = (self.nworld, self.naction)
        if tuple(action.shape) != shape or action.dtype != torch.float32 or action.device != self.device:
            raise native.Error(
                f"action is {tuple(action.shape)} of {action.dtype} on {action.device}, expected {shape} of torch.float32 on {self.device}"
            )
        self.action = action.detach().contiguous()  # held until the next step: the GPU reads it later
        self.times.mark()
        self.worlds.act(self.action.data_ptr())
        self.run("command")
        self.times.mark("observe")
        self.sim.step()
        self.times.mark("physics")
        self.run("finish")
        self.times.mark("reward")
        self.prepare()

    def prepare(self):
        """Obeys the masks of new episodes, kicks and pushes; then measures, plans and observes."""
        a, sim = self.arrays, self.sim
        sim.set_parameters(**self.parameters, mask=a["restart"])
        sim.set_state(a["q"], a["v"], mask=a["restart"])
        sim.kick(a["kick"], mask=a["kicked"])
        sim.set_push(a["push_body"], a["push_force"], a["push_steps"], mask=a["pushed"])
        if self.plan:
            self.plan.reset_where(a["replan"], a["phase"])
        self.times.mark("reset")
        self.run("measure")
        self.times.mark("observe")
        if self.plan:
            self.plan.step(a["measured_q"], a["measured_v"], a["command"], a["plane"])
            self.times.mark("mpc")
        self.run("observe")
        self.times.mark("observe")

    def save(self):
        """Everything that the next steps depend on, as bytes. Waits for the device."""
        return self.worlds.save(self.sim.save(), self.plan.mpc.save() if self.plan else b"")

    def load(self, saved):
        """Goes on where save() was called, on either device. Raises Error where that was another task; reset() it then."""
        try:
            simulator, plan = self.worlds.load(saved)
            self.sim.load(simulator)
            if self.plan:
                self.plan.load(plan)
        except (Error, native.Error) as error:
            self.started = False
            self.worlds.set_seed(self.seed)
            raise native.Error(str(error)) from None
        self.started = True
        self.times.mark()

    def set_progress(self, progress):
        """How far the training is, 0 to 1: what curricula go by. Takes effect at each world's next reset."""
        self.worlds.set_progress(progress)

    def not_finite_count(self):
        """How many episodes ended because a number was not finite; a tensor on the device."""
        return self.arrays["not_finite"].sum()

    def take_times(self):
        """Seconds by part since the last call; waits for the device."""
        if self.device.type == "cuda":
            torch.cuda.current_stream().synchronize()
        return self.times.take()
