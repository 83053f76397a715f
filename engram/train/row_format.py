# SPDX-License-Identifier: Apache-2.0
"""Table rows as e4m3 values with one e8m0 scale for each 32 of them (33 bytes for 32 values).

e4m3 is the "fn" kind: bias 7, largest 448, no infinities. A scale byte s means 2^(s - 127)."""
import numpy as np

GROUP = 32
_LARGEST = 448.0


def _e4m3_values():
    code = np.arange(256)
    exponent, mantissa = code >> 3 & 15, code & 7
    value = np.where(exponent > 0, (1 + mantissa / 8) * 2.0 ** (exponent - 7.0), mantissa / 8 * 2.0 ** -6)
    value = np.where(code & 127 == 127, np.nan, value)
    return np.where(code & 128, -value, value).astype(np.float32)


E4M3 = _e4m3_values()


def _nearest_codes(values):
    """float -> e4m3 code, ties to even."""
    magnitude = np.minimum(np.abs(values), _LARGEST)
    _, exponent = np.frexp(magnitude)
    step = np.ldexp(1.0, np.maximum(exponent - 1, -6) - 3)
    rounded = np.minimum(np.rint(magnitude / step) * step, _LARGEST)
    codes = np.searchsorted(E4M3[:127], rounded.astype(np.float32)).astype(np.uint8)
    return codes | (np.signbit(values).astype(np.uint8) << 7)


def encode_rows(rows):
    """[n, d] float -> [n, d + d/32] bytes. The smallest power of two that keeps all 32 values in range."""
    n, d = rows.shape
    groups = rows.astype(np.float64).reshape(n, d // GROUP, GROUP)
    largest = np.abs(groups).max(-1)
    exponent = np.ceil(np.log2(np.maximum(largest, 2.0 ** -118) / _LARGEST)).clip(-126, 127)
    codes = _nearest_codes(groups / np.exp2(exponent)[..., None])
    return np.concatenate([codes.reshape(n, d), (exponent + 127).astype(np.uint8)], axis=1)


def decode_rows(data, d):
    """[n, d + d/32] bytes -> [n, d] float32."""
    codes = E4M3[data[:, :d]].reshape(len(data), d // GROUP, GROUP)
    scales = np.exp2(data[:, d:].astype(np.float64) - 127)
    return (codes * scales[..., None]).astype(np.float32).reshape(len(data), d)
