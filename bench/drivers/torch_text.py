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
