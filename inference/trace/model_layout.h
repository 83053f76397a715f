// SPDX-License-Identifier: Apache-2.0
// The loaded model and its memory as names and sizes, so that views and the command line need no
// tensor header. Plain data, immutable while the model is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inference/trace/trace_record.h"

namespace mneme {

struct MemoryLayout {
  std::string name;  // general.name of the pack
  std::string path;
  std::string license;
  bool trained = true;  // false: a stand-in of random rows, labelled "untrained" in every view
  std::vector<std::int32_t> layer_ids;  // 0-based
  std::int32_t streams = 1;             // G
  std::int32_t max_ngram_size = 0;      // N
  std::int32_t head_count = 0;          // H
  std::int32_t column_dims = 0;         // d
  std::uint64_t rows = 0;               // all layers
  std::uint64_t file_bytes = 0;
  std::uint64_t table_bytes = 0;
  std::string warning;  // "made for another fine-tune of this base"; empty = none
};

struct ModelLayout {
  std::string name;  // general.name, else the file's name
  std::string path;
  std::string architecture;  // "llama"
  std::string quantization;  // "Q4_1": the type that most weight bytes have
  std::uint64_t file_bytes = 0;
  std::string digest;  // SHA-256 of the file's header (metadata and tensor directory): which model
                       // answered
  std::int32_t layers = 0;
  std::int32_t width = 0;
  std::int32_t heads = 0;
  std::int32_t kv_heads = 0;
  std::int32_t vocabulary = 0;
  std::int64_t context_trained = 0;          // tokens the model was trained for
  std::int64_t context = 0;                  // tokens of this session
  std::uint64_t weight_bytes_per_token = 0;  // read once for every decoded token, memory off
  std::uint64_t kv_bytes_per_position = 0;   // read once for every earlier position
  std::string device;                        // "cpu", "vulkan"
  std::string backend;                       // "AMD EPYC, AVX-512 VNNI, 2 threads"
  std::int32_t device_layers = 0;            // of `layers`, that the device runs: the last ones
  std::string first_backend;                 // what runs the others, in words; empty = none are
  std::string numeric_mode;                  // "fast" or "exact"
  bool chat_available = true;
  std::string chat_unavailable_reason;  // why the template cannot run; empty when it can
  std::optional<MemoryLayout> memory;
  std::string memory_absent_reason;  // why there is none, for views; empty when there is one

  TraceShape trace_shape() const {  // with memory on
    if (!memory) return {};
    return {static_cast<std::uint8_t>(memory->layer_ids.size()),
            static_cast<std::uint8_t>(memory->streams),
            static_cast<std::uint8_t>(memory->max_ngram_size - 1)};
  }
};

}  // namespace mneme
