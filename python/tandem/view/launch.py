"""`tandem view`: options, the port, and Studio with our plugins."""

import argparse
import errno
import importlib.util
import os
import socket
import sys

from .. import native
from ..trajectory import Error

FIRST_PORT, PORTS = 8080, 20


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tandem view", description="A robot walks in the browser: push it, steer it, watch what it plans. docs/view.md."
    )
    parser.add_argument("--robot", default="mit_humanoid", help="a folder of robots/, or the path of a robot.toml")
    parser.add_argument(
        "--controller", default="", choices=["mpc", "residual", "rl"], metavar="mpc|residual|rl", help="default: what the policy is for, or mpc"
    )
    parser.add_argument(
        "--policy", default="", metavar="FILE", help="policy.safetensors that training wrote; default for residual: that of policies/"
    )
    parser.add_argument("--port", type=int, default=0, help=f"of the page; default: the first free one from {FIRST_PORT} on")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: this machine alone. 0.0.0.0: anybody who reaches it")
    parser.add_argument("--native", action="store_true", help="in a window instead of the browser")
    parser.add_argument("--command", default="0,0,0", metavar="VX,VY,WZ", help="what it does at the start [m/s, m/s, rad/s]")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="another value for a setting, repeatable")
    parser.add_argument("--out", default="out/view", help="folder of recordings; default: out/view")
    return parser.parse_args(arguments)


def check_studio():
    if importlib.util.find_spec("mujoco") is None or importlib.util.find_spec("mujoco.studio") is None:
        raise Error("the live view needs MuJoCo Studio: pip install mujoco mujoco-studio")


def bind(host, port):
    """The listening socket of the page, on one address alone."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS):
        page = socket.socket(family, socket.SOCK_STREAM)
        page.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            page.bind((host, candidate))
            page.listen()
            return page
        except (OSError, OverflowError) as error:
            page.close()
            if not isinstance(error, OSError) or error.errno not in (errno.EADDRINUSE,):
                raise Error(
                    f"cannot listen on {host}, port {candidate}: {getattr(error, 'strerror', None) or error}; choose others with --host and --port"
                ) from None
    if port:
        raise Error(f"port {port} is in use; choose another with --port, or leave it out for the first free one")
    raise Error(f"ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are all in use; name a free one with --port")


def policy_of(options, robot):
    """The file of the policy: the one named, or that of the robot in policies/ if the controller needs one."""
    if options.policy or options.controller not in ("residual", "rl"):
        return options.policy
    known = native.ROOT / "policies" / f"{robot.name}_{options.controller}.safetensors"
    if not known.exists():
        raise Error(f"--controller {options.controller} needs a policy, and {known} does not exist; name its file with --policy")
    return str(known)


def numbers(text):
    try:
        forward, left, yaw = (float(part) for part in text.split(","))
    except ValueError:
        raise Error(f'--command "{text}": expected three numbers VX,VY,WZ') from None
    return forward, left, yaw


def make_live(options):
    live = native.LiveLoop(options.robot)
    policy = policy_of(options, live.robot)
    live.choose(options.controller, policy)
    if options.settings:
        live.set(options.settings)
    live.command(*numbers(options.command))
    return live, policy


def run_web(config, plugins, model, page):
    """Studio in the browser. It would listen on every interface by itself: it gets the socket that is already bound."""
    from mujoco.studio import launch_web, web_viewer

    host, port = page.getsockname()[:2]
    web_viewer.web_server.bind_public_socket = lambda _host, _port: page
    web_viewer._print_url_banner = lambda _host, _port: announce(host, port)
    launch_web.run(config, model=model, plugins=plugins)


def announce(host, port):
    shown = f"[{host}]" if ":" in host else host
    print(f"tandem view: http://{shown}:{port}/   (Ctrl+C ends it)", flush=True)
    if host not in ("127.0.0.1", "::1"):
        print("there is no password: whoever reaches this address can steer the robot", flush=True)


def run(arguments):
    options = parse(arguments)
    check_studio()
    if options.native and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise Error("--native needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; leave it out to use the browser")
    page = None if options.native else bind(options.host, options.port)
    live, policy = make_live(options)

    from mujoco.studio import app, launch_native, viewer_protocol

    from .panel import Panel
    from .plant import Plant, Scene

    scene = Scene(live)
    plugins = [app.App(app.Config(show_inspector=False)), Plant(live, scene), Panel(live, policy)]
    config = viewer_protocol.ViewerConfig(title=f"tandem: {live.robot.name}", gfx="" if options.native else "web", open_browser=not options.native)
    live.pause(False)
    if options.native:
        launch_native.run(config, model=scene.model, plugins=plugins)
    else:
        run_web(config, plugins, scene.model, page)


def main(arguments):
    """Exit code of `tandem view ARGUMENTS`."""
    os.environ.setdefault("TANDEM_ROOT", str(native.ROOT))
    try:
        run(arguments)
    except (Error, native.Error, OSError) as error:
        print(f"tandem view: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
