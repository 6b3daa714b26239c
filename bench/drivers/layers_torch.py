"""A step of a few layers of PyTorch at its best: eager and scripted, single- and multi-tensor Adam, both layouts of images. Protocol: protocol.h."""

import itertools
import json
import os

import torch
from layer_nets import BATCHES, layer_net, make_inputs
from torch import nn
from torch_serve import falling, fastest, serve, time_loop

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "1")))
torch.set_flush_denormal(True)


class Training:
    def __init__(self, request, script, foreach, channels_last):
        torch.manual_seed(1)
        model, x = layer_net(request["name"]), make_inputs(request)
        if x.dim() == 4:
            # The data set lies in memory as the model wants it, so that a batch is gathered without a transposition.
            x = x.permute(0, 3, 1, 2)
            x = x.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
            model = model.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
        elif "of sequences" in request["name"]:
            x = x.permute(0, 2, 1).contiguous()
        self.model = torch.jit.script(model) if script else model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=0.01, foreach=foreach)
        self.loss = nn.BCEWithLogitsLoss() if "cross-entropy" in request["name"] else nn.MSELoss()
        with torch.no_grad():
            shape = self.model(x[:2]).shape
        self.x, self.y = x, torch.zeros(len(x), *shape[1:])
        if self.y.dim() == 4 and channels_last:
            self.y = self.y.contiguous(memory_format=torch.channels_last)
        self.batches = iter(())

    def step(self):
        index = next(self.batches, None)
        if index is None:
            self.batches = iter(torch.randperm(len(self.x)).split(len(self.x) // BATCHES))
            index = next(self.batches)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model(self.x.index_select(0, index)), self.y.index_select(0, index))
        loss.backward()
        self.optimizer.step()
        return loss

    def epoch(self):
        return sum(self.step().item() for _ in range(BATCHES)) / BATCHES

    def time(self, seconds):
        return time_loop(self.step, seconds)


def prepare(request):
    images = len(request["input"]) == 4
    options = itertools.product([False, True], [False, True], [False, True] if images else [False])
    candidates = {chosen: Training(request, *chosen) for chosen in options}
    before = {chosen: training.epoch() for chosen, training in candidates.items()}
    best = fastest({chosen: training.time for chosen, training in candidates.items()})
    candidates[best].epoch()
    return falling(before[best], candidates[best].epoch()), candidates[best].time


serve(lambda argument: prepare(json.loads(argument)))
