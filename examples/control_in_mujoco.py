"""A humanoid walks in plain MuJoCo: tandem plans, MuJoCo's Python package simulates. Needs nothing but the package."""

import mujoco
import numpy as np
import tandem

robot = tandem.Robot("mit_humanoid")
model = mujoco.MjModel.from_xml_path(robot.model_path)
model.actuator_biasprm[:] = 0  # the motors deliver the torque they are given
data = mujoco.MjData(model)
data.qpos[:] = robot.stand
controller = tandem.Controller(robot)
every = round(controller.control_dt / model.opt.timestep)
for i in range(round(4 / model.opt.timestep)):
    if i % every == 0:
        controller.step(data.qpos, data.qvel, np.array([robot.base_height, 0.5, 0, 0]))  # height [m], forward, left [m/s], turning [rad/s]
    data.ctrl[:] = controller.torque(data.qpos, data.qvel)
    mujoco.mj_step(model, data)
print(f"after {data.time:.0f} s: {data.qpos[0]:.2f} m forward, base {data.qpos[2]:.2f} m above the ground")
