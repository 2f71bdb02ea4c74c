"""The lesson's functions, right, one idea to a line: what misconceptions change, and what answers are compared with to explain them.

No mark depends on this file: marks come from the tests of the source notebooks. It is data, never imported: it is read as text and compiled
with one or two lines changed, so a line here is written to be changed, not to be short. Names and arguments are the notebooks'; SI units
throughout.
"""

# mypy: ignore-errors

import math

__all__: list[str] = []


def cache_bits(kv_bits, group_size, scale_bits):
    shared = scale_bits / group_size
    beside = shared if kv_bits < 8 else 0
    return kv_bits + beside


def bytes_per_token(layers, kv_heads, head_dim, bits):
    tables = 2
    deep = layers
    stored = bits
    values = tables * deep * kv_heads * head_dim
    return values * stored / 8


def cache_bytes(model, users, context, bits):
    kv_heads = model["kv_heads"]
    tokens = users * context
    each = bytes_per_token(model["layers"], kv_heads, model["head_dim"], bits)
    return each * tokens


def weight_bytes(model, weight_bits):
    return model["params"] * weight_bits / 8


def break_even_tokens(model, weight_bits, bits):
    weights = weight_bytes(model, weight_bits)
    token = cache_bytes(model, 1, 1, bits)
    return math.ceil(weights / token)


def users_that_fit(model, memory, context, weight_bits, kv_bits):
    weights = weight_bytes(model, weight_bits)
    each = cache_bytes(model, 1, context, kv_bits)
    users = (memory - weights) / each
    return max(0, math.floor(users))


def longest_context(model, memory, users, weight_bits, kv_bits):
    left = memory - weight_bytes(model, weight_bits)
    sharing = users
    token = cache_bytes(model, 1, 1, kv_bits) * sharing
    return max(0, math.floor(left / token))


def itl(model, device, runtime, users, context, weight_bits, kv_bits):
    compute = device["peak_flops"] * runtime["compute_efficiency"]
    bandwidth = device["bandwidth"] * runtime["bandwidth_efficiency"]
    heads = model["heads"]
    weights = weight_bytes(model, weight_bits)
    caches = cache_bytes(model, users, context, kv_bits)
    multiply = 2 * model["params"] * users
    attend = 4 * model["layers"] * heads * model["head_dim"] * users * context
    kernels = max(multiply / compute, weights / bandwidth) + max(attend / compute, caches / bandwidth)
    overhead = model["layers"] * runtime["layer_overhead"]
    return kernels + overhead


def throughput(model, device, runtime, users, context, weight_bits, kv_bits):
    step = itl(model, device, runtime, users, context, weight_bits, kv_bits)
    return users / step


def served_users(model, device, runtime, context, itl_limit, weight_bits, kv_bits):
    most = users_that_fit(model, device["memory"], context, weight_bits, kv_bits)
    low, high = (
        0,
        max(0, math.ceil(most)),
    )  # of the users that fit, how many have to wait: halved, as a wrong model may let billions fit
    while low < high:
        users = most - (low + high) // 2
        step = itl(model, device, runtime, users, context, weight_bits, kv_bits)
        if step > itl_limit:
            low = (low + high) // 2 + 1
        else:
            high = (low + high) // 2
    served = most - low
    return served


def answers_0_bytes(case):
    gigabyte = 1e9
    quantized = cache_bits(case["quantized_bits"], case["group_size"], case["scale_bits"])
    model, context = case["model"], case["context"]
    shape = model["layers"], model["head_dim"]

    def token(kv_heads, bits):
        return bytes_per_token(shape[0], kv_heads, shape[1], bits)

    def curve(kv_heads, bits):
        return [cache_bytes(model | {"kv_heads": kv_heads}, 1, 2**k, bits) / gigabyte for k in range(10, 23)]

    def enough(bits):
        return math.ceil(break_even_tokens(model, 16, bits) / context)

    return {
        "token_mha": token(model["heads"], 16),
        "token_gqa": token(model["kv_heads"], 16),
        "token_mqa": token(1, 16),
        "saving": token(model["heads"], 16) / token(model["kv_heads"], quantized),
        "gb_16": cache_bytes(model, case["users"], context, 16) / gigabyte,
        "gb_quantized": cache_bytes(model, case["users"], context, quantized) / gigabyte,
        "users_16": enough(16),
        "users_quantized": enough(quantized),
        "curve_mha": curve(model["heads"], 16),
        "curve_gqa": curve(model["kv_heads"], 16),
        "curve_mqa": curve(1, 16),
        "curve_quantized": curve(model["kv_heads"], quantized),
    }


def answers_1_users(case):
    shorter = 8
    model, device, context = case["roomy"], case["roomy_device"], case["roomy_context"]
    place = model, device, case["runtime"]
    answers = {}
    for size in ("roomy", "tight"):
        where = case[size], case[f"{size}_device"]["memory"], case[f"{size}_context"]
        users = [users_that_fit(*where, *plan) for plan in case["plans"]]
        answers[f"users_{size}"] = users
        answers[f"better_{size}"] = "weights" if users[1] > users[2] else "cache"
    full_16 = users_that_fit(model, device["memory"], context, 16, 16)
    full_8 = users_that_fit(model, device["memory"], context, 16, shorter)

    def rate(users, kv_bits):
        return throughput(*place, users, context, 16, kv_bits)

    answers["longest_16"] = longest_context(model, device["memory"], case["sharing"], 16, 16)
    answers["longest_8"] = longest_context(model, device["memory"], case["sharing"], 16, shorter)
    answers["gain_one"] = rate(1, shorter) / rate(1, 16)
    answers["gain_same"] = rate(full_16, shorter) / rate(full_16, 16)
    answers["gain_full"] = rate(full_8, shorter) / rate(full_16, 16)
    for name, limit in zip(("strict", "lax"), case["limits"], strict=True):
        served = served_users(*place, context, limit, 16, shorter)
        answers[f"served_{name}"] = served
        answers[f"binds_{name}"] = "memory" if served == full_8 else "latency"
    counts = sorted({round(2 ** (k / 4)) for k in range(41)})
    for bits, most in ((16, full_16), (8, full_8)):
        answers[f"curve_{bits}"] = [rate(users, bits) if users <= most else None for users in counts]
    return answers
