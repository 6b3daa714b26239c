"""A step of a model of characters in PyTorch, fed the likeliest character of the one before: the cell and the layer on sequences of one, eager
and scripted with frozen weights, the fastest is measured."""

import json
import os

import torch
from torch import nn
from torch_serve import fastest, serve, time_loop
from torch_text import TextNet

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "1")))
torch.set_flush_denormal(True)

CHECKED_STEPS = 50
BLOCK = 50  # steps timed from the position asked for


class CellStep(nn.Module):
    """id [1], h and c [1, H] → the likeliest next id [1], logits [1, V], h and c."""

    def __init__(self, net):
        super().__init__()
        self.embedding, self.linear = net.embedding, net.linear
        layer = net.recurrent
        self.cell = nn.LSTMCell(layer.input_size, layer.hidden_size)
        self.cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})

    def forward(self, id, h, c):
        h, c = self.cell(self.embedding(id), (h, c))
        logits = self.linear(h)
        return logits.argmax(1), logits, h, c


class LayerStep(nn.Module):
    """The same of the layer on a sequence of one."""

    def __init__(self, net):
        super().__init__()
        self.embedding, self.linear, self.layer = net.embedding, net.linear, net.recurrent

    def forward(self, id, h, c):
        y, (h, c) = self.layer(self.embedding(id), (h, c))
        logits = self.linear(y)
        return logits.argmax(1), logits, h, c


class Generation:
    def __init__(self, step, hidden, position):
        self.advance = step
        self.state = torch.zeros(1, dtype=torch.int64), torch.zeros(1, hidden), torch.zeros(1, hidden)
        for _ in range(position):
            self.step()
        self.start = self.state

    def step(self):
        id, _, *state = self.advance(*self.state)
        id.item()
        self.state = id, *state

    def rewind(self):
        self.state = self.start

    def time(self, seconds):
        return time_loop(self.step, seconds, BLOCK, self.rewind)


def check(net, step, hidden):
    """Stepped logits are those of the whole sequence, but for rounding: sums of `hidden` products a gate, four gates and the last layer."""
    id, h, c = torch.zeros(1, dtype=torch.int64), torch.zeros(1, hidden), torch.zeros(1, hidden)
    ids, stepped = [], []
    for _ in range(CHECKED_STEPS):
        ids.append(id)
        id, logits, h, c = step(id, h, c)
        stepped.append(logits)
    error = float((net(torch.stack(ids)) - torch.stack(stepped)).abs().max())
    if not error < hidden * 2**-24 * 8:
        raise ValueError(f"stepped logits are {error} off")


def prepare(argument):
    request = json.loads(argument)
    torch.manual_seed(1)
    net = TextNet(request, False).eval()
    steps = {"cell": CellStep(net).eval(), "layer": LayerStep(net).eval()}
    steps |= {f"{name}, scripted": torch.jit.freeze(torch.jit.script(step)) for name, step in steps.items()}
    for step in steps.values():
        check(net, step, request["hidden"])
    best = fastest({name: Generation(step, request["hidden"], 0).time for name, step in steps.items()})
    return [], Generation(steps[best], request["hidden"], request["position"]).time


with torch.inference_mode():
    serve(prepare)
