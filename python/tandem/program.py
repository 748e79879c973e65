"""What the command line programs of this package share: how they end."""

import sys

from .trajectory import Error


def run_program(name, body):
    """Exit code of body(): 0; 1 after one line on stderr for a mistake of the caller; 130 after Ctrl-C."""
    try:
        body()
    except (Error, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
