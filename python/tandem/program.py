"""What the command line programs of this package share: how they read their options, and how they end."""

import argparse
import sys

from .trajectory import Error


class Parser(argparse.ArgumentParser):
    """One line on stderr and exit code 2 for a wrong option."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; --help lists the options\n")


def run_program(name, body, mistakes=()):
    """Exit code of body(): 0; 1 after one line on stderr for a mistake of the caller (Error, OSError, `mistakes`); 130 after Ctrl-C."""
    try:
        body()
    except (Error, OSError, *mistakes) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def print_paths(name, paths):
    """Exit code of going through `paths`, each printed as soon as it is there."""

    def body():
        for path in paths:
            print(path, flush=True)

    return run_program(name, body)
