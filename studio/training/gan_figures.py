"""How good generated pictures are, and how varied: distances between clouds of features, and signs of collapse."""

from __future__ import annotations

import torch
import torch.nn.functional as F

LOOK_EVERY = 10
"""Steps between two looks at the variety."""
SURE = 10
"""Looks in a row after which little variety is a collapse."""
LITTLE, ENOUGH = 0.3, 0.5
"""Variety below which pictures are alike, and above which a generator has got going, or recovered."""
PATIENCE = 100
"""Looks after which a generator should have got going."""


def kernel_distance(real: torch.Tensor, fake: torch.Tensor) -> float:
    """Kernel inception distance's estimator (Binkowski et al. 2018), cubic kernel, unbiased; rows are pictures."""
    a, b = real.double(), fake.double()
    dim = a.shape[1]
    aa, bb, ab = ((x @ y.T / dim + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    n, m = len(a), len(b)
    same = (aa.sum() - aa.diagonal().sum()) / (n * (n - 1)) + (bb.sum() - bb.diagonal().sum()) / (m * (m - 1))
    return float(same - 2 * ab.mean())


def frechet_distance(real: torch.Tensor, fake: torch.Tensor) -> float:
    """Frechet distance of two Gaussians fitted to the rows (Heusel et al. 2017)."""
    a, b = real.double(), fake.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp_min(0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)


def spread(rows: torch.Tensor) -> float:
    """Mean Euclidean distance between different rows."""
    return float(F.pdist(rows.float()).mean())


def twins(real: torch.Tensor, fake: torch.Tensor) -> float:
    """Share of generated rows that have a twin: another generated row at less than half the distance at which a real
    row usually has its nearest. Near 0 where the pictures differ as real ones do, 1 where all are alike."""
    count = min(len(real), len(fake), 1000)  # of as many, since the nearest of more is nearer
    nearest: list[torch.Tensor] = []
    for rows in (real[:count].float(), fake[:count].float()):
        distances = torch.cdist(rows, rows)
        distances.fill_diagonal_(torch.inf)
        nearest.append(distances.min(1).values)
    return float((nearest[1] <= 0.5 * nearest[0].median()).float().mean())


class VarietyWatch:
    """Watches for mode collapse while training: how different the generated pictures of a batch are, as a share of how
    different the real ones are, both at 16x16 pixels, smoothed."""

    def __init__(self) -> None:
        self.value = 1.0
        self._looks = self._low = 0
        self._alive = self._warned = False

    def look(self, step: int, real: torch.Tensor, fake: torch.Tensor) -> str:
        """Batches ``(N, 3, H, W)`` of step ``step``; now and then a sentence, once per collapse, else ''."""
        if step % LOOK_EVERY or len(fake) < 2:
            return ""
        small = [F.adaptive_avg_pool2d(batch.detach().float(), 16).flatten(1) for batch in (real, fake)]
        share = spread(small[1]) / max(1e-6, spread(small[0]))
        self.value = share if not self._looks else 0.8 * self.value + 0.2 * share
        self._looks += 1
        if self.value > ENOUGH:
            self._alive, self._warned = True, False
        # every generator begins with pictures that are alike: only what has got going can collapse
        self._low = self._low + 1 if self.value < LITTLE and (self._alive or self._looks > PATIENCE) else 0
        if self._low < SURE or self._warned:
            return ""
        self._warned = True
        return (
            f"the generated pictures have become alike ({self.value:.0%} of the variety of the data): the generator "
            "has collapsed onto a few. Start again with more augmentation, a lower rate or a larger batch; more, and "
            "more different, pictures help most"
        )

    def state(self) -> list[float]:
        """For a checkpoint."""
        return [self.value, float(self._looks), float(self._low), float(self._alive), float(self._warned)]

    def load(self, state: list[float]) -> None:
        """Take back what ``state`` gave."""
        self.value, looks, low, alive, warned = state
        self._looks, self._low, self._alive, self._warned = int(looks), int(low), bool(alive), bool(warned)
