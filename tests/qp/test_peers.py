"""Our solutions of random problems against OSQP and PIQP on the same, exported problems."""

import os
import pathlib
import subprocess

import numpy as np
import osqp
import piqp
import pytest
import scipy.sparse as sparse
from tandem.qp_export import read_qp

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = [f"{kind}{seed}" for kind in ("integrator", "dense", "humanoid") for seed in (1, 2, 3)]
FLOAT = np.float32  # our settings are float: OSQP gets the same numbers


@pytest.fixture(scope="session")
def dump(tmp_path_factory):
    """Folder with problems and our solutions, written by the program qp_dump of the build (TANDEM_QP_DUMP names another one)."""
    built = sorted(ROOT.glob("build/**/tests/qp/qp_dump"), key=lambda path: path.stat().st_mtime)
    program = os.environ.get("TANDEM_QP_DUMP") or (built[-1] if built else None)
    assert program, "qp_dump is not built; run ./tandem test, or name it in TANDEM_QP_DUMP"
    folder = tmp_path_factory.mktemp("qp")
    subprocess.run([program, folder], check=True, timeout=120)
    return folder


def ours(dump, name, method):
    return np.loadtxt(dump / f"{name}.{method}.txt")


def osqp_solution(qp, **settings):
    solver = osqp.OSQP()
    solver.setup(sparse.triu(qp.P, format="csc"), qp.q, qp.A, qp.l, qp.u, polishing=False, verbose=False, **settings)
    return solver.solve().x


def piqp_solution(qp):
    solver = piqp.SparseSolver()
    solver.settings.eps_abs = solver.settings.eps_rel = 1e-10
    solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = 1e-12
    equal = qp.l == qp.u
    rows = ~equal
    solver.setup(qp.P, qp.q, qp.A[equal], qp.l[equal], qp.A[rows], qp.l[rows], qp.u[rows])
    assert solver.solve() == piqp.PIQP_SOLVED
    return solver.result.x


@pytest.mark.parametrize("name", NAMES)
def test_converged_riccati_admm_finds_the_optimum_of_piqp(dump, name):
    x, expected = ours(dump, name, "optimum"), piqp_solution(read_qp(dump / f"{name}.json"))
    assert np.abs(x - expected).max() < 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("name", NAMES)
def test_converged_riccati_admm_finds_the_optimum_of_osqp(dump, name):
    settings = {"eps_abs": 1e-10, "eps_rel": 1e-10, "max_iter": 100000}
    x, expected = ours(dump, name, "optimum"), osqp_solution(read_qp(dump / f"{name}.json"), **settings)
    assert np.abs(x - expected).max() < 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("scaling, tolerance", [(0, 1e-9), (10, 1e-9)])
@pytest.mark.parametrize("name", NAMES)
def test_osqp_mode_has_the_iterates_of_osqp(dump, name, scaling, tolerance):
    """The paper's settings: 25 iterations from zero with one factorisation."""
    settings = {"rho": float(FLOAT(0.1)), "sigma": float(FLOAT(1e-6)), "alpha": float(FLOAT(1.6)), "max_iter": 25}
    settings |= {"check_termination": 0, "adaptive_rho": False}
    x = ours(dump, name, f"osqp_scaling_{scaling}")
    expected = osqp_solution(read_qp(dump / f"{name}.json"), scaling=scaling, **settings)
    assert np.abs(x - expected).max() < tolerance * np.abs(expected).max()
