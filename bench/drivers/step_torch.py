"""A training step of PyTorch at its best: every combination of script and eager model, single and multi-tensor optimizer and layout of images
is tried, the fastest is measured. The batch is gathered from the data set by index, as in a shuffled epoch. Protocol: protocol.h.
With BENCH_MEASURE=memory: the peak resident memory of an eager model in BENCH_LAYOUT, in bytes."""

import itertools
import json
import os
import re
import sys
import time

import torch
from torch import nn
from torch_data import make_data
from torch_nets import nets

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
        start, steps, chunk = time.perf_counter(), 0, 1 if self.images else 8
        while time.perf_counter() - start < seconds:
            for _ in range(chunk):
                self.step()
            steps += chunk
        return (time.perf_counter() - start) / steps


def options_of(request):
    """script, foreach, channels_last. What an optimizer does is little beside the convolutions of the two large nets."""
    if "net" not in request:
        return itertools.product([False, True], [False, True], [False])
    large = request["net"]["name"] in ("vgg", "resnet18")
    return itertools.product([False, True], [True] if large else [False, True], [False, True])


def fastest(request):
    """The fastest training of all combinations, timed in turns; and its loss before and after three epochs or more."""
    candidates = {options: Training(request, *options) for options in options_of(request)}
    before = {options: training.epoch() for options, training in candidates.items()}
    seconds = {options: float("inf") for options in candidates}
    for _ in range(3):
        for options, training in candidates.items():
            seconds[options] = min(seconds[options], training.time(0.15))
    for (script, foreach, channels_last), time_of_step in seconds.items():
        text = f"# script {script}, foreach {foreach}, channels_last {channels_last}: {time_of_step * 1e6:.1f} us a step"
        print(text, file=sys.stderr)
    best = min(seconds, key=seconds.get)
    candidates[best].epoch()
    return candidates[best], before[best], candidates[best].epoch()


def one(request):
    """An eager model in the layout asked for."""
    training = Training(request, False, True, os.environ.get("BENCH_LAYOUT") == "channels_last")
    before = training.epoch()
    training.epoch()
    return training, before, training.epoch()


def peak_memory():
    """Bytes of physical memory that this process has had at most."""
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


of_memory = os.environ.get("BENCH_MEASURE") == "memory"
training = None
for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    try:
        if command == "prepare":
            training = None
            training, before, after = (one if of_memory else fastest)(json.loads(argument))
            answer = f"ok {before} {after}" if after < 0.95 * before else f"error the loss went from {before} to {after}"
        elif command == "time" and training is not None:
            seconds = peak_memory() if of_memory else training.time(float(argument) / 1e3)
            answer = f"ok {seconds} {seconds}"
        else:
            answer = "error unknown command"
    except Exception as error:
        answer = f"error {str(error).splitlines()[0]}"
    print(answer, flush=True)
