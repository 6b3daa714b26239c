"""The nets of layer_nets.ts in PyTorch and their inputs; images are channels-last in memory or contiguous."""

import numpy
import torch
from torch import nn
from torch_data import mix

BATCHES = 8


def make_inputs(request):
    shape = [BATCHES * request["input"][0], *request["input"][1:]]
    unit = (mix(numpy.arange(numpy.prod(shape))) >> numpy.uint32(8)).astype(numpy.float64) / 2**24
    if "ids" in request:
        return torch.from_numpy((unit * request["ids"]).astype(numpy.int64).reshape(shape))
    return torch.from_numpy(unit.astype(numpy.float32).reshape(shape))


class Attention(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


class Recurrent(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)[0]


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


def times(count, make):
    return [layer for _ in range(count) for layer in make()]


def separable():
    return [nn.Conv2d(64, 64, 3, padding=1, groups=64), nn.Conv2d(64, 64, 1), nn.BatchNorm2d(64), nn.ReLU()]


nets = {
    "autoencoder 784-128": lambda: [nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 784)],
    "autoencoder 784-128, binary cross-entropy": lambda: [nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 784)],
    "linear and GELU 784-512-512": lambda: [nn.Linear(784, 512), nn.GELU(), nn.Linear(512, 512), nn.GELU(), nn.Linear(512, 10)],
    "linear 4096": lambda: [nn.Linear(4096, 4096)],
    "20 × linear 64 and tanh": lambda: times(20, lambda: [nn.Linear(64, 64), nn.Tanh()]),
    "2 × linear 512 and dropout": lambda: [nn.Linear(1024, 512), nn.Dropout(0.5), nn.Linear(512, 512), nn.Dropout(0.5)],
    "4 × layer norm": lambda: times(4, lambda: [nn.LayerNorm(512)]),
    "4 × batch norm": lambda: times(4, lambda: [nn.BatchNorm1d(512)]),
    "4 × batch norm of images": lambda: times(4, lambda: [nn.BatchNorm2d(64)]),
    "4 × group norm": lambda: times(4, lambda: [nn.GroupNorm(8, 64)]),
    "convolutions 5 of sequences": lambda: times(2, lambda: [nn.Conv1d(64, 64, 5, padding=2)]),
    "convolutions 7 of sequences, few channels": lambda: [
        nn.Conv1d(4, 16, 7, padding=3), nn.ReLU(), nn.Conv1d(16, 32, 7, stride=2), nn.ReLU(),
    ],
    "LeNet with tanh and mean pooling": lambda: [
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    ],
    "convolutions 5×5": lambda: times(2, lambda: [nn.Conv2d(32, 32, 5, padding=2)]),
    "convolution 7×7 stride 2": lambda: [nn.Conv2d(3, 64, 7, stride=2, padding=3)],
    "convolutions 3×3 dilated": lambda: times(2, lambda: [nn.Conv2d(32, 32, 3, padding=2, dilation=2)]),
    "convolutions 3×3 in 4 groups": lambda: times(2, lambda: [nn.Conv2d(64, 64, 3, padding=1, groups=4)]),
    "convolutions 3×3 in 32 groups": lambda: times(2, lambda: [nn.Conv2d(128, 128, 3, padding=1, groups=32)]),
    "depthwise convolutions 3×3": lambda: times(2, lambda: [nn.Conv2d(64, 64, 3, padding=1, groups=64)]),
    "separable convolutions with batch norm": lambda: times(2, separable),
    "pooling, transposed convolution": lambda: [
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 2, stride=2), nn.Conv2d(32, 1, 1),
    ],
    "upsampling": lambda: [nn.Conv2d(32, 16, 1), nn.Upsample(scale_factor=2), nn.Conv2d(16, 16, 3, padding=1)],
    "2 × attention of 8 heads": lambda: times(2, lambda: [Attention(128, 8)]),
    "LSTM 64, both directions": lambda: [Recurrent(nn.LSTM(64, 64, batch_first=True, bidirectional=True))],
    "GRU 64": lambda: [Recurrent(nn.GRU(32, 64, batch_first=True))],
    "RNN 32": lambda: [Recurrent(nn.RNN(16, 32, batch_first=True))],
    "LSTM 32, one sequence": lambda: [Recurrent(nn.LSTM(16, 32, batch_first=True))],
    "embedding 20000 × 64": lambda: [nn.Embedding(20000, 64), Mean(), nn.Linear(64, 2)],
}  # fmt: skip


def layer_net(name):
    return nn.Sequential(*nets[name]())
