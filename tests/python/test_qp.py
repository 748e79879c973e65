"""tandem.QpSolver against a dense solution of the same problem and against OSQP."""

import numpy as np
import pytest
import tandem

N, NX, NU = 6, 4, 2


def random_problem(rng, nworld):
    """Blocks of stable random problems; every world and stage has its own."""
    shape = (nworld, N)
    root_q, root_r = rng.normal(size=(nworld, N + 1, NX, NX)), rng.normal(size=(*shape, NU, NU))
    return {
        "x0": rng.normal(size=(nworld, NX)),
        "A": np.eye(NX) + 0.2 * rng.normal(size=(*shape, NX, NX)),
        "B": rng.normal(size=(*shape, NX, NU)),
        "b": 0.1 * rng.normal(size=(*shape, NX)),
        "Q": root_q @ root_q.swapaxes(-1, -2) + np.eye(NX),
        "R": root_r @ root_r.swapaxes(-1, -2) + np.eye(NU),
        "S": 0.1 * rng.normal(size=(*shape, NU, NX)),
        "q": rng.normal(size=(nworld, N + 1, NX)),
        "r": rng.normal(size=(*shape, NU)),
    }


def expanded(p, w):
    """Hessian, gradient, equality matrix and right-hand side of world w over (x_0, u_0, x_1, ..., x_N)."""
    n = NX + NU
    size = N * n + NX
    H, g = np.zeros((size, size)), np.zeros(size)
    E, e = np.zeros(((N + 1) * NX, size)), np.zeros((N + 1) * NX)
    E[:NX, :NX], e[:NX] = np.eye(NX), p["x0"][w]
    for k in range(N + 1):
        x = slice(k * n, k * n + NX)
        H[x, x], g[x] = p["Q"][w, k], p["q"][w, k]
        if k == N:
            continue
        u, rows = slice(k * n + NX, (k + 1) * n), slice((k + 1) * NX, (k + 2) * NX)
        H[u, u], g[u], H[u, x], H[x, u] = p["R"][w, k], p["r"][w, k], p["S"][w, k], p["S"][w, k].T
        E[rows, x], E[rows, u], E[rows, (k + 1) * n : (k + 1) * n + NX], e[rows] = -p["A"][w, k], -p["B"][w, k], np.eye(NX), p["b"][w, k]
    return H, g, E, e


def solution_of(solver, w):
    x, u = solver.x[w], solver.u[w]
    return np.concatenate([np.concatenate([x[k], u[k]]) for k in range(N)] + [x[N]])


@pytest.mark.parametrize("lanes", ["single", "pack"])
def test_without_bounds_it_solves_the_kkt_system(rng, lanes):
    p = random_problem(rng, 3)
    solver = tandem.QpSolver(N, NX, NU, nworld=3, lanes=lanes)
    solver.set(**p)
    solver.solve()
    for w in range(3):
        H, g, E, e = expanded(p, w)
        zero = np.zeros((len(e), len(e)))
        exact = np.linalg.solve(np.block([[H, E.T], [E, zero]]), np.concatenate([-g, e]))[: len(g)]
        np.testing.assert_allclose(solution_of(solver, w), exact, atol=2e-4)
        assert solver.objective[w] == pytest.approx(0.5 * exact @ H @ exact + g @ exact, rel=1e-3)
        assert solver.status[w] == tandem.Status.SOLVED


def test_rows_and_boxes_agree_with_osqp(rng):
    osqp, sparse = pytest.importorskip("osqp"), pytest.importorskip("scipy.sparse")
    p = random_problem(rng, 2)
    C, D = rng.normal(size=(3, NX)), rng.normal(size=(2, NU))
    uc, ud, bound = rng.uniform(1, 2, 3), rng.uniform(0.3, 0.6, 2), 0.5
    solver = tandem.QpSolver(N, NX, NU, nc=3, nd=2, nworld=2, settings={"iterations": 2000})
    free = np.full((2, N + 1, 3), np.inf)
    free[:, 1:] = uc  # x_0 is given: no rows on it
    solver.set(**p, C=C, uc=free, D=D, ld=-ud, ud=ud, lu=-bound, uu=bound, rho=3)
    solver.solve()
    n = NX + NU
    for w in range(2):
        H, g, E, e = expanded(p, w)
        rows, low, high = [E], [e], [e]
        for k in range(N + 1):
            on_x, on_u = np.zeros((3, len(g))), np.zeros((2 + NU, len(g)))
            if k > 0:
                on_x[:, k * n : k * n + NX] = C
                rows.append(on_x), low.append(np.full(3, -np.inf)), high.append(uc)
            if k < N:
                on_u[:, k * n + NX : (k + 1) * n] = np.vstack([D, np.eye(NU)])
                limit = np.concatenate([ud, np.full(NU, bound)])
                rows.append(on_u), low.append(-limit), high.append(limit)
        peer = osqp.OSQP()
        A = sparse.csc_matrix(np.vstack(rows))
        peer.setup(sparse.csc_matrix(H), g, A, np.concatenate(low), np.concatenate(high), eps_abs=1e-8, eps_rel=1e-8, max_iter=100000, verbose=False)
        exact = peer.solve().x
        at_bound = np.isclose(A @ exact, np.concatenate(high), atol=1e-5) | np.isclose(A @ exact, np.concatenate(low), atol=1e-5)
        assert at_bound.sum() >= len(e) + 3  # not only the dynamics hold with equality
        np.testing.assert_allclose(solution_of(solver, w), exact, atol=2e-3)


