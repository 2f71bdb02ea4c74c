"""A model is read from the config.json of Hugging Face's hub, and is the one of the registry."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsysim import InputError, Models, ServingModel, from_config

# Entries as the hub's files have them, those that matter and some that do not.
LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "attention_bias": False,
    "tie_word_embeddings": False,
    "rope_theta": 500000.0,
    "torch_dtype": "bfloat16",
}


def sized(base, hidden, ffn, layers, heads, kv_heads, vocab, **more):
    row = {"hidden_size": hidden, "intermediate_size": ffn, "num_hidden_layers": layers, "vocab_size": vocab}
    return {**base, **row, "num_attention_heads": heads, "num_key_value_heads": kv_heads, **more}


DEEPSEEK = {
    "model_type": "deepseek_v3",
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 3,
    "kv_lora_rank": 512,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
}
KIMI = {**DEEPSEEK, "model_type": "kimi_k2", "n_routed_experts": 384, "first_k_dense_replace": 1}
GPT_OSS = {
    "model_type": "gpt_oss",
    "head_dim": 64,
    "num_local_experts": 32,
    "num_experts_per_tok": 4,
    "sliding_window": 128,
    "attention_bias": True,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "tie_word_embeddings": False,
}
LLAMA4 = {
    "model_type": "llama4_text",
    "intermediate_size_mlp": 16384,
    "num_local_experts": 128,
    "num_experts_per_tok": 1,
    "interleave_moe_layer_step": 2,
    "attention_chunk_size": 8192,
    "head_dim": 128,
    "no_rope_layers": [1, 1, 1, 0] * 12,
}
CONFIGS = {
    "Llama3_1_8B": LLAMA,
    "Llama3_2_1B": sized(LLAMA, 2048, 8192, 16, 32, 8, 128256, head_dim=64, tie_word_embeddings=True),
    "TinyLlama_1_1B": sized(LLAMA, 2048, 5632, 22, 32, 4, 32000),
    "SmolLM3_3B": sized({"model_type": "smollm3", "tie_word_embeddings": True}, 2048, 11008, 36, 16, 4, 128256),
    "Mistral_7B": sized({"model_type": "mistral", "sliding_window": None}, 4096, 14336, 32, 32, 8, 32000),
    "Mistral_Small_3": sized({"model_type": "mistral", "head_dim": 128, "sliding_window": None}, 5120, 32768, 40, 32, 8, 131072),
    "Mixtral_8x7B": sized(
        {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": None},
        4096, 14336, 32, 32, 8, 32000,
    ),
    "Qwen2_5_7B": sized({"model_type": "qwen2", "use_sliding_window": False, "sliding_window": 131072}, 3584, 18944, 28, 28, 4, 152064),
    "Qwen3_4B": sized({"model_type": "qwen3", "head_dim": 128, "tie_word_embeddings": True}, 2560, 9728, 36, 32, 8, 151936),
    "Qwen3_30B_A3B": sized(
        {"model_type": "qwen3_moe", "head_dim": 128, "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768},
        2048, 6144, 48, 32, 4, 151936,
    ),
    "DeepSeek_V3": sized(DEEPSEEK, 7168, 18432, 61, 128, 128, 129280),
    "Kimi_K2": sized(KIMI, 7168, 18432, 61, 64, 64, 163840),
    "GPT_OSS_20B": sized(GPT_OSS, 2880, 2880, 24, 64, 8, 201088),
    "Llama4_Maverick": {
        "model_type": "llama4",
        "text_config": sized(LLAMA4, 5120, 8192, 48, 40, 8, 202048),
        "vision_config": {"hidden_size": 1408},
    },
    "Llama4_Scout": {
        "model_type": "llama4",
        "text_config": sized({**LLAMA4, "num_local_experts": 16, "interleave_moe_layer_step": 1}, 5120, 8192, 48, 40, 8, 202048),
    },
    "Gemma2_9B": sized({"model_type": "gemma2", "head_dim": 256, "sliding_window": 4096}, 3584, 14336, 42, 16, 8, 256000),
    "Gemma3_1B": sized({"model_type": "gemma3_text", "head_dim": 256, "sliding_window": 512, "sliding_window_pattern": 6}, 1152, 6912, 26, 4, 1, 262144),
    "Gemma3_27B": {
        "model_type": "gemma3",
        "text_config": sized({"model_type": "gemma3_text", "head_dim": 128, "sliding_window": 1024}, 5376, 21504, 62, 32, 16, 262208),
    },
    "Phi4": sized({"model_type": "phi3", "sliding_window": None}, 5120, 17920, 40, 40, 10, 100352),
    "GPT2": {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "n_inner": None, "vocab_size": 50257},
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(entries):
        path = tmp_path / "config.json"
        path.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", CONFIGS)
def test_the_config_of_a_model_gives_the_registrys_shape_count_and_times(file, name):
    read, known = from_config(file(CONFIGS[name]), name), Models[name]
    assert read.parameters == read.exact_parameters == known.exact_parameters
    assert read.architecture == replace(known.architecture, **unread(known.architecture))
    same = replace(known, parameters=known.exact_parameters)
    for batch in (1, 64):
        mine, theirs = (ServingModel().solve(m, "H200", 5000, batch) for m in (read, same))
        assert (mine.itl_s, mine.ttft_s, mine.kv_bytes) == (theirs.itl_s, theirs.ttft_s, theirs.kv_bytes)


def unread(shape):
    """What is never used of a shape, where it differs: the width of a dense layer where there is none."""
    return (
        {"ffn": 6144} if shape.experts == 128 and not shape.dense_layers and shape.expert_ffn == 768 else {}
    )


def test_the_first_mistral_has_a_window_in_every_layer(file):
    shape = from_config(file({**CONFIGS["Mistral_7B"], "sliding_window": 4096})).architecture
    assert (shape.window, shape.window_layers) == (4096, 32)


def test_a_folder_may_be_given_and_names_the_model(tmp_path):
    folder = tmp_path / "Llama-3.1-8B"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LLAMA))
    model = from_config(folder)
    assert model.name == "Llama_3_1_8B" and Models._check(model, {}, False) is None
    assert from_config(str(folder), "mine").name == "mine"


def test_another_size_gives_another_time(file):
    small, large = (
        from_config(file({**LLAMA, "num_hidden_layers": layers}), f"with_{layers}") for layers in (8, 80)
    )
    times = [ServingModel().solve(model, "H100", runtime="ideal").itl_s for model in (small, large)]
    assert 5 < times[1] / times[0] < 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "mamba"}, "unknown model_type 'mamba'"),
        ({"model_type": None}, "unknown model_type None"),
        ({"hidden_size": None}, "hidden_size is missing: give a whole number"),
        ({"intermediate_size": None}, "intermediate_size is missing"),
        ({"vocab_size": "many"}, "vocab_size = 'many' is not allowed"),
        ({"num_hidden_layers": 0}, "layers = 0 is not allowed"),
        ({"num_hidden_layers": -3}, "num_hidden_layers = -3"),
        ({"num_attention_heads": 2.5}, "num_attention_heads = 2.5"),
        ({"num_attention_heads": 0}, "heads = 0"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings = 'yes' is not allowed: give True or False"),
    ],
)
def test_an_entry_that_cannot_be_is_named_with_the_file(file, change, says):
    path = file({**LLAMA, **change})
    with pytest.raises(InputError, match=says) as error:
        from_config(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "nul", "[" * 100_000])
def test_a_file_that_is_no_object_is_refused(file, text):
    with pytest.raises(InputError):
        from_config(file(text))


@pytest.mark.parametrize("path", ["no/such/config.json", None, 3, "\0"])
def test_a_path_that_is_no_file_is_refused(path):
    with pytest.raises(InputError, match=r"path = .* give a config.json"):
        from_config(path)


values = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**12), st.floats(), st.text(max_size=3), st.lists(st.integers(), max_size=2))  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(CONFIGS)), st.data(), values)
def test_no_entry_ends_in_another_error_than_one_that_names_it(tmp_path_factory, name, data, value):
    entries = CONFIGS[name]
    inner = entries.get("text_config", entries)
    key = data.draw(st.sampled_from(sorted(inner)))
    changed = {**inner, key: value}
    path = tmp_path_factory.mktemp("config") / "config.json"
    path.write_text(json.dumps({**entries, "text_config": changed} if "text_config" in entries else changed))
    try:
        model = from_config(path, "drawn")
    except InputError as error:
        assert str(path) in str(error)
    else:
        assert ServingModel().solve(model, "H100").itl_s > 0
