"""The live view: a walking robot in MuJoCo Studio, in the browser or a window. docs/view.md.

The robot walks on a thread of the compiled part (LiveLoop), which neither Python nor the browser can hold up. `plant` shows it to Studio and hands over
what Studio's own controls ask for; `panel`, `overlay` and `plots` are what Studio has no widgets for. All of them call the same LiveLoop.
"""
