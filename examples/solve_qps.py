"""A thousand optimal control problems at once: a double integrator brought to rest with bounded force, from a thousand first states."""

import numpy as np
import tandem

dt, nworld = 0.1, 1000
solver = tandem.QpSolver(horizon=30, nx=2, nu=1, nworld=nworld, settings={"iterations": 100}, lanes="pack")
x0 = np.random.default_rng(0).uniform(-1, 1, (nworld, 2))  # position [m] and velocity [m/s] of each
solver.set(x0=x0, A=[[1, dt], [0, 1]], B=[[dt**2 / 2], [dt]], Q=np.diag([10, 1]), R=[[0.1]], lu=-1, uu=1, rho=3)
solver.solve()
solved = (solver.status == tandem.Status.SOLVED).mean()
print(f"{solved:.0%} solved; largest force {abs(solver.u).max():.3f}; at the end {abs(solver.x[:, -1, 0]).mean():.3f} m from the target")
