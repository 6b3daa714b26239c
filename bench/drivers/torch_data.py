"""The samples of data.ts, by the same formulas."""

import numpy
import torch


def mix(counters):
    """32 well-mixed bits of each counter."""
    h = (counters + 1).astype(numpy.uint32) * numpy.uint32(2654435761)
    h = (h ^ (h >> numpy.uint32(15))) * numpy.uint32(2246822519)
    return h ^ (h >> numpy.uint32(13))


def make_data(request):
    """Inputs, as images [N, H, W, C] where the request has a net of images, and classes."""
    samples, inputs, classes = request["samples"], request["sizes"][0], request["sizes"][-1]
    if request["data"] == "xor":
        n = numpy.arange(samples)
        a, b = (n >> 1) & 1, n & 1
        return torch.tensor(numpy.stack([a, b, a * 0 + 1], 1), dtype=torch.float32), torch.tensor(a ^ b)
    h = mix(numpy.arange(samples * inputs))
    x = ((h >> numpy.uint32(8)).astype(numpy.float64) / 2**24 - 0.5).astype(numpy.float32).reshape(samples, inputs)
    if request["data"] == "textures":
        return with_bands(x.reshape(samples, *request["net"]["image"]))
    sums = numpy.stack([x[:, c::classes].astype(numpy.float64).sum(1) for c in range(classes)], 1)
    return torch.from_numpy(x), torch.from_numpy(sums.argmax(1))


def with_bands(x):
    """Five widths of bands along the rows, then five along the columns."""
    y = numpy.arange(len(x)) % 10
    rows, columns = numpy.indices(x.shape[1:3])
    position = numpy.where((y < 5)[:, None, None], rows, columns)
    x += numpy.where(position // (1 + y % 5)[:, None, None] % 2 == 0, 0.5, -0.5).astype(numpy.float32)[..., None]
    return torch.from_numpy(x), torch.from_numpy(y)
