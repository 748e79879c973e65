"""Renders a trajectory without a display: a film (mp4 through ffmpeg, gif without it) and a strip of pictures."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

# before mujoco is imported: OSMesa needs neither display nor GPU; llvmpipe's thread pool does not change its pictures
os.environ.setdefault("MUJOCO_GL", "osmesa")

import numpy as np

from .terrain import height_at, part_around
from .trajectory import Error

FORCE_SCALE = 0.8  # length of the arrow of a force equal to the robot's weight, in sizes of the robot
MEASURED = (0.95, 0.65, 0.10, 1.0)
PLANNED = (0.15, 0.75, 0.95, 0.9)
PATH = (0.30, 0.80, 0.40, 0.9)


def import_mujoco():
    """The module, or an Error with the cure: OSMesa is looked up when mujoco is imported."""
    try:
        import mujoco
    except Exception as error:  # mujoco raises several kinds, among them AttributeError from PyOpenGL
        raise Error(
            f"cannot render without a display ({str(error).splitlines()[0]}); install it: apt-get install libosmesa6, or set MUJOCO_GL=egl"
        ) from None
    return mujoco


class Progress:
    """A bar on stderr for what takes longer than two seconds; silent if stderr is not a terminal."""

    def __init__(self, what, total):
        self.what, self.total, self.start = what, total, time.monotonic()

    def show(self, done):
        if not sys.stderr.isatty() or time.monotonic() - self.start < 2:
            return
        filled = 30 * done // self.total
        end = "\n" if done == self.total else ""
        sys.stderr.write(f"\r{self.what} [{'#' * filled}{'.' * (30 - filled)}] {100 * done // self.total:3d} %{end}")
        sys.stderr.flush()


def load_model(mujoco, meta):
    """The robot's model, on the ground it walked on."""
    try:
        spec = mujoco.MjSpec.from_file(meta["xml"])
        terrain = meta["terrain"]
        if terrain:
            height, cell = terrain["height"], terrain["cell"]
            half = [0.5 * (terrain["columns"] - 1) * cell, 0.5 * (terrain["rows"] - 1) * cell]
            size = [*half, max(float(np.ptp(height)), 1e-3), 0.1]
            spec.add_hfield(name="terrain", size=size, nrow=terrain["rows"], ncol=terrain["columns"], userdata=height.ravel())
            center = [*terrain.get("center", (0, 0)), float(height.min())]
            for floor in (geom for geom in spec.worldbody.geoms if geom.type == mujoco.mjtGeom.mjGEOM_PLANE):
                floor.type, floor.hfieldname, floor.pos = mujoco.mjtGeom.mjGEOM_HFIELD, "terrain", center
        return spec.compile()
    except ValueError as error:
        raise Error(f"{meta['xml']}: {str(error).splitlines()[0]}; put the robot's model back, or record the motion again") from None


def place(model, meta):
    """Where the joints of a trajectory are in the model's qpos, and its contact points as (body, position)."""
    try:
        joints = [model.joint(name).qposadr[0] for name in meta["joints"]]
        points = [(model.body(point["body"]).id, np.array(point["position"])) for point in meta["points"]]
    except KeyError as error:
        raise Error(f"{meta['xml']}: {error.args[0].partition('.')[0]}; the motion was recorded with another robot") from None
    nq = len(joints) + 7 * meta["floating"]
    if model.nq != nq:
        raise Error(f"{meta['xml']}: nq = {model.nq}, but the trajectory has {nq}; it was recorded with another robot")
    return joints, points


