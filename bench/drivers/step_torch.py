"""A training step of PyTorch at its best: every combination of script and eager model, single and multi-tensor optimizer and layout of images
is tried, the fastest is measured. The batch is gathered from the data set by index, as in a shuffled epoch. Protocol: protocol.h.
With BENCH_MEASURE=memory: the peak resident memory of an eager model in BENCH_LAYOUT, in bytes."""

import itertools
import json
import os
import re
from collections import namedtuple

import torch
from torch import nn
from torch_data import make_data
from torch_nets import nets
from torch_serve import falling, fastest, serve, time_loop

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "1")))
torch.set_flush_denormal(True)


def mlp(sizes, dropout):
    layers = []
    for index, (i, o) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(i, o))
        if index < len(sizes) - 2:
            layers += [nn.ReLU()] + ([nn.Dropout(dropout)] if dropout > 0 else [])
    return nn.Sequential(*layers)


class Training:
    def __init__(self, request, script, foreach, channels_last):
        torch.manual_seed(1)
        self.images = "net" in request
        model = nets[request["net"]["name"]]() if self.images else mlp(request["sizes"], request["dropout"])
        x, self.y = make_data(request)
        if self.images:
            # Either layout lies in memory as the model wants it, so that a batch is gathered without a transposition.
            self.channels_last = channels_last
            x = x if channels_last else x.permute(0, 3, 1, 2).contiguous()
            model = model.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
        make = torch.optim.Adam if request["optimizer"] == "adam" else torch.optim.SGD
        self.optimizer = make(model.parameters(), lr=request["learningRate"], foreach=foreach)
        self.model = torch.jit.script(model) if script else model
        self.loss = nn.CrossEntropyLoss()
        self.x, self.batch, self.batches = x, request["batch"], iter(())

    def inputs(self, x):
        return x.permute(0, 3, 1, 2) if self.images and self.channels_last else x

    def step(self):
        index = next(self.batches, None)
        if index is None:
            self.batches = iter(torch.randperm(len(self.x)).split(self.batch))
            index = next(self.batches)
        x, y = self.inputs(self.x.index_select(0, index)), self.y.index_select(0, index)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def epoch(self):
        """Mean loss of the batches of an epoch."""
        return sum(self.step().item() for _ in range(len(self.x) // self.batch)) * self.batch / len(self.x)

    def time(self, seconds):
        return time_loop(self.step, seconds, chunk=1 if self.images else 8)


Options = namedtuple("Options", "script foreach channels_last")


def options_of(request):
    """What an optimizer does is little beside the convolutions of the two large nets."""
    images = "net" in request
    large = images and request["net"]["name"] in ("vgg", "resnet18")
    return itertools.starmap(Options, itertools.product([False, True], [True] if large else [False, True], [False, True] if images else [False]))


def best_of(request):
    """The fastest training of all combinations."""
    candidates = {options: Training(request, *options) for options in options_of(request)}
    before = {options: training.epoch() for options, training in candidates.items()}
    best = fastest({options: training.time for options, training in candidates.items()})
    candidates[best].epoch()
    return falling(before[best], candidates[best].epoch()), candidates[best].time


def memory_of(request):
    """An eager model in the layout asked for."""
    training = Training(request, False, True, os.environ.get("BENCH_LAYOUT") == "channels_last")
    before = training.epoch()
    training.epoch()
    return falling(before, training.epoch()), lambda seconds: (peak_memory(),) * 2


def peak_memory():
    """Bytes of physical memory that this process has had at most."""
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


prepare = memory_of if os.environ.get("BENCH_MEASURE") == "memory" else best_of
serve(lambda argument: prepare(json.loads(argument)))
