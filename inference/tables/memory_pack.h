// SPDX-License-Identifier: Apache-2.0
// A memory pack: one GGUF with the tables and projections of paper-style Engram layers for one base
// model (engram/PACK.md). Opened and validated against the model's sizes and tokenizer;
// table rows stay in the file. Immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engram/ngram_hasher.h"
#include "engram/table_source.h"
#include "gpu/backend.h"
#include "inference/files/gguf.h"
#include "inference/model/model_config.h"
#include "inference/model/placement.h"
#include "inference/model/weight_tensor.h"
#include "inference/trace/model_layout.h"

namespace mneme {

// What the header says, before it is compared with a model.
struct PackHeader {
  std::string name;
  std::string license;
  bool trained = true;  // engram.trained; packs of random rows say false
  std::int32_t version = 0;
  std::string variant;
  std::string encoding;
  std::int32_t streams = 0;
  std::int32_t column_dims = 0;  // d
  std::int64_t embedding_length = 0;
  std::int64_t block_count = 0;
  float gate_norm_eps = 0;
  float conv_norm_eps = 0;
  std::int32_t conv_kernel = 0;
  std::int32_t conv_dilation = 0;
  std::string tokenizer_sha256;
  std::string base_sha256;
  HashSpec hash;

  std::int64_t memory_width() const { return std::int64_t{hash.columns()} * column_dims; }  // M
  std::uint32_t row_bytes() const {
    return static_cast<std::uint32_t>(column_dims + column_dims / 32);
  }
};

bool is_memory_pack(const GgufFile& file);

// Every key checked for type, range and agreement with the others and with the tensors of the file.
// Errors: corrupt, unsupported; both name the key or tensor.
Result<PackHeader> read_pack_header(const GgufFile& file);

// Errors: invalid, naming what differs (tokenizer, width, blocks, streams).
Status check_pack_fits(const GgufFile& file, const PackHeader& header, const ModelConfig& config,
                       const std::string& tokenizer_sha256);

// The projections, norms and kernels of every layer have the shapes and types that the header asks
// for, and there are no other tensors. Errors: corrupt, unsupported; both name the tensor.
Status check_pack_tensors(const GgufFile& file, const PackHeader& header);

struct EngramLayerWeights {
  WeightTensor key, key_bias;      // [G*D, M], [1, G*D]
  WeightTensor value, value_bias;  // [D, M], [1, D]
  WeightTensor key_norm;           // [1, G*D]
  WeightTensor query_norm;         // [1, G*D]
  WeightTensor conv;               // [G*D, taps]
  WeightTensor conv_norm;          // [1, G*D]
};

struct MemoryPack {
  PackHeader header;
  std::shared_ptr<const NgramHasher> hasher;
  std::vector<TableSource> tables;         // by slot, as header.hash.layers
  std::vector<EngramLayerWeights> layers;  // by slot
  MemoryLayout layout;

  // `file` must outlive the pack's weights: the CPU aliases them.
  static Result<MemoryPack> open(const GgufFile& file, const ModelConfig& config,
                                 const std::string& tokenizer_sha256,
                                 const std::string& base_sha256, const Placement& placement);
};

}  // namespace mneme
