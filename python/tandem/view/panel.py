"""The panel of the live view: command, gait, controller, pushes."""

from mujoco.studio import messages, plugin
from mujoco.studio.dear_imgui import dear_imgui as imgui


class Panel(plugin.ViewerPlugin):
    def __init__(self, live, policy):
        self.live, self.policy = live, policy
        self.dock = None

    @messages.handler
    def on_build_gui(self, _: messages.BuildGuiEvent) -> None:
        state = self.live.state()
        imgui.Begin("Robot")
        command = list(state.command[1:])
        for i, (name, low, high) in enumerate([("forward", -1.0, 2.0), ("left", -0.5, 0.5), ("turn", -2.0, 2.0)]):
            changed, command[i] = imgui.SliderFloat(name, command[i], low, high)
            if changed:
                self.live.command(*command)
        imgui.TextUnformatted(f"real-time factor {state.real_time_factor:.3f}  {state.fall}")
        imgui.End()
