"""Very many points in one solve: they go by blocks, to the same bits as one by one, in little memory."""

import pickle
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from mlsysim import Hardware, InputError, ServingModel, SingleNodeModel, solve_request
from mlsysim.model.timing import BLOCK, HUGE_PAGE, SweepTiming

FOR_BLOCKS = (
    20 * BLOCK * 8 + HUGE_PAGE
)  # bytes of some twenty arrays of a block, and of what stands before a result
LLAMA, H100 = "Llama3_8B", "H100"
decode = ServingModel().solve
node = SingleNodeModel().solve

LARGE = {
    "in a line": (np.arange(1, 70_002), np.arange(70_001) % 9000 + 1),
    "over two axes": (np.arange(1, 301)[:, None], np.arange(1, 301) * 40),
    "over two axes, turned": (np.arange(1, 301), np.arange(1, 301)[:, None] * 40),
    "over three axes, one of them empty of choice": (np.arange(1, 301)[None, :, None], np.arange(1, 301)),
    "over two axes, one of them long": (np.arange(1, 4)[:, None], np.arange(1, 100_001) % 9000 + 1),
    "of batches alone": (np.arange(1, 100_001), 2048),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("model", [LLAMA, "Mixtral_8x7B", "GPT_OSS_20B"])
def test_a_sweep_by_blocks_is_to_the_bit_that_of_its_pieces(name, model):
    batch, context = LARGE[name]
    whole = decode(model, H100, context, batch, "w4a16")
    assert isinstance(whole.timing, SweepTiming) and whole.shape == np.broadcast_shapes(
        batch.shape, np.shape(context)
    )
    batches, contexts = np.broadcast_arrays(batch, context)
    rng = np.random.default_rng(0)
    for flat in [0, batches.size - 1, *rng.integers(0, batches.size, 20)]:
        at = np.unravel_index(flat, batches.shape)
        one = decode(model, H100, contexts[at], batches[at], "w4a16")
        assert whole.itl_s[at] == one.itl_s and whole.throughput_per_s[at] == one.throughput_per_s
        assert whole.kv_bytes[at] == one.kv_bytes and whole.binding[at] == one.binding
    assert np.allclose(sum(whole.parts.values()), whole.itl_s, rtol=1e-12)


def test_large_sweeps_of_other_kinds_and_over_arrays_of_a_device_are_as_small_ones():
    batch = np.arange(1, 70_001)
    images, steps = node("ResNet50", "A100", batch), node(LLAMA, H100, batch, is_training=True)
    for whole, one in (
        (images, node("ResNet50", "A100", 70_000)),
        (steps, node(LLAMA, H100, 70_000, is_training=True)),
    ):
        assert whole.latency_s[-1] == one.latency_s and whole.binding[-1] == one.binding
    assert steps.mfu[-1] == node(LLAMA, H100, 70_000, is_training=True).mfu
    designed = replace(Hardware[H100], bandwidth_bytes_s=np.array([[1e12], [3.35e12]]))
    assert decode(LLAMA, designed, 2048, batch).itl_s[1, -1] == decode(LLAMA, H100, 2048, 70_000).itl_s
    with pytest.raises(InputError, match=r"batch_size \(70000,\), seq_len \(70001,\)"):
        decode(LLAMA, H100, np.arange(1, 70_002), batch)
    assert pickle.loads(pickle.dumps(images)).latency_s[-1] == images.latency_s[-1]


def test_requests_by_blocks_are_to_the_bit_those_of_their_pieces():
    prompts, answers = np.arange(1, 70_002) % 4096 + 1, np.arange(70_001) % 300 + 1
    for model in (LLAMA, "GPT_OSS_20B"):
        whole = solve_request(model, H100, prompts, answers, 8, "w4a16")
        for at in (0, 1, 299, 4095, 70_000):
            one = solve_request(model, H100, prompts[at], answers[at], 8, "w4a16")
            assert whole.latency_s[at] == one.latency_s and whole.ttft_s[at] == one.ttft_s


# Memory


def memory(take):
    """What *take* gives, and the most bytes it had at once."""
    tracemalloc.start()
    given = take()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return given, most


def test_a_sweep_takes_little_more_memory_than_its_result():
    batch = np.arange(1, 1_000_001)
    result, most = memory(lambda: decode(LLAMA, H100, 2048, batch))
    assert most < result.itl_s.nbytes + FOR_BLOCKS


@pytest.mark.parametrize("figure", ["ttft_s", "binding", "bottleneck", "parts"])
@pytest.mark.parametrize("group", [{}, {"devices": 2, "link": "nvlink4"}], ids=["one device", "two devices"])
def test_a_figure_of_a_sweep_takes_little_more_memory_than_its_values(figure, group):
    result = decode(LLAMA, H100, 2048, np.arange(1, 1_000_001), **group)
    values, most = memory(lambda: getattr(result, figure))
    size = sum(part.nbytes for part in values.values()) if figure == "parts" else values.nbytes
    assert most < size + FOR_BLOCKS
