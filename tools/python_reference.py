"""Writes docs/python-reference.md from the docstrings of the package: PYTHONPATH=python:build/python .venv/bin/python tools/python_reference.py"""

import inspect
import pathlib
import re

import tandem

TARGET = pathlib.Path(__file__).resolve().parent.parent / "docs/python-reference.md"
CLASSES = ["Robot", "Controller", "Mpc", "Horizon", "QpSolver", "Status", "Simulator", "Task", "Error"]
FUNCTIONS = ["robot_names", "instruction_set", "cuda_device_count"]
HEAD = "# Python reference\n\nWritten by `tools/python_reference.py` from the docstrings; `docs/python.md` shows how the parts go together.\n"


def parts(item, name):
    """(signature, rest of the docstring) of a function of the compiled part, whose docstring begins with its signature, or of a Python one."""
    text = inspect.getdoc(item) or ""
    first, _, rest = text.partition("\n")
    if first.startswith(f"{name}("):
        return first, rest.strip()
    return name + str(inspect.signature(item)), text


def tidy(signature):
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)  # annotations that are kept as text
    return re.sub(r"\bself, /|\bself(, )?", "", signature).replace("typing.Any", "array").replace("tandem._core.", "").replace("_core.", "")


def members(cls):
    """Public members of a class and of those of its bases that are ours, methods first."""
    names = [name for name in dir(cls) if not name.startswith("_") and hasattr(inspect.getattr_static(cls, name), "__doc__")]
    is_method = {name: callable(inspect.getattr_static(cls, name)) for name in names}
    return [name for name in names if is_method[name]], [name for name in names if not is_method[name]]


def describe_class(name):
    cls = getattr(tandem, name)
    lines = [f"## {name}", "", inspect.getdoc(cls) or "", ""]
    if issubclass(cls, Exception):
        return lines
    if name == "Status":
        return [*lines, *(f"- `{status.name}` = {status.value}: {status.__doc__}" for status in cls), ""]
    methods, attributes = members(cls)
    if name not in ("Horizon",):
        methods.insert(0, "__init__")
    for method in methods:
        signature, text = parts(getattr(cls, method), method)
        lines += [f"`{tidy(signature).replace('__init__', name)}`".replace(" -> None", ""), "", text, ""]
    lines += [f"- `{attribute}`: {inspect.getdoc(inspect.getattr_static(cls, attribute))}" for attribute in attributes]
    return [*lines, ""]


def reference():
    lines = [HEAD]
    for name in CLASSES:
        lines += describe_class(name)
    lines += ["## Functions", ""]
    for name in FUNCTIONS:
        signature, text = parts(getattr(tandem, name), name)
        lines += [f"`{tidy(signature)}`", "", text, ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(reference())
