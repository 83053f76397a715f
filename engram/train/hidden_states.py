# SPDX-License-Identifier: Apache-2.0
"""The residual stream at the first Engram block, for every window of a run, computed once.

The base is frozen, so what lies below the first memory never changes: on a processor keeping it
halves the work of a run. One file of bfloat16, [windows, length, D]; it grows window by window and
goes on where it stopped."""
import hashlib

import torch
from tqdm import tqdm


class KeptStates:
    BATCH = 4

    def __init__(self, run, windows, name):
        digest = hashlib.sha256(windows.tokens.tobytes() + run.base_sha256.encode() + bytes([run.first])).hexdigest()
        # Beside the run, so that the control of the same text shares it.
        self.path = run.folder.parent / f"states-{name}-{digest[:16]}.bf16"
        self.shape = (windows.length, run.model.width)
        self._fill(run, windows)
        self._file = open(self.path, "rb")

    def _window_bytes(self):
        return self.shape[0] * self.shape[1] * 2

    def _fill(self, run, windows):
        done = self.path.stat().st_size // self._window_bytes() if self.path.exists() else 0
        if done >= len(windows):
            return
        with open(self.path, "ab") as file:
            file.truncate(done * self._window_bytes())
            with tqdm(total=len(windows), initial=done, unit="window", desc="states below the memory") as bar:
                for first in range(done, len(windows), self.BATCH):
                    x = run.states(windows.tokens[first:first + self.BATCH])
                    file.write(x.to(torch.bfloat16).view(torch.int16).cpu().numpy().tobytes())
                    bar.update(len(x))

    def take(self, indices):
        """[B] window numbers -> [B, T, D] float32."""
        parts = []
        for i in indices:
            self._file.seek(int(i) * self._window_bytes())
            data = bytearray(self._file.read(self._window_bytes()))
            parts.append(torch.frombuffer(data, dtype=torch.int16).view(torch.bfloat16).view(self.shape))
        return torch.stack(parts).float()