class Scene:
    """The robot of a trajectory, posed at any of its rows and drawn with forces and prediction."""

    def __init__(self, trajectory, width, height, fine):
        mujoco = self.mujoco = import_mujoco()
        self.trajectory = trajectory
        meta = trajectory.meta
        ground = part_around(meta["terrain"], trajectory.q[:, :2]) if meta["terrain"] else None
        self.model = load_model(mujoco, {**meta, "terrain": ground})
        self.joints, self.points = place(self.model, meta)
        self.model.mat_reflectance[:] = 0
        self.model.vis.quality.shadowsize = 4096 if fine else 2048
        self.model.vis.quality.offsamples = 4
        if not fine:  # coarser spheres and cylinders: a third less time per picture, hardly seen in motion
            self.model.vis.quality.numslices = 16
            self.model.vis.quality.numstacks = 10
        self.model.vis.global_.offwidth = max(width, self.model.vis.global_.offwidth)
        self.model.vis.global_.offheight = max(height, self.model.vis.global_.offheight)
        self.data = mujoco.MjData(self.model)
        self.point_foot = np.array([point["foot"] for point in meta["points"]], dtype=int)
        try:
            self.renderer = mujoco.Renderer(self.model, height, width)
        except Exception as error:
            raise Error(
                f"cannot render without a display ({str(error).splitlines()[0]}); install it: apt-get install libosmesa6, or set MUJOCO_GL=egl"
            ) from None
        self.camera = mujoco.MjvCamera()
        self.pose(0)
        moving = self.model.body_weldid[self.model.geom_bodyid] > 0
        spots = self.data.geom_xpos[moving]
        size = np.linalg.norm(spots.max(axis=0) - spots.min(axis=0))
        weight = 9.81 * float(self.model.body_mass.sum())
        self.arrow = FORCE_SCALE * size / weight
        self.thickness = 0.008 * size
        self.camera.azimuth, self.camera.elevation = 130, -12
        self.camera.distance = 1.9 * size
        self.option = mujoco.MjvOption()
        self.option.geomgroup[3:] = 0  # collision shapes
        if not any(self.model.geom_group[self.model.geom_bodyid > 0] == 2):
            self.option.geomgroup[3:] = 1  # a robot without visual shapes shows what it has

    def pose(self, row):
        """Puts the robot where it was in this row."""
        q = self.trajectory.q[row]
        base = len(q) - len(self.joints)
        self.data.qpos[:base] = q[:base]
        self.data.qpos[self.joints] = q[base:]
        self.mujoco.mj_kinematics(self.model, self.data)
        self.mujoco.mj_comPos(self.model, self.data)
        self.mujoco.mj_camlight(self.model, self.data)

    def look_at(self, center):
        self.camera.lookat[:] = center

    def draw(self, row, overlays=True):
        """The picture of this row, (height, width, 3) bytes."""
        self.pose(row)
        self.renderer.update_scene(self.data, self.camera, self.option)
        if overlays:
            self._draw_forces(row)
            self._draw_prediction(row)
        return self.renderer.render()

    def _connector(self, kind, width, start, end, rgba):
        scene = self.renderer.scene
        if scene.ngeom >= scene.maxgeom or np.linalg.norm(end - start) < 1e-4:
            return
        geom = scene.geoms[scene.ngeom]
        self.mujoco.mjv_initGeom(geom, kind, np.zeros(3), np.zeros(3), np.eye(3).ravel(), np.array(rgba, dtype=np.float32))
        self.mujoco.mjv_connector(geom, kind, width, start, end)
        scene.ngeom += 1

    def _draw_forces(self, row):
        arrow = self.mujoco.mjtGeom.mjGEOM_ARROW
        where = [self.data.xpos[body] + self.data.xmat[body].reshape(3, 3) @ position for body, position in self.points]
        for point, force in zip(where, self.trajectory.planned_force[row]):
            self._connector(arrow, 1.2 * self.thickness, point, point + self.arrow * force, PLANNED)
        for foot, force in enumerate(self.trajectory.foot_force[row]):
            own = [where[i] for i in np.flatnonzero(self.point_foot == foot)]
            if own:
                center = np.mean(own, axis=0)
                self._connector(arrow, 1.8 * self.thickness, center, center + self.arrow * force, MEASURED)

    def _draw_prediction(self, row):
        if self.trajectory.meta["horizon"] < 2:
            return
        capsule = self.mujoco.mjtGeom.mjGEOM_CAPSULE
        base, points = self.trajectory.predicted_base[row], self.trajectory.predicted_point[row]
        for path in [base, *np.swapaxes(points, 0, 1)]:
            for start, end in zip(path[:-1], path[1:]):
                self._connector(capsule, 0.4 * self.thickness, start, end, PATH)

    def close(self):
        self.renderer.close()


def smooth_path(trajectory):
    """Where the camera looks, per row: the base's path without its wobble, at a steady height above the ground."""
    position = trajectory.q[:, :3].copy() if trajectory.meta["floating"] else np.zeros((trajectory.rows, 3))
    terrain = trajectory.meta["terrain"]
    ground = height_at(terrain, position[:, :2]) if terrain else np.zeros(trajectory.rows)
    position[:, 2] = ground + 0.85 * np.median(position[:, 2] - ground)
    window = max(1, int(0.4 / trajectory.meta["control_dt"]))
    kernel = np.ones(2 * window + 1) / (2 * window + 1)
    padded = np.pad(position, ((window, window), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, i], kernel, mode="valid") for i in range(3)], axis=1)


def film_rows(trajectory, fps):
    """The rows to show at `fps` pictures per second in real time."""
    count = max(1, int(round((trajectory.time[-1] - trajectory.time[0]) * fps)))
    times = trajectory.time[0] + np.arange(count) / fps
    return np.clip(np.searchsorted(trajectory.time, times), 0, trajectory.rows - 1)


def open_ffmpeg(path, width, height, fps):
    """ffmpeg that reads raw pictures from its stdin and writes `path`."""
    size = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    if path.suffix == ".gif":
        code = ["-filter_complex", "split[a][b];[a]palettegen=64[p];[b][p]paletteuse=dither=none"]
    else:
        code = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    command = ["ffmpeg", "-y", "-loglevel", "error", *size, "-threads", "1", *code, str(path)]
    # of a session of its own: Ctrl-C is for this process, which takes back what is not complete
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


