"""The uneven ground of a recorded motion, as trajectory.read_terrain gives it: heights on a grid (rows along y, columns along x) around the origin."""

import numpy as np

BORDER = 10.0  # m around a path that pictures show: drawing the rest of the ground would take most of their time


def height_at(terrain, places):
    """Height of the ground at places (n, 2), on the triangles that the physics uses; 0 beyond the edge."""
    size = np.array([terrain["columns"], terrain["rows"]])
    at = places / terrain["cell"] + 0.5 * (size - 1)
    inside = ((at >= 0) & (at <= size - 1)).all(axis=1)
    at = np.where(inside[:, None], at, 0)
    c, r = np.minimum(at.astype(int), size - 2).T
    u, w = at[:, 0] - c, at[:, 1] - r
    height = terrain["height"].astype(float)
    # each cell is cut along its diagonal from (r, c) to (r + 1, c + 1)
    low, high, corner = height[r, c], height[r + 1, c + 1], np.where(u > w, height[r, c + 1], height[r + 1, c])
    long, short = np.maximum(u, w), np.minimum(u, w)
    return np.where(inside, low + long * (corner - low) + short * (high - corner), 0)


def part_around(terrain, places):
    """The part of the ground that pictures of a robot at these places (n, 2) show, with its "center" (2)."""
    size = np.array([terrain["columns"], terrain["rows"]])
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return terrain
    at = np.stack([places.min(axis=0) - BORDER, places.max(axis=0) + BORDER]) / terrain["cell"] + 0.5 * (size - 1)
    first = np.clip(np.floor(at[0]), 0, size - 2).astype(int)
    last = np.clip(np.ceil(at[1]), first + 1, size - 1).astype(int)
    height = terrain["height"][first[1] : last[1] + 1, first[0] : last[0] + 1]
    center = terrain["cell"] * (0.5 * (first + last) - 0.5 * (size - 1))
    return {**terrain, "rows": height.shape[0], "columns": height.shape[1], "height": height, "center": center}
