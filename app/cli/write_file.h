// SPDX-License-Identifier: Apache-2.0
// How commands write large files: the size first, then progress, and Ctrl+C keeps what is done.
#pragma once

#include <string>

#include "inference/files/gguf_writer.h"

namespace mneme::cli {

// The exit code. With `estimate` only the size is printed.
int write_file(const GgufWriter& writer, const std::string& path, bool estimate);

}  // namespace mneme::cli
