"""Which number format a device computes quickly."""

from __future__ import annotations

import torch


def fast_bfloat16(device: str | torch.device = "cpu") -> bool:
    """Whether convolutions in bfloat16 are (much) quicker than in float32: CPUs with AMX, and graphics processors."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported()
    if kind != "cpu":
        return False
    # the public capability string stops at AVX512, which alone does not make bfloat16 quick
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(supported is not None and supported())
