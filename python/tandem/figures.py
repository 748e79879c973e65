"""Pictures of a recorded motion:  python -m tandem.figures FOLDER [--beside FOLDER] [--only film,strip,plot] [--fps N] [--size WxH]

FOLDER holds trajectory.json and trajectory.f64; film.mp4 (or film.gif), strip.png and plot.png are written beside them, their paths printed. With --beside a
second motion is in the same film and strip, which are written to the folder that holds both; each has its own plot.
"""

import sys
from pathlib import Path

from . import trajectory
from .program import Parser, print_paths

KINDS = ("strip", "plot", "film")


def parse(argv):
    parser = Parser(prog="tandem.figures", description="Film, strip of pictures and plot of a recorded motion.")
    parser.add_argument("folder", type=Path, help="folder with trajectory.json")
    parser.add_argument("--beside", type=Path, help="a second motion, shown to the right of the first")
    parser.add_argument("--out", type=Path, help="where to write; default: the same folder, or with --beside the one above it")
    parser.add_argument("--only", default=",".join(KINDS), help="some of film,strip,plot; default: all")
    parser.add_argument("--fps", type=int, default=30, help="pictures per second of film; default 30")
    parser.add_argument("--size", default="640x480", help="of the film in pixels; default 640x480")
    options = parser.parse_args(argv)
    options.kinds = [kind.strip() for kind in options.only.split(",")]
    for kind in options.kinds:
        if kind not in KINDS:
            parser.error(f"--only {kind}: expected some of {', '.join(KINDS)}")
    try:
        options.width, options.height = (int(part) for part in options.size.split("x"))
    except ValueError:
        parser.error(f"--size {options.size}: expected WIDTHxHEIGHT, for example 640x480")
    if options.width % 2 or options.height % 2 or not (16 <= options.width <= 3840 and 16 <= options.height <= 2160):
        parser.error(f"--size {options.size}: expected even numbers, at most 3840x2160")
    if not 1 <= options.fps <= 120:
        parser.error(f"--fps {options.fps}: expected 1 to 120")
    return options


def write(options):
    """Writes the pictures asked for; yields their paths."""
    folders = [options.folder] + ([options.beside] if options.beside else [])
    motions = [trajectory.read(folder) for folder in folders]
    out = options.out or (options.folder.resolve().parent if options.beside else options.folder)
    out.mkdir(parents=True, exist_ok=True)
    for kind in options.kinds:
        if kind == "plot":
            from .plot import write_plot

            for folder, motion in zip(folders, motions):
                yield write_plot(motion, folder if options.beside else out)
        elif kind == "strip":
            from .film import write_strip

            yield write_strip(motions, out)
        else:
            from .film import write_film

            yield write_film(motions, out, options.fps, options.width, options.height)


def main(argv=None):
    options = parse(argv)
    return print_paths("tandem.figures", write(options))


if __name__ == "__main__":
    sys.exit(main())
