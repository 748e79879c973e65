"""Reads a QP that the solver exported (write_qp, src/qp/expand.hpp): min 1/2 x'Px + q'x s.t. l <= Ax <= u."""

import json
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse


@dataclass
class Qp:
    P: sparse.csc_matrix  # both triangles  (n, n)
    q: np.ndarray  # (n)
    A: sparse.csc_matrix  # (m, n)
    l: np.ndarray  # -inf: no bound  (m)  # noqa: E741
    u: np.ndarray


def read_qp(path):
    """The Qp in the JSON file at `path`."""
    with open(path) as file:
        data = json.load(file)
    n, m = data["variables"], data["rows"]

    def matrix(name, rows):
        entries = data[name]
        return sparse.csc_matrix((entries["value"], (entries["row"], entries["col"])), shape=(rows, n))

    def bound(name):
        values = np.array(data[name])
        return np.where(values >= 1e30, np.inf, np.where(values <= -1e30, -np.inf, values))

    return Qp(matrix("P", n), np.array(data["q"]), matrix("A", m), bound("l"), bound("u"))
