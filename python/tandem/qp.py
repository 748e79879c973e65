"""QpSolver: batches of stage-structured quadratic programs, filled from dense blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import native

# bounds of rows and boxes: lower, upper, penalty
_BOUNDS = {"c": ("lc", "uc", "rho_c"), "d": ("ld", "ud", "rho_d"), "x": ("lx", "ux", "rho_x"), "u": ("lu", "uu", "rho_u")}
_BLOCKS = ("x0", "A", "B", "b", "Q", "R", "S", "q", "r", "C", "D")


class QpSolver(native.QpSolver):
    """Solves nworld problems of one size, each

        min  sum_{k=0..N} 1/2 x'Q x + u'S x + 1/2 u'R u + q'x + r'u       no u at k = N
        s.t. x_0 given,  x_{k+1} = A x_k + B u_k + b
             lc <= C x <= uc,  ld <= D u <= ud,  lx <= x <= ux,  lu <= u <= uu

    by a Riccati recursion inside ADMM with a fixed number of iterations (docs/solver.md), in single precision.

        solver = tandem.QpSolver(horizon=20, nx=4, nu=1, nworld=100, settings={"iterations": 50})
        solver.set(x0=x0, A=A, B=B, Q=np.eye(4), R=0.1 * np.eye(1), lu=-1, uu=1, rho=3)
        solver.solve()
        solver.u[:, 0]

    Every block is an attribute: a NumPy array on the solver's own memory, float32, shapes as documented there, to be written in place between two
    solves: `solver.x0[:] = measured`. set() writes many at once and takes care of what belongs together.
    """

    def __init__(
        self,
        horizon: int,
        nx: int,
        nu: int,
        nc: int = 0,
        nd: int = 0,
        nworld: int | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        device: str = "cpu",
        threads: int = 0,
        lanes: str = "single",
    ) -> None:
        """horizon: N. nx, nu: states and inputs per stage. nc, nd: rows C and D per stage.

        nworld: None for one problem, whose arrays have no axis of worlds; else that axis comes first.
        settings: "iterations", "relaxation", "rho_scale", "warm_start", "tolerance", "mode"; the attribute `settings` lists them all.
        device: "cpu" or "cuda". threads: that share the problems; 0 is one per processor.
        lanes: "single" takes the problems of a core one by one, "pack" side by side in vector registers, faster for nx + nu below about 16.
        """
        super().__init__(horizon, nx, nu, nc, nd, nworld, settings=dict(settings or {}), device=device, threads=threads, lanes=lanes)

    def set(self, *, rho: float | None = None, **blocks: ArrayLike) -> None:
        """Writes blocks: x0, A, B, b, Q, R, S, q, r, C, lc, uc, D, ld, ud, lx, ux, lu, uu and their penalties rho_c, rho_d, rho_x, rho_u.

        Each may have fewer axes than its attribute and is then repeated, as NumPy broadcasts: the same matrix for all stages, the same for all worlds.
        Bounds also write the penalties of their rows: `rho` (cost per squared unit of the row, 1 unless it is given) where a bound is finite, 0
        elsewhere, unless the penalties are given themselves. Rows with penalty 0 do not exist. Larger penalties meet the rows sooner and the optimum
        later. What is not named stays as it is. Raises Error where a name, shape or penalty is wrong, or `rho` is given without bounds that take it,
        and then writes nothing.
        """
        names = {*_BLOCKS, *(name for group in _BOUNDS.values() for name in group)}
        values = {name: self._broadcast(name, block, names) for name, block in blocks.items()}
        self._check_penalties(rho, values)
        for name, value in values.items():
            getattr(self, name)[...] = value
        if "S" in values:
            self.St[...] = np.swapaxes(values["S"], -1, -2)
        for lower, upper, penalty in _BOUNDS.values():
            if (lower in values or upper in values) and penalty not in values:
                bounded = np.isfinite(getattr(self, lower)) | np.isfinite(getattr(self, upper))
                getattr(self, penalty)[...] = np.where(bounded, 1 if rho is None else rho, 0)

    def _check_penalties(self, rho, values):
        for _, _, penalty in _BOUNDS.values():
            wrong = values.get(penalty, np.zeros(0))
            wrong = wrong[~(np.isfinite(wrong) & (wrong >= 0))]
            if wrong.size:
                raise native.Error(f"{penalty} has the value {wrong[0]:g}, expected finite numbers that are not negative; 0 is no row")
        if rho is None:
            return
        if not np.finfo(np.float32).tiny <= rho <= np.finfo(np.float32).max:
            raise native.Error(f"rho = {rho:g}, expected a finite penalty above 0; rows without a finite bound get none by themselves")
        if not any((lower in values or upper in values) and penalty not in values for lower, upper, penalty in _BOUNDS.values()):
            raise native.Error(
                f"rho = {rho:g} changes nothing here; name it together with the bounds that it is for, or write rho_c, rho_d, rho_x, rho_u"
            )

    def _broadcast(self, name, block, names):
        if name not in names:
            raise native.Error(f"there is no block {name!r}; expected some of {', '.join(sorted(names))}")
        target = getattr(self, name)
        try:
            value = np.asarray(block, dtype=np.float32)
        except (TypeError, ValueError, RuntimeError) as error:
            raise native.Error(f"{name} cannot be read as an array of float32: {error}") from None
        try:
            return np.broadcast_to(value, target.shape)
        except ValueError:
            raise native.Error(f"{name} has shape {value.shape}, expected {target.shape} or what NumPy can repeat to it") from None
