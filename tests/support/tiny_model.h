// SPDX-License-Identifier: Apache-2.0
// A model of two layers with an untrained memory, written to files from a seed: small enough for
// sanitizers, whole enough for everything from the tokenizer to the window.
#pragma once

#include <string>

#include "gpu/tensor.h"

namespace mneme {

// A folder that is removed with everything in it at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct TinyModelOptions {
  DType type = DType::q4_0;
  std::int64_t context = 512;
  bool memory = true;  // also a pack, with Engram layers 0 and 1
};

// Writes `tiny.gguf` and, with memory, `tiny.engram.gguf` into `folder`. Returns the model's path.
std::string write_tiny_model(const std::string& folder, const TinyModelOptions& options = {});

}  // namespace mneme
