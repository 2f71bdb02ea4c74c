"""Today's transformers against closed forms: causal prefill, experts, sliding windows, latent attention."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsysim import (
    Architecture,
    InputError,
    Models,
    Runtime,
    ServingModel,
    SingleNodeModel,
    TransformerModel,
    crossover_batch,
)

solve = ServingModel().solve
H100 = {"peak": 989.4e12, "bandwidth": 3.35e12}
batches = st.integers(1, 512)
contexts = st.integers(1, 65536)


def a_model(layers=8, heads=16, kv_heads=4, head_dim=64, **shape):
    shape = Architecture(**{"hidden": 1024, "ffn": 4096, "vocab": 32000, **shape})
    count = shape.parameters(layers, heads, kv_heads, head_dim)
    return TransformerModel(
        "Made",
        parameters=count,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        architecture=shape,
    )


def ceilings(flops, moved):
    return max(flops / H100["peak"], moved / H100["bandwidth"])


# --- prefill


@given(batches, contexts)
def test_a_prefill_is_causal_and_only_the_last_token_goes_through_the_output_head(batch, context):
    r = solve("Llama3_8B", "H100", context, batch, runtime="ideal")
    table = 128256 * 4096  # entries of the input embedding, which is looked up, and of the output head
    matmuls = 2 * batch * (context * (8.03e9 - 2 * table) + table)
    attention = 2 * 32 * 32 * 128 * batch * context**2  # half of 4·L·H·d·B·S²
    cache = 2 * 32 * 8 * 128 * 2 * batch * context
    assert r.ttft_s == pytest.approx(ceilings(matmuls, 16.06e9) + ceilings(attention, cache) + 10e-6)


@pytest.mark.parametrize(("context", "times"), [(2048, 1.18), (131072, 1.75)])
def test_counting_all_pairs_and_every_head_takes_as_much_longer_as_was_measured(context, times):
    r = solve("Llama3_8B", "H100", context, runtime="ideal")
    full = 2 * 8.03e9 * context + 4 * 32 * 32 * 128 * context**2
    assert full / H100["peak"] / r.ttft_s == pytest.approx(times, abs=0.01)


def test_a_tied_embedding_is_the_output_head_and_is_left_out_once():
    model = a_model(tied=True)
    r = solve(model, "H100", 65536, runtime="ideal")
    body = model.parameters - 32000 * 1024
    pairs = 2 * 8 * 16 * 64 * 65536**2
    assert r.ttft_s == pytest.approx((2 * (65536 * body + 32000 * 1024) + pairs) / H100["peak"] + 10e-6)


def test_training_counts_all_pairs_as_papers_do():
    r = SingleNodeModel().solve("Llama3_8B", "H100", 2, is_training=True, seq_len=4096, runtime="ideal")
    assert r.kernels[1].flops == 12 * 32 * 32 * 128 * 4096**2 * 2


# --- mixture of experts


@given(st.integers(2, 64), st.data(), batches)
def test_a_step_reads_the_distinct_experts_that_its_tokens_are_expected_to_choose(experts, data, batch):
    active = data.draw(st.integers(1, experts))
    model = a_model(experts=experts, active_experts=active)
    r = solve(model, "H100", 1, batch, runtime="ideal")
    expert = 3 * 1024 * 4096
    rest = model.parameters - 8 * experts * expert
    distinct = experts * (1 - (1 - active / experts) ** batch)
    assert r.kernels[0].bytes == pytest.approx(2 * (rest + 8 * distinct * expert))
    assert r.kernels[0].flops == pytest.approx(2 * batch * (rest + 8 * active * expert))
    assert r.weights_bytes == 2 * model.parameters


def test_draws_of_a_router_agree_with_the_expected_number_of_distinct_experts():
    rng = np.random.default_rng(0)
    drawn = [len({e for _ in range(16) for e in rng.choice(32, 4, replace=False)}) for _ in range(4000)]
    model = a_model(experts=32, active_experts=4)
    moved = solve(model, "H100", 1, 16, runtime="ideal").kernels[0].bytes / 2
    rest = model.parameters - model.routed_parameters
    assert 32 * (moved - rest) / model.routed_parameters == pytest.approx(np.mean(drawn), rel=0.005)


def test_one_sequence_reads_the_active_parameters_and_many_read_all():
    model = Models.Mixtral_8x7B
    one, many = (solve(model, "H200", 1, b).kernels[0].bytes for b in (1, 4096))
    assert one == pytest.approx(2 * model.active_parameters)
    assert many == pytest.approx(2 * model.parameters)
    assert solve(model, "H100").feasible is False and solve(model, "H200").feasible is True


def test_all_experts_active_is_a_dense_model():
    some = a_model(experts=4, active_experts=4)
    r = solve(some, "H100", 100, np.arange(1, 100))
    assert r.kernels[0].bytes.tolist() == [2 * some.parameters] * 99


def test_dense_layers_and_a_shared_expert_are_read_whatever_the_router_says():
    shape = {"experts": 16, "active_experts": 2, "expert_ffn": 512, "shared_ffn": 1024, "dense_layers": 3}
    model = a_model(**shape)
    attention = 2 * 1024 * 1024 + 2 * 1024 * 256
    layer = attention + 2 * 1024
    dense, routed, shared = (3 * 1024 * width for width in (4096, 512, 1024))
    body = 8 * layer + 3 * dense + 5 * (16 * routed + shared + 16 * 1024)
    assert model.parameters == body + 2 * 32000 * 1024 + 1024
    assert model.parameters - model.active_parameters == 5 * 14 * routed == model.routed_parameters * 7 // 8


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(8, 2), (64, 1), (128, 8)]),
    st.floats(0.9, 4),
    st.integers(1, 4096),
    st.sampled_from(["ideal", "tutorial"]),
)
def test_the_crossover_of_a_mixture_is_the_first_batch_of_all_that_is_below(experts, least, context, runtime):
    model = a_model(experts=experts[0], active_experts=experts[1])
    every = np.arange(1, 3001)
    slow, fast = (solve(model, "H100", context, every, p, runtime=runtime).itl_s for p in ("fp16", "w4a16"))
    below = np.flatnonzero(slow / fast < least)
    found = crossover_batch(model, "H100", least, seq_len=context, runtime=runtime, max_batch=3000)
    assert found.batch == (int(every[below[0]]) if below.size else None)


# --- sliding windows


@given(batches, contexts, st.integers(1, 8192), st.integers(1, 8))
def test_a_layer_with_a_window_keeps_no_more_than_its_window(batch, context, window, windowed):
    r = solve(a_model(window=window, window_layers=windowed), "H100", context, batch, runtime="ideal")
    kept = (8 - windowed) * context + windowed * min(context, window)
    assert r.kv_bytes == pytest.approx(2 * 4 * 64 * 2 * batch * kept)
    assert r.kernels[1].bytes == pytest.approx(r.kv_bytes)
    assert r.kernels[1].flops == pytest.approx(4 * 16 * 64 * batch * kept)


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_causal_prefill_with_a_window_looks_at_the_pairs_within_it(context, window):
    whole, cut = (
        solve(a_model(window=w, window_layers=8), "H100", context, runtime=Runtime("slow", 1, 1e-6, 0))
        for w in (10**9, window)
    )
    matmuls = 2 * (context * (whole.model.parameters - 2 * 32000 * 1024) + 32000 * 1024) / 989.4e6
    pairs = [(r.ttft_s - 10e-6 - matmuls) * 989.4e6 / (4 * 8 * 16 * 64) for r in (whole, cut)]
    token = np.arange(
        context
    )  # each looks at itself half, as in S²/2, and at those before it within the window
    exact = np.minimum(token + 0.5, window).sum()
    assert pairs[0] == pytest.approx(context**2 / 2, rel=1e-3, abs=1)
    assert pairs[1] == pytest.approx(exact, rel=1e-2, abs=1)


def test_a_window_and_its_layers_come_together():
    for shape in ({"window": 128}, {"window_layers": 2}):
        with pytest.raises(InputError, match="give both"):
            a_model(**shape)


# --- latent attention


@given(batches, contexts)
def test_latent_attention_caches_one_vector_and_one_rotary_key(batch, context):
    model = a_model(kv_rank=512, rope_dim=64, q_rank=1536, value_dim=128, head_dim=128)
    r = solve(model, "H100", context, batch, runtime="ideal")
    assert r.kv_bytes == (512 + 64) * 8 * 2 * batch * context
    assert r.kernels[1].flops == pytest.approx(2 * 16 * (2 * 512 + 64) * 8 * batch * context)


def test_latent_attention_has_the_weights_of_its_five_matrices():
    model = a_model(kv_rank=512, rope_dim=64, q_rank=1536, value_dim=96, head_dim=128)
    queries = 1024 * 1536 + 1536 + 1536 * 16 * (128 + 64)
    latent = 1024 * (512 + 64) + 512 + 512 * 16 * (128 + 96)
    layer = queries + latent + 16 * 96 * 1024 + 3 * 1024 * 4096 + 2 * 1024
    assert model.parameters == 8 * layer + 2 * 32000 * 1024 + 1024


def test_a_prefill_with_latent_attention_makes_keys_and_values_of_their_own_size():
    model = a_model(kv_rank=512, rope_dim=64, value_dim=96, head_dim=128)
    r = solve(model, "H100", 32768, runtime="ideal")
    matmuls = 2 * (32768 * (model.parameters - 2 * 32000 * 1024) + 32000 * 1024)
    attention = 2 * 16 * (128 + 64 + 96) * 8 * 32768**2 / 2
    assert r.ttft_s == pytest.approx((matmuls + attention) / H100["peak"] + 10e-6)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ({"rope_dim": 64}, "rope_dim = 64 is not used: give kv_rank with it"),
        ({"shared_ffn": 64}, "shared_ffn = 64 is not used: give experts with it"),
        ({"experts": 4, "active_experts": 5}, "active_experts = 5 is not allowed: give a whole number from 1 to 4"),
        ({"window": -1}, "window = -1"),
        ({"kv_rank": 1.5}, "kv_rank = 1.5"),
        ({"sinks": 1}, "sinks = 1 is not allowed: give True or False"),
    ],
)  # fmt: skip
def test_a_shape_that_cannot_be_is_named(shape, says):
    with pytest.raises(InputError, match=says):
        a_model(**shape)


@pytest.mark.parametrize("count", [1e6, 4.6e7])
def test_a_count_below_that_of_the_tables_and_experts_is_refused(count):
    model = a_model(experts=8, active_experts=2)
    with pytest.raises(InputError, match=r"parameters = .* the experts of its architecture alone have \d+"):
        replace(model, parameters=count)
    assert replace(model, parameters=model.parameters * 0.999).exact_parameters == model.parameters


@pytest.mark.parametrize("name", ["Mixtral_8x7B"])
def test_training_is_for_dense_transformers(name):
    with pytest.raises(InputError, match=r"is_training=True: .* dense transformers with full attention"):
        SingleNodeModel().solve(name, "H100", is_training=True)
