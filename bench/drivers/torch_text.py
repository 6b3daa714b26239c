"""The models of characters of text_net.ts and the text of text.ts in PyTorch."""

import numpy
import torch
from torch import nn
from torch_data import mix


def make_text(request):
    """Sequences [sequences, steps] and the characters that follow."""
    sequences, steps, vocabulary = request["sequences"], request["steps"], request["vocabulary"]
    h = (mix(numpy.arange(sequences * steps)) >> numpy.uint32(8)).astype(numpy.int64).reshape(sequences, steps)
    characters = [numpy.arange(sequences) % vocabulary]
    for t in range(steps):
        k = h[:, t]
        characters.append(numpy.where(k % 4 > 0, (5 * characters[-1] + (k >> 2) % 3) % vocabulary, (k >> 2) % 8))
    text = torch.from_numpy(numpy.stack(characters, 1))
    return text[:, :-1].contiguous(), text[:, 1:].contiguous()


class Block(nn.Module):
    """Causal attention and two layers, each after a norm and added to its input: that of examples/models/gpt.ts."""

    def __init__(self, width: int, heads: int, steps: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.network = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.register_buffer("future", torch.full((steps, steps), float("-inf")).triu(1))

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5 + self.future).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, t, c))
        return x + self.network(self.norm2(x))


class Gpt(nn.Module):
    """ids [N, T], or [T, N] unless batch_first → logits [..., vocabulary]."""

    def __init__(self, request, batch_first: bool):
        super().__init__()
        width, steps = request["hidden"], request["steps"]
        self.batch_first = batch_first
        self.tokens, self.places = nn.Embedding(request["vocabulary"], width), nn.Parameter(torch.randn(steps, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, width // 32, steps) for _ in range(request["layers"])])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, request["vocabulary"])

    def forward(self, ids):
        x = ids if self.batch_first else ids.t()
        y = self.head(self.norm(self.blocks(self.tokens(x) + self.places)))
        return y if self.batch_first else y.transpose(0, 1)


def text_net(request, batch_first):
    return (Gpt if request["cell"] == "attention" else TextNet)(request, batch_first)


class TextNet(nn.Module):
    """ids [N, T], or [T, N] unless batch_first → logits [..., vocabulary]."""

    def __init__(self, request, batch_first):
        super().__init__()
        hidden = request["hidden"]
        self.embedding = nn.Embedding(request["vocabulary"], request["embedding"])
        make = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[request["cell"]]
        self.recurrent = make(request["embedding"], hidden, request["layers"], batch_first=batch_first)
        self.linear = nn.Linear(hidden, request["vocabulary"])

    def forward(self, ids):
        y, _ = self.recurrent(self.embedding(ids))
        return self.linear(y)
