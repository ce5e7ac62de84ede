"""The processes that train together: one as a rule; several by Lightning Fabric over ``torch.distributed``.

Fabric starts them (one per device; on several machines, or under ``torchrun`` or SLURM, it finds its place from the
environment), chooses the device of each, and carries what they tell one another: nccl between GPUs, gloo between CPUs.
Every process runs the same loop; what is decided (stop, roll back, early end) is decided from values that all share.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from studio.training.recipe import Config, Recipe, TrainingError, check_config, check_parts

if TYPE_CHECKING:
    from lightning_fabric import Fabric

FLAT = 32 * 1024 * 1024
"""Most numbers in one message: gradients are averaged in tensors of about this size."""


class Team:
    """This process alone."""

    rank, size = 0, 1

    @property
    def chief(self) -> bool:
        """Whether this process is the one that writes files and tells events."""
        return self.rank == 0

    def begin(self, modules: Iterable[torch.nn.Module]) -> None:
        """Give all processes the weights of the first."""

    def average(self, tensors: Iterable[torch.Tensor]) -> None:
        """Put the mean over all processes in the place of each tensor."""

    def mean(self, values: Sequence[float]) -> list[float]:
        """The means over all processes."""
        return list(values)

    def told(self, values: Sequence[float]) -> list[float]:
        """What the first process says."""
        return list(values)

    def gather(self, tensor: torch.Tensor, dim: int) -> torch.Tensor:
        """A tensor whose rows along ``dim`` are a batch, made whole: each process gives its share of them."""
        return tensor


class FabricTeam(Team):
    """Processes that Fabric has launched."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self.rank, self.size = fabric.global_rank, fabric.world_size
        self.device = str(fabric.device)

    def begin(self, modules: Iterable[torch.nn.Module]) -> None:
        # a sum with zeros: the library's own way to tell the others something pickles it
        with torch.no_grad():
            for module in modules:
                for tensor in module.state_dict().values():
                    plain = tensor.to(self._fabric.device, torch.uint8 if tensor.dtype == torch.bool else None)
                    message = plain.clone() if self.chief else torch.zeros_like(plain)
                    tensor.copy_(torch.as_tensor(self._fabric.all_reduce(message, reduce_op="sum")))

    def average(self, tensors: Iterable[torch.Tensor]) -> None:
        bunch: list[torch.Tensor] = []
        size = 0
        for tensor in tensors:
            if bunch and size + tensor.numel() > FLAT:
                self._average(bunch)
                bunch, size = [], 0
            bunch.append(tensor)
            size += tensor.numel()
        if bunch:
            self._average(bunch)

    def _average(self, tensors: list[torch.Tensor]) -> None:
        flat = torch.cat([tensor.reshape(-1).float() for tensor in tensors])
        mean = torch.as_tensor(self._fabric.all_reduce(flat, reduce_op="mean"))
        parts = torch.split(mean, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def mean(self, values: Sequence[float]) -> list[float]:
        message = torch.tensor(values, dtype=torch.float64, device=self._fabric.device)
        return [float(value) for value in torch.as_tensor(self._fabric.all_reduce(message, reduce_op="mean"))]

    def told(self, values: Sequence[float]) -> list[float]:
        return self.mean([value * self.size if self.chief else 0.0 for value in values])

    def gather(self, tensor: torch.Tensor, dim: int) -> torch.Tensor:
        rows = tensor.shape[dim] // self.size
        own = tensor.narrow(dim, self.rank * rows, rows).to(self._fabric.device).contiguous()
        parts = torch.as_tensor(self._fabric.all_gather(own))  # (processes, …)
        return torch.cat(list(parts), dim).to(tensor.device)


def assemble(recipe: type[Recipe], config: Config) -> Team:
    """The processes that ``config`` asks for. Starts the others of this machine, which run the same command again, and
    returns in each of them; sets ``config.device`` to its own. Raises TrainingError when there are not so many devices.
    """
    check_config(config)
    check_parts(recipe.name, config, recipe.least, config.devices * config.nodes * config.accumulate)
    outside = "TORCHELASTIC_RUN_ID" in os.environ  # started by torchrun, which knows how many there are
    if config.devices * config.nodes == 1 and not outside:
        return Team()
    try:
        from lightning_fabric import Fabric
    except ImportError:
        raise TrainingError(
            "devices: several processes need Lightning Fabric; install it with: pip install lightning-fabric"
        ) from None
    kind = torch.device(config.device).type
    have = torch.cuda.device_count() if kind == "cuda" else config.devices
    if kind not in ("cpu", "cuda"):
        raise TrainingError(f"devices: training on several devices needs cpu or cuda, not {config.device}")
    if config.devices > have:
        raise TrainingError(f"devices: there are {have} GPUs here, not {config.devices}; lower --devices")
    # what is exchanged are gradients of networks that recipes use in their own ways: no wrapper is put around them
    fabric: Any = Fabric(
        accelerator=kind, devices=config.devices, num_nodes=config.nodes, strategy="ddp",
    )
    fabric.launch()
    team = FabricTeam(fabric)
    config.device = team.device
    return team

