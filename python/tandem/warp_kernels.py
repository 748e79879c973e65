"""The kernels of tandem.warp_simulator: what a control step does around MuJoCo Warp's own steps. One thread per world or joint."""

import warp as wp
from mujoco_warp import OverflowType

wp.set_module_options({"enable_backward": False})
FAULT_SET_POINT, FAULT_STATE, FAULT_CAPACITY = 1, 2, 4  # as SimFault
FAULT_PARAMETERS = 8  # set_parameters() got numbers on the device that cannot be
STOPPED = FAULT_SET_POINT | FAULT_STATE | FAULT_PARAMETERS
# solvers that stop at their limit of iterations, as they are meant to, are no overflow
CAPACITY = int(OverflowType.ALL & ~(OverflowType.ITERATIONS | OverflowType.LS_ITERATIONS))
HUGE = 1e10  # MuJoCo's own bound
# a[i] = a[i] + x and not a[i] += x, which Warp makes an atomic addition: sums of floats have one writer and one order
Vec10 = wp.types.vector(length=10, dtype=float)  # of an actuator's gainprm and biasprm


@wp.func
def finite(x: float):
    return wp.abs(x) < HUGE  # false for NaN


@wp.kernel
def begin_step(
    inputs: wp.array3d[float],
    push_force: wp.array[wp.vec3],
    push_steps: wp.array[int],
    push_body: wp.array[int],
    xfrc: wp.array2d[wp.spatial_vector],
    overflow: wp.array[int],
    power: wp.array[float],
    floor_contact: wp.array[int],
    self_collision: wp.array[int],
    fault: wp.array[int],
):
    w = wp.tid()
    good = wp.bool(True)
    for i in range(inputs.shape[0]):
        for j in range(inputs.shape[2]):
            good = good and finite(inputs[i, w, j])
    f = push_force[w]
    good = good and finite(f[0]) and finite(f[1]) and finite(f[2])
    if not good:
        fault[w] = fault[w] | FAULT_SET_POINT
    elif push_steps[w] > 0:
        xfrc[w, push_body[w]] = wp.spatial_vector(f, wp.vec3(0.0, 0.0, 0.0))
    overflow[w] = 0
    power[w] = 0.0
    floor_contact[w] = 0
    self_collision[w] = 0


@wp.kernel
def write_set_points(
    inputs: wp.array3d[float],  # tau_ff, q_des, v_des, kp, kd
    strength: wp.array2d[float],
    actuator: wp.array[int],
    fault: wp.array[int],
    ctrl: wp.array2d[float],
    gain: wp.array2d[Vec10],
    bias: wp.array2d[Vec10],
    tau: wp.array2d[float],
):
    # force = gain ctrl + bias[1] q + bias[2] v, clipped to the force range
    w, j = wp.tid()
    a = actuator[j]
    kp, kd = float(inputs[3, w, j]), float(inputs[4, w, j])
    g, b = gain[w, a], bias[w, a]
    if fault[w] & STOPPED:
        kp, kd = 0.0, 0.0
        ctrl[w, a] = 0.0
    else:
        ctrl[w, a] = inputs[0, w, j] + kp * inputs[1, w, j] + kd * inputs[2, w, j]
    g[0] = strength[w, j]
    b[0] = 0.0
    b[1] = -strength[w, j] * kp
    b[2] = -strength[w, j] * kd
    gain[w, a] = g
    bias[w, a] = b
    tau[w, j] = 0.0


@wp.kernel
def add_torques(mean: float, dof: wp.array[int], force: wp.array2d[float], speed: wp.array2d[float], tau: wp.array2d[float], power: wp.array[float]):
    # one thread per world: sums have one order. force acted during the physics step, speed is that at its start
    w = wp.tid()
    sum = wp.float32(0.0)
    for j in range(dof.shape[0]):
        t = force[w, dof[j]]
        tau[w, j] = tau[w, j] + mean * t
        sum += wp.max(t * speed[w, dof[j]], 0.0)
    power[w] = power[w] + mean * sum


