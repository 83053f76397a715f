// SPDX-License-Identifier: Apache-2.0
// Icons and fonts live in a static library, whose initialisers the linker would leave out: whoever
// needs them calls this first. Any number of times; UI thread.
#pragma once

namespace mneme {
void load_resources();
}
