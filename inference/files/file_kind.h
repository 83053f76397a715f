// SPDX-License-Identifier: Apache-2.0
// What kind of GGUF a file is, told before anything in it is missed: people open an adapter or a
// projector and need to hear what to open instead.
#pragma once

#include "base/result.h"
#include "inference/files/metadata.h"

namespace mneme {

// Errors: unsupported (one of several files).
Status check_is_whole(const Metadata& file);

// A model. Errors: unsupported (an adapter, a projector, an importance matrix, a memory pack, ...:
// says what to open instead).
Status check_is_model(const Metadata& file);

}  // namespace mneme
