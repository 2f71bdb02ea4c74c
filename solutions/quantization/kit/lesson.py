"""The lesson's functions, right, one idea to a line: what misconceptions change, and what answers are compared with to explain them.

No mark depends on this file: marks come from the tests of the source notebooks. It is data, never imported: it is read as text and compiled
with one or two lines changed (see :mod:`autograder.tutor.misconceptions`), so a line here is written to be changed, not to be short. In the
wheel for self-learners it is packed (see :mod:`autograder.selfstudy.wheels`). Names and arguments are the notebooks'; SI units throughout.
"""

# mypy: ignore-errors

from mlsysim import CompressionModel

__all__: list[str] = []


def ridge_point(peak_flops, bandwidth):
    return peak_flops / bandwidth


def attainable(ai, peak_flops, bandwidth):
    slope = ai * bandwidth
    return min(slope, peak_flops)


def regime(ai, ridge):
    waits_for_memory = ai < ridge
    return "memory-bound" if waits_for_memory else "compute-bound"


def speedup_limit(ai, ridge, k):
    intensity_after = ai * k
    before = max(1, ridge / ai)
    after = max(1, ridge / intensity_after)
    return before / after


def step_bytes(model, batch, context, weight_bits, kv_bits):
    tables = 2
    kv_heads = model["kv_heads"]
    tokens = batch * context
    cache_bits = kv_bits
    elements = model["layers"] * kv_heads * model["head_dim"]
    read_weights = model["params"]
    cache = tables * elements * tokens * cache_bits
    weights = read_weights * weight_bits
    return weights / 8, cache / 8


def step_flops(model, batch, context):
    per_multiply_add = 2
    heads = model["heads"]
    tokens = batch * context
    matmul = per_multiply_add * model["params"] * batch
    attention = per_multiply_add * 2 * model["layers"] * heads * model["head_dim"] * tokens
    return matmul, attention


def itl(model, device, runtime, batch, context, weight_bits, kv_bits):
    peak = device["peak_flops"]
    rate = peak * runtime["compute_efficiency"]
    speed = device["bandwidth"] * runtime["bandwidth_efficiency"]
    weights, cache = step_bytes(model, batch, context, weight_bits, kv_bits)
    matmul, attention = step_flops(model, batch, context)
    launches = model["layers"]
    overhead = launches * runtime["layer_overhead"]
    kernels = max(matmul / rate, weights / speed) + max(attention / rate, cache / speed)
    return kernels + overhead


def speedup(model, device, runtime, batch, context, weight_bits, kv_bits):
    baseline_kv_bits = 16
    slow = itl(model, device, runtime, batch, context, 16, baseline_kv_bits)
    fast = itl(model, device, runtime, batch, context, weight_bits, kv_bits)
    return slow / fast


def speedup_at(model, device, runtime, batch, context, weight_bits, kv_bits):
    return speedup(model, device, runtime, batch, context, weight_bits, kv_bits)


def crossover_batch(model, device, runtime, context, threshold, max_batch, weight_bits, kv_bits):
    for batch in range(1, max_batch + 1):
        gain = speedup_at(model, device, runtime, batch, context, weight_bits, kv_bits)
        if gain < threshold:
            return batch
    return None


def stored_bits(option, group_size, scale_bits):
    if option["method"] == "pruning":
        position = 1
        return 16 * (1 - option["sparsity"]) + position
    scale = scale_bits / group_size if option["bits"] < 8 else 0
    return option["bits"] + scale


def compression_table(params, options, deltas, group_size, scale_bits):
    uncompressed = 16
    gigabyte = 1e9
    rows = []
    for option, delta in zip(options, deltas):  # noqa: B905 (as many by contract)
        bits = stored_bits(option, group_size, scale_bits)
        row = {"name": option["name"], "bits_per_weight": bits, "accuracy_delta": delta}
        row["size_gb"] = params * bits / 8 / gigabyte
        row["ratio"] = uncompressed / bits
        rows.append(row)
    return rows


def dominates(a, b):
    return a[0] >= b[0] and a[1] >= b[1] and a != b


def pareto_front(points):
    return [i for i, point in enumerate(points) if not any(dominates(other, point) for other in points)]


def best_under(points, max_loss):
    allowed = [i for i, point in enumerate(points) if -point[1] <= max_loss]
    return max(allowed, key=lambda i: (points[i][0], points[i][1], -i), default=None)


def largest_code(bits):
    return 2 ** (bits - 1) - 1


def groups_of(weights, group_size):
    return [weights[start : start + group_size] for start in range(0, len(weights), group_size)]


def absmax(group):
    return max(abs(weight) for weight in group)


def scales_of(weights, bits, group_size):
    return [absmax(group) / largest_code(bits) for group in groups_of(weights, group_size)]


def nearest_code(weight, scale):
    if scale == 0:
        return 0
    return round(weight / scale)


