"""A training step of PyTorch at its best: every combination of script and eager model, single and multi-tensor optimizer is tried, the
fastest is measured. The batch is gathered from the data set by index, as in a shuffled epoch. Protocol: protocol.h."""

import itertools
import json
import os
import sys
import time

import numpy
import torch
from torch import nn

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "1")))
torch.set_flush_denormal(True)


def make_data(request):
    samples, inputs, classes = request["samples"], request["sizes"][0], request["sizes"][-1]
    if request["data"] == "xor":
        n = numpy.arange(samples)
        a, b = (n >> 1) & 1, n & 1
        return torch.tensor(numpy.stack([a, b, a * 0 + 1], 1), dtype=torch.float32), torch.tensor(a ^ b)
    h = numpy.arange(1, samples * inputs + 1, dtype=numpy.uint64).astype(numpy.uint32) * numpy.uint32(2654435761)
    h = (h ^ (h >> numpy.uint32(15))) * numpy.uint32(2246822519)
    h = h ^ (h >> numpy.uint32(13))
    x = ((h >> numpy.uint32(8)).astype(numpy.float64) / 2**24 - 0.5).astype(numpy.float32).reshape(samples, inputs)
    sums = numpy.stack([x[:, c::classes].astype(numpy.float64).sum(1) for c in range(classes)], 1)
    return torch.from_numpy(x), torch.from_numpy(sums.argmax(1))


class Training:
    def __init__(self, request, script, foreach):
        torch.manual_seed(1)
        sizes, layers = request["sizes"], []
        for index, (i, o) in enumerate(zip(sizes, sizes[1:])):
            layers.append(nn.Linear(i, o))
            if index < len(sizes) - 2:
                layers += [nn.ReLU()] + ([nn.Dropout(request["dropout"])] if request["dropout"] > 0 else [])
        model = nn.Sequential(*layers)
        make = torch.optim.Adam if request["optimizer"] == "adam" else torch.optim.SGD
        self.optimizer = make(model.parameters(), lr=request["learningRate"], foreach=foreach)
        self.model = torch.jit.script(model) if script else model
        self.loss = nn.CrossEntropyLoss()
        self.x, self.y = make_data(request)
        self.batch = request["batch"]
        self.batches = iter(())

    def step(self):
        index = next(self.batches, None)
        if index is None:
            self.batches = iter(torch.randperm(len(self.x)).split(self.batch))
            index = next(self.batches)
        x, y = self.x.index_select(0, index), self.y.index_select(0, index)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.model(x), y).backward()
        self.optimizer.step()

    def time(self, seconds):
        start, steps = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            for _ in range(8):
                self.step()
            steps += 8
        return (time.perf_counter() - start) / steps

    def evaluate(self):
        self.model.eval()
        with torch.no_grad():
            loss = self.loss(self.model(self.x), self.y).item()
        self.model.train()
        return loss


def prepare(request):
    """The fastest training of all combinations, timed in turns, and its loss before and after some steps."""
    candidates = {options: Training(request, *options) for options in itertools.product([False, True], repeat=2)}
    before = {options: training.evaluate() for options, training in candidates.items()}
    seconds = {options: float("inf") for options in candidates}
    for _ in range(4):
        for options, training in candidates.items():
            seconds[options] = min(seconds[options], training.time(0.15))
    for (script, foreach), time_of_step in seconds.items():
        print(f"# script {script}, foreach {foreach}: {time_of_step * 1e6:.1f} us a step", file=sys.stderr)
    fastest = min(seconds, key=seconds.get)
    return candidates[fastest], before[fastest], candidates[fastest].evaluate()


training = None
for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    try:
        if command == "prepare":
            training, before, after = prepare(json.loads(argument))
            answer = f"ok {before} {after}" if after < 0.95 * before else f"error the loss went from {before} to {after}"
        elif command == "time" and training is not None:
            seconds = training.time(float(argument) / 1e3)
            answer = f"ok {seconds} {seconds}"
        else:
            answer = "error unknown command"
    except Exception as error:
        answer = f"error {str(error).splitlines()[0]}"
    print(answer, flush=True)
