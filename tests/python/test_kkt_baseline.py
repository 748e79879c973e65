"""The baseline by Torch's batched factorisations, on the processor: its check, its times, its refusals."""

import json

import numpy as np
import pytest
from tandem import kkt_baseline

torch = pytest.importorskip("torch")


def write_problem(path, seed, variables=12, rows=20, equalities=5):
    """A random problem as src/qp/expand.cpp writes it."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(rows, variables)) * (rng.random((rows, variables)) < 0.5)
    lower, upper = rng.uniform(-2, -1, rows), rng.uniform(1, 2, rows)
    lower[:equalities] = upper[:equalities]
    upper[-1] = 1e30

    def entries(matrix):
        i, j = np.nonzero(matrix)
        return {"row": i.tolist(), "col": j.tolist(), "value": matrix[i, j].tolist()}

    problem = {"variables": variables, "rows": rows, "P": entries(np.diag(rng.uniform(0.1, 2, variables))), "A": entries(A)}
    path.write_text(json.dumps({**problem, "q": rng.normal(size=variables).tolist(), "l": lower.tolist(), "u": upper.tolist()}))


@pytest.fixture
def folder(tmp_path):
    for i in range(3):
        write_problem(tmp_path / f"qp_{i:05}.json", seed=7 + i)
    return tmp_path


def report(capsys, *arguments):
    status = kkt_baseline.main([str(argument) for argument in arguments])
    out = capsys.readouterr()
    return status, out.out, out.err


def test_every_way_is_checked_and_timed(folder, capsys):
    status, out, err = report(capsys, folder, "--robots", "1,5", "--iterations", "10,25", "--methods", "cholesky,lu")
    assert status == 0, err
    result = json.loads(out)
    assert (result["device"], result["variables"], result["rows"]) == ("cpu", 12, 20)
    rows = result["results"]
    assert len(rows) == 2 * 2 * 2 * 2
    for row in rows:
        assert row["check"] < (1e-3 if row["dtype"] == "float32" else 1e-9)
        assert row["us"] > 0 and row["piece"] == row["robots"]


def test_both_systems_have_the_answer_of_the_optimality_conditions(folder):
    # min 1/2 x'(P + sigma)x + q'x + rho/2 |A x - t|^2, written down independently of both matrices
    qp = kkt_baseline.read_qp(folder / "qp_00000.json")
    x, A, t = kkt_baseline.exact_answer(qp), qp.A.toarray(), np.clip(0, qp.l, qp.u)
    rho = np.array([100.0 if u == low else 0.1 for low, u in zip(qp.l, qp.u, strict=True)])
    gradient = qp.P @ x + 1e-6 * x + qp.q + A.T @ (rho * (A @ x - t))
    assert np.max(np.abs(gradient)) < 1e-9


def test_a_wrong_answer_is_not_timed(folder, capsys, monkeypatch):
    exact = kkt_baseline.exact_answer
    monkeypatch.setattr(kkt_baseline, "exact_answer", lambda qp: 1.01 * exact(qp))
    status, out, err = report(capsys, folder, "--robots", 1, "--iterations", 1)
    assert status == 0, err
    assert [row["us"] for row in json.loads(out)["results"]] == [None, None]


def test_a_batch_that_does_not_fit_goes_through_in_pieces(folder, capsys):
    two_robots = 2 * 2 * 12 * 12 * 8 / 2**30
    _, out, _ = report(capsys, folder, "--robots", 7, "--iterations", 1, "--dtypes", "float64", "--memory", 1.01 * two_robots)
    assert [row["piece"] for row in json.loads(out)["results"]] == [2]


def test_what_cannot_run_is_refused_in_a_line(folder, tmp_path_factory, capsys):
    status, _, err = report(capsys, tmp_path_factory.mktemp("empty"))
    assert status == 1 and "no qp_*.json" in err and err.count("\n") == 1
    if not torch.cuda.is_available():
        status, _, err = report(capsys, folder, "--device", "cuda")
        assert status == 1 and "Torch finds no CUDA device" in err and err.count("\n") == 1
