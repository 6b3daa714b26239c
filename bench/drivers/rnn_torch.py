"""One recurrent layer of PyTorch over a whole sequence, forward and backward: with oneDNN and without, the faster is measured. Cases: rnn.h."""

import os
import subprocess

import numpy
import torch
from torch import nn
from torch_serve import fastest, serve, time_loop

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "1")))
torch.set_flush_denormal(True)


def read_case(arguments):
    """Inputs {name: array} and results {name: (array, bound)} of rnn_reference.cc."""
    path = subprocess.run([os.environ["BENCH_REFERENCE"], *arguments], check=True, capture_output=True, text=True).stdout.strip()
    inputs, results = {}, {}
    with open(path, "rb") as file:
        while head := file.readline().decode().split():
            kind, name, *sizes = head
            bound = float(sizes.pop(0)) if kind == "result" else 0
            shape = tuple(map(int, sizes))
            array = torch.from_numpy(numpy.fromfile(file, numpy.float32, int(numpy.prod(shape))).reshape(shape))
            if kind == "input":
                inputs[name] = array
            else:
                results[name] = array, bound
    return inputs, results


class Layer:
    def __init__(self, cell, inputs, onednn):
        t, n, i = inputs["x"].shape
        h = inputs["h0"].shape[1]
        self.cell, self.onednn, self.inputs = cell, onednn, inputs
        # Gates lie in the same order as in the reference.
        model = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](i, h)
        with torch.no_grad():
            model.weight_ih_l0.copy_(inputs["w"].t())
            model.weight_hh_l0.copy_(inputs["u"].t())
            model.bias_ih_l0.copy_(inputs["b"])
            model.bias_hh_l0.zero_()
            if cell == "gru":
                model.bias_hh_l0[2 * h :] = inputs["br"]
        self.model = model
        self.x = inputs["x"].clone().requires_grad_()
        self.state = [inputs[name][None].clone().requires_grad_() for name in ("h0", "c0") if name in inputs]

    def step(self):
        for leaf in (self.x, *self.state, *self.model.parameters()):
            leaf.grad = None
        with torch.backends.mkldnn.flags(enabled=self.onednn):
            self.y, _ = self.model(self.x, tuple(self.state) if self.cell == "lstm" else self.state[0])
            self.y.backward(self.inputs["dy"])

    def results(self):
        self.step()
        w, h = self.model, self.inputs["h0"].shape[1]
        found = {"y": self.y.detach(), "dx": self.x.grad, "dw": w.weight_ih_l0.grad.t(), "du": w.weight_hh_l0.grad.t(), "db": w.bias_ih_l0.grad}
        found |= {name: leaf.grad[0] for name, leaf in zip(("dh0", "dc0"), self.state)}
        if self.cell == "gru":
            found["dbr"] = w.bias_hh_l0.grad[2 * h :]
        return found

    def time(self, seconds):
        return time_loop(self.step, seconds)


def prepare(argument):
    cell, *sizes = argument.split()
    if cell == "gru-before":
        raise NotImplementedError("its GRU resets after the product")
    inputs, results = read_case([cell, *sizes])
    candidates = {f"onednn {onednn}": Layer(cell, inputs, onednn) for onednn in (False, True)}
    worst = 0
    for layer in candidates.values():
        found = layer.results()
        for name, (want, bound) in results.items():
            error = float((found[name] - want).abs().max()) / bound
            if not error < 1:
                raise ValueError(f"wrong result: {name} is {error} times the error bound off")
            worst = max(worst, error)
    best = fastest({name: layer.time for name, layer in candidates.items()}, rounds=2, seconds=0.1)
    return [worst], candidates[best].time


serve(prepare)
