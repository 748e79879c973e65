"""What the programs of the package say about options that are wrong."""

import pytest
from tandem import compare_plots, figures, plot_runs, sweep_plots

PROGRAMS = {"figures": figures.main, "plot_runs": plot_runs.main, "sweep_plots": sweep_plots.main, "compare_plots": compare_plots.main}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("arguments", [[], ["folder", "--no-such-option"]])
def test_a_wrong_option_is_one_line(name, arguments, capsys):
    with pytest.raises(SystemExit) as end:
        PROGRAMS[name](arguments)
    error = capsys.readouterr().err
    assert end.value.code == 2 and error.count("\n") == 1 and "--help" in error, error