@wp.kernel
def finish_step(
    control_dt: float,
    qpos_before: wp.array2d[float],
    qvel_before: wp.array2d[float],
    qposadr: wp.array[int],
    dofadr: wp.array[int],
    push_body: wp.array[int],
    overflow: wp.array[int],
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    warmstart: wp.array2d[float],
    xfrc: wp.array2d[wp.spatial_vector],
    push_steps: wp.array[int],
    q: wp.array2d[float],
    v: wp.array2d[float],
    time: wp.array[float],
    fault: wp.array[int],
):
    w = wp.tid()
    good = wp.bool(True)
    for i in range(qpos.shape[1]):
        good = good and finite(qpos[w, i])
    for i in range(qvel.shape[1]):
        good = good and finite(qvel[w, i])
    if not good:
        fault[w] = fault[w] | FAULT_STATE
    if (overflow[w] & CAPACITY) != 0:
        fault[w] = fault[w] | FAULT_CAPACITY
    xfrc[w, push_body[w]] = wp.spatial_vector(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    push_steps[w] = wp.max(push_steps[w] - 1, 0)
    if fault[w] & STOPPED:  # stands still where it was
        for i in range(qpos.shape[1]):
            qpos[w, i] = qpos_before[w, i]
        for i in range(qvel.shape[1]):
            qvel[w, i] = qvel_before[w, i]
            warmstart[w, i] = 0.0
    else:
        time[w] = time[w] + control_dt
    for i in range(q.shape[1]):
        q[w, i] = qpos[w, qposadr[i]]
    for i in range(v.shape[1]):
        v[w, i] = qvel[w, dofadr[i]]


@wp.kernel
def place(
    mask: wp.array[int],
    q_in: wp.array2d[float],
    v_in: wp.array2d[float],
    qposadr: wp.array[int],
    dofadr: wp.array[int],
    floating: int,
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    warmstart: wp.array2d[float],
    push_steps: wp.array[int],
    q: wp.array2d[float],
    v: wp.array2d[float],
    time: wp.array[float],
    fault: wp.array[int],
):
    w = wp.tid()
    if mask[w] == 0:
        return
    push_steps[w] = 0
    time[w] = 0.0
    good = wp.bool(True)
    for i in range(q.shape[1]):
        good = good and finite(q_in[w, i])
    for i in range(v.shape[1]):
        good = good and finite(v_in[w, i])
    scale = wp.float32(1.0)
    if floating == 1:
        length = wp.sqrt(q_in[w, 3] * q_in[w, 3] + q_in[w, 4] * q_in[w, 4] + q_in[w, 5] * q_in[w, 5] + q_in[w, 6] * q_in[w, 6])
        good = good and length > 0.0
        scale = 1.0 / length
    fault[w] = fault[w] & FAULT_PARAMETERS
    if not good:  # stays where it is
        fault[w] = fault[w] | FAULT_STATE
        return
    for i in range(q.shape[1]):
        x = float(q_in[w, i])
        if floating == 1 and i >= 3 and i < 7:
            x *= scale
        q[w, i] = x
        qpos[w, qposadr[i]] = x
    for i in range(v.shape[1]):
        v[w, i] = v_in[w, i]
        qvel[w, dofadr[i]] = v_in[w, i]
        warmstart[w, dofadr[i]] = 0.0


@wp.kernel
def clear_faulty(
    fault: wp.array[int],
    tau: wp.array2d[float],
    power: wp.array[float],
    point_force: wp.array2d[wp.vec3],
    foot_force: wp.array2d[wp.vec3],
    foot_slip: wp.array2d[float],
):
    # what a world that stands still reports: nothing that may not be finite
    w = wp.tid()
    if (fault[w] & STOPPED) == 0:
        return
    power[w] = 0.0
    for j in range(tau.shape[1]):
        tau[w, j] = 0.0
    for i in range(point_force.shape[1]):
        point_force[w, i] = wp.vec3(0.0, 0.0, 0.0)
    for f in range(foot_force.shape[1]):
        foot_force[w, f] = wp.vec3(0.0, 0.0, 0.0)
        foot_slip[w, f] = 0.0


@wp.kernel
def kick(mask: wp.array[int], dv: wp.array2d[float], dofadr: wp.array[int], qvel: wp.array2d[float], v: wp.array2d[float], fault: wp.array[int]):
    w = wp.tid()
    if mask[w] == 0:
        return
    good = wp.bool(True)
    for i in range(6):
        good = good and finite(dv[w, i])
    if not good:
        fault[w] = fault[w] | FAULT_STATE
        return
    for i in range(6):
        v[w, i] = v[w, i] + dv[w, i]
        qvel[w, dofadr[i]] = v[w, i]


@wp.kernel
def push(
    mask: wp.array[int],
    number: int,
    numbers: wp.array[int],  # in place of number, where it has entries
    bodies: wp.array[int],  # of the MJCF, by number
    force_in: wp.array[wp.vec3],
    steps_in: wp.array[int],
    body: wp.array[int],
    force: wp.array[wp.vec3],
    steps: wp.array[int],
    fault: wp.array[int],
):
    w = wp.tid()
    if mask[w] == 0:
        return
    b = int(number)
    if numbers.shape[0] > 0:
        b = numbers[w]
    f = force_in[w]
    if b < 0 or b >= bodies.shape[0] or not (finite(f[0]) and finite(f[1]) and finite(f[2])):
        fault[w] = fault[w] | FAULT_SET_POINT
        return
    body[w] = bodies[b]
    force[w] = f
    steps[w] = steps_in[w]


@wp.kernel
def widen(mask: wp.array[wp.uint8], chosen: wp.array[int]):
    w = wp.tid()
    chosen[w] = int(mask[w])
