"""Characters per second, one at a time: the stepper against a plain one-step loop over ``nn.LSTM``, same weights.

2x512 LSTM, 65 symbols, one thread, batch 1; choosing the character is counted. The weights are in 8-bit rows, as the
studio stores its models; both sides compute with float32 activations and write the same text from the same random
numbers, which is checked. Time is that of the processor, so that other programs do not count. The note adds the figures
for arbitrary float32 weights, also in the int8 option.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

VOCABULARY = 65
ROUNDS = 5


def make_network(rows8: bool) -> Any:
    """A 2x512 LSTM with seeded weights; its output is sharpened, as that of a trained one is."""
    import torch

    from studio.nn.lstm import RNNSpec, SequenceRNN, pack, unpack

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SequenceRNN(RNNSpec(VOCABULARY, 64, 512, 2)).eval()
        with torch.no_grad():
            network.head.weight.mul_(20.0)
            network.embedding.weight.mul_(3.0)
    if rows8:
        network.load_state_dict(unpack(pack(network.state_dict())))
    return network


def plain(network: Any, count: int, uniforms: Any = None) -> list[int]:
    """The loop that everybody writes. With ``uniforms`` it chooses by them, else by ``torch.multinomial``."""
    import numpy as np
    import torch

    from studio.nn.sampling import Sampling, chances, draw

    made: list[int] = []
    with torch.no_grad():
        state, token = None, torch.zeros(1, 1, dtype=torch.long)
        for place in range(count):
            logits, state = network(token, state)
            if uniforms is None:
                token = torch.multinomial(torch.softmax(logits[:, -1], 1), 1)
            else:
                shares = chances(logits[0, -1].numpy().astype(np.float32), Sampling())
                token = torch.tensor([[draw(shares, uniforms[place])]])
            made.append(int(token))
    return made


def stepped(stepper: Any, count: int, uniforms: Any) -> list[int]:
    """The same with the stepper."""
    from studio.nn.sampling import Sampling, chances, draw

    made: list[int] = []
    stepper.reset(1)
    token, sampling = 0, Sampling()
    for place in range(count):
        token = draw(chances(stepper.step(token)[0], sampling), uniforms[place])
        made.append(token)
    return made


def _rate(work: Callable[[], Any], count: int) -> float:
    begin = time.thread_time()
    work()
    return count / (time.thread_time() - begin)


def run() -> dict[str, Any]:
    """Interleaved rounds; the ratio is the median over the rounds."""
    import numpy as np
    import torch

    from studio.nn.stepper import Stepper

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        stored, free = make_network(True), make_network(False)
        uniforms = np.random.default_rng(1).random(4000)
        steppers = {"rows8": Stepper(stored), "float32": Stepper(free), "int8": Stepper(free, precision="int8")}
        same = plain(stored, 300, uniforms) == stepped(steppers["rows8"], 300, uniforms)
        also = plain(free, 300, uniforms) == stepped(steppers["float32"], 300, uniforms)
        rates: dict[str, list[float]] = {name: [] for name in ("plain", *steppers)}
        for _ in range(ROUNDS):
            rates["plain"].append(_rate(lambda: plain(stored, 60), 60))
            for name, stepper in steppers.items():
                rates[name].append(_rate(lambda stepper=stepper: stepped(stepper, 500, uniforms), 500))
    finally:
        torch.set_num_threads(threads)
    ratios = {n: statistics.median(a / b for a, b in zip(r, rates["plain"], strict=True)) for n, r in rates.items()}
    middle = {name: statistics.median(row) for name, row in rates.items()}
    return {
        "name": "text sampling, 2x512 LSTM, batch 1, one thread", "ratio": ratios["rows8"], "target": 10.0,
        "ours": middle["rows8"], "reference": middle["plain"], "unit": "characters/s",
        "note": f"8-bit rows as models are stored, float32 activations; same samples: {'yes' if same else 'NO'}; "
                f"arbitrary float32 weights {ratios['float32']:.1f}x (same samples: {'yes' if also else 'NO'}), "
                f"int8 option {middle['int8']:,.0f} characters/s = {ratios['int8']:.1f}x",
    }


if __name__ == "__main__":
    result = run()
    print(f"{result['name']}: {result['ours']:,.0f} against {result['reference']:,.0f} {result['unit']} = "
          f"{result['ratio']:.1f}x (target {result['target']:.0f}x)\n{result['note']}")