def test_one_problem_has_no_axis_of_worlds(rng):
    p = random_problem(rng, 1)
    one, batch = tandem.QpSolver(N, NX, NU), tandem.QpSolver(N, NX, NU, nworld=1)
    one.set(**{name: block[0] for name, block in p.items()})
    batch.set(**p)
    one.solve(), batch.solve()
    assert one.x.shape == (N + 1, NX) and one.status.shape == ()
    np.testing.assert_array_equal(one.u, batch.u[0])


def test_blocks_are_the_solvers_own_memory():
    solver = tandem.QpSolver(3, 2, 1)
    solver.set(A=[[1, 1], [0, 1]], B=[[0], [1]], Q=np.eye(2), R=[[1]], x0=[1, 0])
    solver.solve()
    before = solver.u.copy()
    x0, u = solver.x0, solver.u  # views, kept over solves and over the solver
    x0[:] = [2, 0]
    solver.solve()
    del solver
    assert abs(before).max() > 0.1
    np.testing.assert_allclose(u, 2 * before, atol=1e-5)


def test_bounds_write_penalties_where_they_are_finite():
    solver = tandem.QpSolver(2, 2, 1)
    solver.set(lx=[-1, -np.inf], rho=5)
    np.testing.assert_array_equal(solver.rho_x, np.tile([5, 0], (3, 1)))
    np.testing.assert_array_equal(solver.rho_u, np.zeros((2, 1)))
    solver.set(lu=-1, rho_u=7)
    np.testing.assert_array_equal(solver.rho_u, np.full((2, 1), 7))


@pytest.mark.parametrize(
    "blocks, words",
    [
        ({"A": np.eye(3)}, r"A has shape \(3, 3\), expected \(2, 2, 2\)"),
        ({"P": np.eye(2)}, "there is no block 'P'; expected some of A, B"),
        ({"b": ["x", "y"]}, "b cannot be read as an array of float32"),
        ({"uu": 1, "rho": -1e-9}, "rho = -1e-09, expected a finite penalty above 0"),
        ({"uu": 1, "rho": 1e-60}, "rho = 1e-60, expected a finite penalty above 0"),
        ({"uu": 1, "rho": np.nan}, "rho = nan, expected"),
        ({"uu": 1, "rho": np.inf}, "rho = inf, expected"),
        ({"uu": 1, "rho_u": -3}, "rho_u has the value -3, expected"),
        ({"rho_x": [1, np.nan]}, "rho_x has the value nan, expected"),
        ({"rho": 50}, "rho = 50 changes nothing here"),
        ({"uu": 1, "rho_u": 2, "rho": 50}, "rho = 50 changes nothing here"),
    ],
)
def test_a_wrong_block_is_named_and_nothing_is_written(blocks, words):
    solver = tandem.QpSolver(2, 2, 1)
    with pytest.raises(tandem.Error, match=words):
        solver.set(x0=[1, 1], **blocks)
    assert not solver.x0.any()


def test_bad_data_of_one_problem_leaves_the_others(rng):
    p = random_problem(rng, 3)
    p["R"][1] *= -1e3
    p["A"][2, 0, 0, 0] = np.nan
    solver = tandem.QpSolver(N, NX, NU, nworld=3)
    solver.set(**p)
    solver.solve()
    assert list(solver.status) == [tandem.Status.SOLVED, tandem.Status.NOT_CONVEX, tandem.Status.NOT_FINITE]


def test_cuda_is_there_or_says_why_not():
    if tandem.cuda_device_count() > 0:
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(tandem.Error, match="CUDA"):
        tandem.QpSolver(2, 2, 1, device="cuda")
