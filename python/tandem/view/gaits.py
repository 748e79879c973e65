"""Gaits by name, for robots with two feet and with four."""

FOUR = {
    "trot": {"gait__stance_fraction": 0.5},
    "walk": {"gait__period": 0.6, "gait__stance_fraction": 0.75, "gait__offset": [0.0, 0.5, 0.75, 0.25]},
    "double stance": {"gait__stance_fraction": 0.6},
    "flight": {"gait__stance_fraction": 0.42},
}
TWO = {
    "walk": {"gait__stance_fraction": 0.5},
    "double stance": {"gait__stance_fraction": 0.6},
    "flight": {"gait__stance_fraction": 0.42},
    "trot": {"gait__stance_fraction": 0.46, "gait__period": 0.4},
}
"""Presets as changes of the robot's own gait; trot of a biped: quick, with a short flight."""


def presets(settings, feet):
    """Settings of each preset by name, {"walk": {"gait__period": ..., "gait__stance_fraction": ..., "gait__offset": [...]}, ...}."""
    own = {f"gait__{key}": settings[f"gait.{key}"] for key in ("period", "stance_fraction", "offset")}
    changes = FOUR if feet == 4 else TWO
    return {name: {**own, **change} for name, change in changes.items()} | {"stand": {**own, "gait__stance_fraction": 1.0}}


def name_of(settings, gaits):
    """The preset that the settings are, or "own"."""

    def same(preset):
        return all(_close(settings[key.replace("__", ".")], value) for key, value in preset.items())

    return next((name for name, preset in gaits.items() if same(preset)), "own")


def _close(a, b):
    a, b = (list(x) if isinstance(x, (list, tuple)) else [x] for x in (a, b))
    return len(a) == len(b) and all(abs(x - y) < 1e-6 for x, y in zip(a, b))