@contextlib.contextmanager
def whole_or_absent(target):
    """A file to write in place of `target`, which gets its name if all goes well and is removed if not."""
    target.unlink(missing_ok=True)
    part = target.with_suffix(f".part{target.suffix}")
    try:
        yield part
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def stamp(picture, text):
    """The picture with a line of text in its upper left corner."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(picture)
    font = ImageFont.load_default(size=max(11, picture.shape[0] // 24))
    ImageDraw.Draw(image).text((8, 6), text, fill=(255, 255, 255), stroke_fill=(0, 0, 0), stroke_width=2, font=font)
    return np.asarray(image)


def write_film(trajectories, folder, fps=30, width=640, height=480):
    """Writes film.mp4, or film.gif where ffmpeg is missing, and returns its path. Several motions are shown side by side; one that ends early stands still."""
    scenes = [Scene(trajectory, width, height, fine=False) for trajectory in trajectories]
    rows, paths = [film_rows(trajectory, fps) for trajectory in trajectories], [smooth_path(trajectory) for trajectory in trajectories]
    count = max(len(own) for own in rows)
    progress = Progress("film ", count)

    def picture(i, scene, own, path):
        row = own[min(i, len(own) - 1)]
        scene.look_at(path[row])
        drawn = scene.draw(row)
        if len(scenes) == 1:
            return drawn
        text = scene.trajectory.meta["title"]
        return stamp(drawn, text if i < len(own) else f"{text}: ends at {scene.trajectory.time[-1]:.1f} s")

    def pictures():
        for i in range(count):
            yield np.concatenate([picture(i, *parts) for parts in zip(scenes, rows, paths)], axis=1)
            progress.show(i + 1)

    target = folder / ("film.mp4" if shutil.which("ffmpeg") else "film.gif")
    try:
        with whole_or_absent(target) as part:
            if target.suffix == ".mp4":
                pipe_film(pictures(), part, width * len(scenes), height, fps)
            else:
                print("ffmpeg is missing: writing a gif, which is larger and slower; apt-get install ffmpeg", file=sys.stderr)
                write_gif(pictures(), part, fps)
        return target
    finally:
        for scene in scenes:
            scene.close()


def pipe_film(pictures, target, width, height, fps):
    process = open_ffmpeg(target, width, height, fps)
    try:
        with contextlib.suppress(BrokenPipeError):
            for picture in pictures:
                process.stdin.write(picture.tobytes())
        _, message = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise Error(f"{target}: ffmpeg failed: {(message.decode().strip().splitlines() or ['no message'])[-1]}; is there space left on the disk?")


def write_gif(pictures, target, fps):
    from PIL import Image

    # every second picture, half the size: a gif is for a quick look
    images = [Image.fromarray(picture).resize((picture.shape[1] // 2, picture.shape[0] // 2)) for picture in list(pictures)[::2]]
    images = [image.quantize(64) for image in images]
    images[0].save(target, save_all=True, append_images=images[1:], duration=round(2000 / fps), loop=0)


def strip_times(trajectories, frames, seconds):
    """When the pictures of a strip are taken: in the middle of the motion; of motions of different lengths, at the end of the one that ends first."""
    start = max(trajectory.time[0] for trajectory in trajectories)
    ends = [trajectory.time[-1] for trajectory in trajectories]
    spare = max(min(ends) - start - seconds, 0)
    first = start + (spare if min(ends) < max(ends) else spare / 2)
    return np.linspace(first, min(first + seconds, min(ends)), frames)


def strip(trajectory, times, width, height):
    """Pictures of a motion at these times, side by side."""
    scene = Scene(trajectory, width, height, fine=True)
    try:
        path = smooth_path(trajectory)
        pictures = []
        for row in np.clip(np.searchsorted(trajectory.time, times - 1e-9), 0, trajectory.rows - 1):
            scene.look_at(path[row])
            pictures.append(scene.draw(row).copy())
        return np.concatenate(pictures, axis=1)
    finally:
        scene.close()


def write_strip(trajectories, folder, frames=8, seconds=1.0, width=240, height=360):
    """Writes strip.png, a strip of pictures of each motion at the same moments, one below the other, and returns its path."""
    from PIL import Image

    times = strip_times(trajectories, frames, seconds)
    strips = [strip(trajectory, times, width, height) for trajectory in trajectories]
    if len(strips) > 1:
        strips = [stamp(picture, trajectory.meta["title"]) for picture, trajectory in zip(strips, trajectories)]
    target = folder / "strip.png"
    Image.fromarray(np.concatenate(strips)).save(target)
    return target
