// SPDX-License-Identifier: Apache-2.0
// THE transformer: from token ids to logits, top to bottom, as a graph of ops, cut into segments at
// the Engram layers; a graph for each part of its placement. Read build_graph.cpp to see what the
// model computes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "gpu/graph.h"
#include "inference/model/device_rows.h"
#include "inference/model/kv_cache.h"
#include "inference/model/model_builder.h"
#include "inference/model/model_config.h"
#include "inference/model/placement.h"
#include "inference/model/weights.h"
#include "inference/tables/memory_pack.h"

namespace mneme {

// The residual stream between two parts: copied from the buffer of the one that wrote it to that of
// the one that reads it.
struct ResidualTransfer {
  Buffer from;  // [tokens_max, D] f32, host-visible, of the part that wrote it
  Buffer to;    // the same, of the part that reads it
};

// Host-visible memory through which a step's inputs and outputs pass.
struct StepBuffers {
  Buffer logits;               // [outputs_max, vocab] f32
  std::vector<Buffer> rows;    // per Engram slot, [tokens_max, C * row_bytes]
  Buffer index;                // with DeviceRows: [tokens_max, orders] of RowLocation
  std::vector<Buffer> gates;   // per Engram slot, [tokens_max, G] f32
  std::vector<Buffer> writes;  // per Engram slot, [tokens_max, G] f32
  std::vector<ResidualTransfer> residual_transfers;  // [p] between parts p and p + 1

  static Result<StepBuffers> create(const ModelConfig& config, const MemoryPack* pack,
                                    const DeviceRows* device_rows, std::int64_t tokens_max,
                                    std::int64_t outputs_max, const Placement& placement);
};

// The weights and states that a model asks for, without a memory pack's.
ModelNeeds needs_of(const ModelConfig& config);

// Part `part` of the model. `pack` null = memory off or absent; `device_rows` null = the device
// caches no rows, and each step transfers all of them. Segments wait for the rows of the Engram
// layer whose slot is their WaitId. Everything passed in but the placement must outlive the graph.
Graph build_graph(const ModelConfig& config, const Weights& weights, const MemoryPack* pack,
                  const DeviceRows* device_rows, const KvCache& cache, const StepBuffers& io,
                  const Placement& placement, std::size_t part);

}  // namespace mneme