def quantize(weights, bits, group_size):
    scales = scales_of(weights, bits, group_size)
    codes = [nearest_code(weight, scales[place // group_size]) for place, weight in enumerate(weights)]
    return codes, scales


def dequantize(codes, scales, group_size):
    restored = []
    for place, code in enumerate(codes):
        scale = scales[place // group_size]
        restored.append(code * scale)
    return restored


def error_bound(weights, bits, group_size):
    largest_error = 0.5
    return [largest_error * scale for scale in scales_of(weights, bits, group_size)]


def pack(codes):
    packed = []
    for place in range(0, len(codes), 2):
        low = codes[place] % 16
        high = codes[place + 1] % 16 if place + 1 < len(codes) else 0
        packed.append(low + high * 16)
    return packed


def unpack(packed, count):
    codes = []
    for byte in packed:
        pair = [byte % 16, byte // 16]
        codes += [value - 16 if value > 7 else value for value in pair]
    return codes[:count]


def prune(weights, sparsity):
    count = int(sparsity * len(weights))
    order = sorted(range(len(weights)), key=lambda place: abs(weights[place]))
    gone = set(order[:count])
    return [0.0 if place in gone else weight for place, weight in enumerate(weights)]


def matmul_seconds(weights, bits_stored, bandwidth, unpack_seconds, peak_flops, rows_at_once, batch):
    flops = 2
    traffic = weights * bits_stored / 8 / bandwidth
    unpacking = weights * unpack_seconds
    row = flops * weights / peak_flops
    first_rows = min(batch, rows_at_once)
    rows_after = batch - first_rows
    return max(traffic, unpacking, row * first_rows) + row * rows_after


def first_below(batches, gains, threshold):
    for place, batch in enumerate(batches):
        if gains[place] < threshold:
            return batch
    return None


def answers_0_self_check(case):
    peak, bandwidth = case["device"]["peak_flops"], case["device"]["bandwidth"]
    kernel = case["intensity"], case["ridge"]
    gain = speedup_limit(*kernel, case["shrink"])
    intensities = [10 ** (-1 + i / 20) for i in range(101)]
    ridge = ridge_point(peak, bandwidth)
    return {
        "answer_regime": regime(*kernel),
        "answer_speedup": gain,
        "answer_helps": gain > 1,
        "rates": [attainable(ai, peak, bandwidth) for ai in intensities],
        "gains": [speedup_limit(ai, ridge, case["shrink"]) for ai in intensities],
    }


def answers_1_predict(case):
    quantized_kv = 4
    small, large, device, runtime = case["small"], case["large"], case["device"], case["runtime"]
    size = case["batch"], case["context"]
    overheads = [0, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 200e-6]
    gains = [speedup(model, device, runtime, *size, 4, quantized_kv) for model in (small, large)]
    swept = [
        [
            speedup(model, device, runtime | {"layer_overhead": tau}, *size, 4, quantized_kv)
            for tau in overheads
        ]
        for model in (small, large)
    ]
    fits = [sum(step_bytes(large, *size, bits, bits)) <= device["memory"] for bits in (16, 4)]
    names = ("gain_small", "gain_large", "fits_fp16", "fits_int4", "sweep_small", "sweep_large")
    return dict(zip(names, (*gains, *fits, *swept), strict=True))


def answers_2_crossover(case):
    kv_bits = 16
    runtime = case["runtime"]
    model, device, eager = case["model"], case["device"], case["eager_runtime"]
    answers = {}
    for length in ("short", "long"):
        context = case[f"context_{length}"]
        for order, threshold in zip(("first", "second"), case["thresholds"], strict=True):
            found = crossover_batch(model, device, runtime, context, threshold, case["max_batch"], 4, kv_bits)
            answers[f"below_{order}_{length}"] = found
        curve = [speedup_at(model, device, runtime, batch, context, 4, kv_bits) for batch in range(1, 257)]
        answers[f"curve_{length}"] = curve
    answers["binds_short"], answers["binds_long"] = "compute ceiling", "KV traffic"
    for name, chosen in (("gain_eager", eager), ("gain_bare", eager | {"layer_overhead": 0.0})):
        answers[name] = speedup_at(model, device, chosen, 1, case["context_long"], 4, 4)
    return answers


def answers_3_frontier(case):
    answers = {}
    for kind in ("llm", "cnn"):
        deltas = [
            CompressionModel()
            .solve(case[f"{kind}_name"], case["device_name"], o["method"], o["bits"], o["sparsity"])
            .estimated_accuracy_delta
            for o in case["options"]
        ]
        table = compression_table(
            case[f"{kind}_params"], case["options"], deltas, case["group_size"], case["scale_bits"]
        )
        points = [(row["ratio"], row["accuracy_delta"]) for row in table]
        best = best_under(points, case["max_loss"])
        answers[f"deltas_{kind}"] = deltas
        answers[f"table_{kind}"] = table
        answers[f"front_{kind}"] = [table[i]["name"] for i in pareto_front(points)]
        answers[f"best_{kind}"] = None if best is None else table[best]["name"]
    return answers


def answers_4_measure(case):
    scale_bits, bitmask = 16, 1
    stored = []
    for option in case["options"]:
        bits = 16
        if option["method"] == "quantization":
            scales = sum(count / (option["group_size"] or count) for count in case["layer_weights"])
            bits = option["bits"] + scale_bits * scales / sum(case["layer_weights"])
        if option["method"] == "pruning":
            bits = 16 * (1 - option["sparsity"]) + bitmask
        stored.append(bits)
    return {"bits_stored": stored}
