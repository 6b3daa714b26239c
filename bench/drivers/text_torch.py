"""A training step of a model of characters in PyTorch at its best: layout of the sequences and oneDNN or not first, then the optimizer and the
script of the best of these."""

import json
import os
from collections import namedtuple

import torch
from torch import nn
from torch_serve import falling, fastest, serve, time_loop
from torch_text import make_text, text_net

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "1")))
torch.set_flush_denormal(True)

Options = namedtuple("Options", "batch_first onednn foreach script", defaults=[True, False])


class Training:
    def __init__(self, request, options):
        torch.manual_seed(1)
        model = text_net(request, options.batch_first)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=request["learningRate"], foreach=options.foreach)
        self.model = torch.jit.script(model) if options.script else model
        self.loss, self.onednn = nn.CrossEntropyLoss(), options.onednn
        # Either layout lies in memory as the model wants it.
        self.data = [part if options.batch_first else part.t().contiguous() for part in make_text(request)]
        self.dimension = 0 if options.batch_first else 1
        self.sequences, self.batch, self.batches = request["sequences"], request["batch"], iter(())

    def step(self):
        index = next(self.batches, None)
        if index is None:
            self.batches = iter(torch.randperm(self.sequences).split(self.batch))
            index = next(self.batches)
        x, y = (part.index_select(self.dimension, index) for part in self.data)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.backends.mkldnn.flags(enabled=self.onednn):
            loss = self.loss(self.model(x).flatten(0, 1), y.flatten())
            loss.backward()
        self.optimizer.step()
        return loss

    def epoch(self):
        """Mean loss of the batches of an epoch."""
        return sum(self.step().item() for _ in range(self.sequences // self.batch)) * self.batch / self.sequences

    def time(self, seconds):
        return time_loop(self.step, seconds)


def prepare(argument):
    request = json.loads(argument)

    def best_of(choices):
        return fastest({options: Training(request, options).time for options in choices}, rounds=2)

    best = best_of([Options(batch_first, onednn) for batch_first in (False, True) for onednn in (False, True)])
    best = best_of([best, best._replace(foreach=False), best._replace(script=True)])
    training = Training(request, best)
    before = training.epoch()
    training.epoch()
    return falling(before, training.epoch()), training.time


serve(prepare)
