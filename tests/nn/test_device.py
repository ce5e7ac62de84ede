"""The choice of a device, its precision and its threads."""

from __future__ import annotations

import pytest
import torch

from studio.nn import device
from studio.nn.device import DeviceError, choose, devices


def test_the_cpu_is_always_there_and_last() -> None:
    found = devices()
    assert found[-1].name == "cpu" and "core" in found[-1].title
    assert choose("auto") == choose("") == found[0].name
    assert choose("CPU") == "cpu"


@pytest.mark.parametrize("wish", ["cuda:99", "tpu", "cuda" if not torch.cuda.is_available() else "cuda:98"])
def test_a_device_that_is_not_here_is_a_sentence(wish: str) -> None:
    with pytest.raises(DeviceError, match=r"there are: .*cpu \(or 'auto'\)"):
        choose(wish)


def test_precision() -> None:
    assert device.dtype("cpu") == torch.float32
    assert device.dtype("cuda:0") == device.dtype("mps") == torch.float16
    assert device.dtype("cpu", allow_bf16=True) in (torch.float32, torch.bfloat16)
    assert (device.dtype("cpu", allow_bf16=True) == torch.bfloat16) == device.cpu_bf16()


def test_one_core_stays_free(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device.cores() >= 1
    for cores, threads in ((1, 1), (2, 1), (16, 15)):
        monkeypatch.setattr(device, "cores", lambda count=cores: count)
        assert device.live_threads() == threads


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    with device.threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_is_found_named_and_chosen() -> None:
    first = devices()[0]
    assert first.name == "cuda:0" and first.memory > 0 and choose("gpu") == choose("cuda") == "cuda:0"
