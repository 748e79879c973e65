"""`tandem view`: options, the port, and Studio with our plugins."""

import errno
import importlib.util
import os
import re
import signal
import socket
from pathlib import Path

from .. import native, policy
from ..program import Parser, run_program
from ..trajectory import Error

FIRST_PORT, PORTS = 8080, 20


def parse(arguments):
    parser = Parser(prog="tandem view", description="A robot walks in the browser: push it, steer it, watch what it plans. docs/view.md.")
    parser.add_argument("--robot", default="mit_humanoid", help="a folder of robots/, or the path of a robot.toml")
    parser.add_argument(
        "--controller",
        default="",
        choices=["mpc", "residual", "rl", "centroidal"],
        metavar="mpc|residual|rl|centroidal",
        help="default: what the policy is for, or mpc",
    )
    parser.add_argument(
        "--policy", default="", metavar="FILE", help="policy.safetensors that training wrote; default for residual: that of policies/"
    )
    add_page_options(parser)
    parser.add_argument("--command", default="0,0,0", metavar="VX,VY,WZ", help="what it does at the start [m/s, m/s, rad/s]")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="another value for a setting, repeatable")
    parser.add_argument("--out", default="out/view", help="folder of recordings; default: out/view")
    return parser.parse_args(joined(arguments))


def joined(arguments):
    """`--command -0.3,0,0` as one word, since what begins with a minus is taken for an option."""
    words = []
    for word in arguments:
        if words and words[-1] == "--command" and re.match(r"-[.\d]", word):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


def add_page_options(parser):
    parser.add_argument("--port", type=int, default=0, help=f"of the page; default: the first free one from {FIRST_PORT} on")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: this machine alone. 0.0.0.0: anybody who reaches it")
    parser.add_argument("--native", action="store_true", help="in a window instead of the browser")


def check_studio():
    if importlib.util.find_spec("mujoco") is None or importlib.util.find_spec("mujoco.studio") is None:
        raise Error("the live view needs MuJoCo Studio: pip install mujoco mujoco-studio")


def bind(host, port):
    """The listening socket of the page, on one address alone."""
    if not host:
        raise Error('--host "": expected an address; leave it out for this machine alone, 0.0.0.0 is for anybody who reaches it')
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


def controllers_of(live, named):
    """(what it is called, file of its policy) of the controllers that the panel offers: the MPCs, the named file and those of the robot in policies/."""
    robot, centroidal = live.robot, [("centroidal", "")] if live.offers_centroidal else []
    files = sorted((native.ROOT / "policies").glob(f"{robot.name}_*.safetensors"))
    if named and Path(named).resolve() not in files:
        files.append(Path(named))
    return [("mpc", ""), *centroidal, *((f"{policy.read(file).metadata.get('controller')}: {file.stem}", str(file)) for file in files)]


def first_controller(options, controllers):
    """The one of them that the options ask for."""
    if options.policy:
        return next(entry for entry in controllers if entry[1] and Path(entry[1]).resolve() == Path(options.policy).resolve())
    wanted = options.controller or "mpc"
    found = [entry for entry in controllers if entry[0].split(":")[0] == wanted]
    if not found and wanted == "centroidal":
        raise Error(
            "--controller centroidal: this robot is none for the centroidal MPC, which is for humanoids with two flat feet; choose another one"
        )
    if not found:
        raise Error(f"--controller {wanted} needs a policy, and policies/ has none for this robot; name its file with --policy")
    return found[0]


def numbers(text):
    try:
        forward, left, yaw = (float(part) for part in text.split(","))
    except ValueError:
        raise Error(f'--command "{text}": expected three numbers VX,VY,WZ') from None
    return forward, left, yaw


def make_live(options):
    """The live loop under the controller, settings and command that the options name, and what the panel offers."""
    live = native.LiveLoop(options.robot)
    if options.policy:
        live.choose(options.controller, options.policy)  # says what is wrong with the file
    controllers = controllers_of(live, options.policy)
    name, file = first_controller(options, controllers)
    live.choose("" if file else name, file)
    if options.settings:
        live.set(options.settings)
    live.command(*numbers(options.command))
    return live, controllers


def serve_page(page):
    """Has Studio's server use the socket that is already bound, where it would listen on every interface, and be there for its own page alone."""
    from mujoco.studio import web_viewer
    from websockets.asyncio.server import serve

    host, port = page.getsockname()[:2]
    web_viewer.web_server.bind_public_socket = lambda _host, _port: page
    web_viewer.web_server.serve = own_page_only(serve)
    web_viewer._print_url_banner = lambda _host, _port: announce(host, port)


def own_page_only(serve):
    """`serve` of websockets that refuses what a browser sends for a page of another origin: any page may open a WebSocket to this machine."""

    def refuse(connection, request):
        hosts = request.headers.get_all("Host")
        if all([origin.partition("://")[2]] == hosts for origin in request.headers.get_all("Origin")):
            return None
        return connection.respond(403, "this page is of another origin\n")

    def serve_own(*arguments, process_request, **options):
        return serve(*arguments, process_request=lambda *request: refuse(*request) or process_request(*request), **options)

    return serve_own


def announce(host, port):
    shown = f"[{host}]" if ":" in host else host
    print(f"tandem view: http://{shown}:{port}/   (Ctrl+C ends it)", flush=True)
    if host not in ("127.0.0.1", "::1"):
        print("there is no password: whoever reaches this address can steer the robot", flush=True)


def check_page(options):
    """The socket of the page, or None for a window; an Error if neither can be."""
    check_studio()
    if not options.native:
        return bind(options.host, options.port)
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise Error("--native needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; leave it out to use the browser")
    return None


def show(plugins, title, page):
    """Runs Studio with these plugins, one of them a Plant, until it is closed."""
    from mujoco.studio import launch_native, launch_web, viewer_protocol

    config = viewer_protocol.ViewerConfig(title=title, gfx="web" if page else "", open_browser=page is not None)
    model = next(entry.scene.model for entry in plugins if hasattr(entry, "scene"))
    if page:
        serve_page(page)
    with (launch_web if page else launch_native).launch(config, plugins=plugins) as handle:
        handle.set_model(model)
        while handle.is_running():
            handle.sync()


def make_plugins(live, controllers, recorder):
    """Studio with our panels around a live loop."""
    from mujoco.studio import app

    from .overlay import Overlay
    from .panel import Panel
    from .plant import Plant, Scene
    from .plots import Plots

    studio = app.App(app.Config())
    panel = Panel(live, studio, controllers, recorder)
    return [studio, Plant(live, Scene(live), panel.ask), panel, Overlay(live, panel), Plots(live, panel)]


def run(arguments):
    options = parse(arguments)
    page = check_page(options)
    from .recorder import Recorder

    live, controllers = make_live(options)
    recorder = Recorder(live, options.out)
    plugins = make_plugins(live, controllers, recorder)
    live.pause(False)
    try:
        show(plugins, f"tandem: {live.robot.name}", page)
    finally:
        recorder.close()


def run_page(name, body):
    """Exit code of body(), which shows a page. SIGTERM and SIGHUP end it as Ctrl-C does: what was begun is completed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # not ignored, as under nohup
            signal.signal(number, signal.default_int_handler)
    return run_program(name, body, (native.Error,))


def main(arguments):
    """Exit code of `tandem view ARGUMENTS`."""
    os.environ.setdefault("TANDEM_ROOT", str(native.ROOT))
    return run_page("tandem view", lambda: run(arguments))
