"""Arguments of tandem.warp_simulator: NumPy, Torch or Warp arrays as arrays on the device, masks, and the stream that work goes into."""

import contextlib
import gc
import sys

import numpy as np
import warp as wp

from . import warp_kernels as kernels
from .trajectory import Error

SAME = {wp.bool: wp.uint8, wp.uint32: wp.int32}  # what a mask may be, and how its bits are read


def struct_of(kind, source, **others):
    """A struct of kernels, whose fields are the others of that name, else those of the source."""
    filled = kind()
    for name in kind.vars:
        setattr(filled, name, others[name] if name in others else getattr(source, name))
    return filled


@contextlib.contextmanager
def uncollected():
    """Inside, Python frees nothing of a cycle: freeing memory of the device that is not Warp's would break a capture."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Arguments:
    """Makes arrays of what callers give. device: Warp's. nworld: entries of a mask."""

    def __init__(self, device, nworld):
        self.device, self.nworld = device, nworld
        self.everyone = wp.full(nworld, 1, dtype=int, device=device)
        self.chosen = wp.zeros(nworld, dtype=int, device=device)
        self.staged, self.streams = {}, {}

    def on_device(self, value):
        """Whether it is an array that is used where it lies: Torch's or Warp's."""
        return hasattr(value, "data_ptr") or isinstance(value, wp.array)

    def array(self, value, name, shape, dtype=float):
        """The argument as a Warp array on the device; Torch's and Warp's must lie there and are not copied. Error where it is of another kind."""
        dtype = {float: wp.float32, int: wp.int32}.get(dtype, dtype)
        full = (*shape, 3) if dtype is wp.vec3 else shape
        if self.on_device(value):
            return self.shared(value, name, shape, full, dtype)
        array = np.asarray(value, dtype=np.float64)
        if array.shape != full:
            raise Error(f"{name} has shape {array.shape}, expected {full}")
        if not np.isfinite(array).all():
            raise Error(f"{name} holds a number that is not finite")
        if name not in self.staged:  # kept: memory that Warp frees must not be in use by a stream of Torch
            self.staged[name] = wp.empty(shape, dtype=dtype, device=self.device)
        self.staged[name].assign(array.astype(np.int32 if dtype is wp.int32 else np.float32))
        return self.staged[name]

    def shared(self, value, name, shape, full, dtype):
        """The memory of a tensor of Torch or an array of Warp."""
        said = f"{name} is {tuple(value.shape)} of {getattr(value.dtype, '__name__', value.dtype)} on {value.device}"
        try:
            if not isinstance(value, wp.array):
                value = wp.from_torch(value, dtype=dtype, requires_grad=False)
            elif value.dtype != dtype and value.shape == full:
                value = value.view(dtype)
        except (RuntimeError, TypeError):
            value = None
        if value is None or value.shape != shape or value.dtype != dtype or value.device != self.device:
            raise Error(
                f"{said}, expected {full} of {'int32' if dtype is wp.int32 else 'float32'}, without gaps inside a row, on {self.device}"
            ) from None
        return value

    def mask(self, value):
        """Which worlds are meant, as int32: None for all, or int32, uint8 or bool by world. Torch's and Warp's int32 are not copied, others on the device."""
        if value is None:
            return self.everyone
        if not self.on_device(value):
            return self.array(np.asarray(value) != 0, "mask", (self.nworld,), int)
        said = f"mask is {tuple(value.shape)} of {getattr(value.dtype, '__name__', value.dtype)} on {value.device}"
        with contextlib.suppress(RuntimeError, TypeError):
            array = value if isinstance(value, wp.array) else wp.from_torch(value, requires_grad=False)
            if array.shape == (self.nworld,) and array.device == self.device:
                array = array.view(SAME.get(array.dtype, array.dtype))
                if array.dtype == wp.int32:
                    return array
                if array.dtype == wp.uint8:
                    wp.launch(kernels.widen, dim=self.nworld, inputs=[array], outputs=[self.chosen], device=self.device)
                    return self.chosen
        raise Error(f"{said}, expected ({self.nworld},) of bool, uint8 or int32 on {self.device}")

    @contextlib.contextmanager
    def queue(self, stream=None):
        """On a GPU, what is launched inside goes into `stream`, or else Torch's current one where Torch uses the device, or else Warp's current one.

        It comes after all that was launched into Warp's current stream before, and what is launched into that later comes after it; the host waits for
        nothing. While Warp captures a graph, everything stays in the stream that is captured.
        """
        with wp.ScopedDevice(self.device):
            if stream is None and self.device.is_cuda and not self.device.is_capturing:
                stream = self.stream_of_torch()
            if stream is None or stream.cuda_stream == self.device.stream.cuda_stream:
                yield
            else:
                order = not stream.is_capturing  # Torch's: a capture must not wait for work outside it
                with wp.ScopedStream(stream, sync_enter=order, sync_exit=order):
                    yield

    def done_and_captured(self, work):
        """Does work() once, which loads its kernels, and then takes its launches into a graph."""
        stream = contextlib.nullcontext()
        if self.device.is_cuda:  # Torch's usual stream cannot be captured, and others of Torch's do not wait for Warp to free what work() took
            stream = wp.ScopedStream(wp.Stream(self.device), sync_enter=True, sync_exit=True)
        with stream:
            work()
            with uncollected(), wp.ScopedCapture(self.device) as capture:
                work()
        return capture.graph

    def stream_of_torch(self):
        """Torch's current stream on the device, None where it has not used a GPU."""
        torch = sys.modules.get("torch")
        if torch is None or not torch.cuda.is_initialized():
            return None
        stream = torch.cuda.current_stream(wp.device_to_torch(self.device))
        if stream.cuda_stream not in self.streams:
            self.streams[stream.cuda_stream] = wp.stream_from_torch(stream)
        return self.streams[stream.cuda_stream]
