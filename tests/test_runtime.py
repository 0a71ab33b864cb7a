"""What a run finds out about the machine."""

from pathlib import Path

import pytest
import torch

from lessons_lib import runtime
from lessons_lib.runtime import hub_home, is_faster_in_bf16, matmul_speeds, pick_device


@pytest.mark.parametrize(
    ("capabilities", "speeds", "wanted"),
    [
        ({"avx2": True}, {"fp32": 1.0, "bf16": 2.0}, False),  # imitated: not even measured
        ({"avx512_bf16": True}, {"fp32": 170.0, "bf16": 95.0}, False),  # an Intel Xeon without AMX
        ({"avx512_bf16": True}, {"fp32": 90.0, "bf16": 170.0}, True),
        ({"amx_bf16": True}, {"fp32": 184.0, "bf16": 1476.0}, True),
    ],
)
def test_bf16_is_used_where_it_gains(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], speeds: dict[str, float], wanted: bool
) -> None:
    monkeypatch.setattr(runtime, "_processor_gains_from_bf16", runtime._processor_gains_from_bf16.__wrapped__)  # without its memory
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(runtime, "matmul_speeds", lambda: speeds)
    assert is_faster_in_bf16(torch.device("cpu")) is wanted


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_each_of_several_processes_takes_a_gpu_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for rank in ("0", "1"):
        monkeypatch.setenv("LOCAL_RANK", rank)
        assert pick_device(name) == torch.device("cuda", int(rank))
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match="device 'cuda:2' was asked for, but torch sees 2 GPUs here: use cpu, or fewer processes"):
        pick_device(name)


def test_what_hugging_face_fetched_is_looked_for_where_its_libraries_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert hub_home() == Path.home() / ".cache" / "huggingface"
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert hub_home() == Path("/caches/huggingface")
    monkeypatch.setenv("HF_HOME", "/hub")
    assert hub_home() == Path("/hub")


def test_the_speed_of_products_is_measured() -> None:
    speeds = matmul_speeds()
    assert list(speeds) == ["fp32", "bf16"] and 0.1 < speeds["fp32"] < 1e5 and 0.1 < speeds["bf16"] < 1e5
