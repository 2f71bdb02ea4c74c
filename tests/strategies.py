"""Inputs that hypothesis draws, shared by the tests."""

from hypothesis import strategies as st

from mlsysim import TransformerModel
from mlsysim.data import load_csv, load_toml

batches = st.integers(1, 4096)
contexts = st.integers(1, 32768)
thresholds = st.floats(0.9, 4.2)
sparsities = st.floats(0, 0.9999)
bit_widths = st.floats(2, 16)
runtimes = st.sampled_from(sorted(load_toml("runtimes.toml")))

#: Every (family, method, pattern, recipe) that was measured.
measured_curves = st.sampled_from(
    sorted({(r["family"], r["method"], r["pattern"], r["recipe"]) for r in load_csv("accuracy.csv")})
)


@st.composite
def transformers(draw):
    """A dense decoder of any sensible shape."""
    kv_heads = draw(st.sampled_from([1, 2, 4, 8]))
    return TransformerModel(
        name="Drawn",
        title="Drawn",
        group="Custom",
        year=2024,
        parameters=draw(st.floats(1e8, 1e12)),
        layers=draw(st.integers(1, 128)),
        heads=kv_heads * draw(st.integers(1, 8)),
        kv_heads=kv_heads,
        head_dim=draw(st.sampled_from([64, 128])),
        family="llm_8b",
        source="drawn",
    )
