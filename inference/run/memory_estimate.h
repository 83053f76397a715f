// SPDX-License-Identifier: Apache-2.0
// What opening a model would take, against what the machine or one of its devices has now.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "gpu/backend.h"
#include "inference/files/model_source.h"
#include "inference/model/model_config.h"
#include "inference/run/engine.h"
#include "inference/run/find_pack.h"

namespace mneme {

// The context that `options` ask for. Errors: invalid (the model has less).
Result<std::int64_t> choose_context(const EngineOptions& options, const ModelConfig& config);

NumericMode numeric_mode(const EngineOptions& options);

MemoryEstimate estimate_memory(const ModelSource& source, const ModelConfig& config,
                               const PackChoice& pack, std::int64_t context,
                               const EngineOptions& options);

// The most of the last layers that `free` bytes of a device have room for; 0 = not even one.
std::int64_t layers_that_fit(const MemoryEstimate& needs, std::uint64_t free);

// How many of the last layers a device with `free` bytes takes where `asked` are asked for (0 = as
// many as it has room for); 0 = it has not so much room.
std::int64_t layers_taken(const MemoryEstimate& needs, std::int64_t asked, std::uint64_t free);

// How many layers `backend` takes, as options.gpu_layers asks, of what it has free now. Errors:
// out_of_memory, with the sum that does not fit and what would. The CPU pages, takes all and is
// never refused here.
Result<std::int64_t> choose_gpu_layers(const Backend& backend, const MemoryEstimate& needs,
                                       std::int64_t context, const EngineOptions& options);

// What a load of `layers` layers on `backend` says that failed on the way, after whatever it had
// taken was given back: where a device other than the CPU ran out of memory, `failed` with the same
// sums and what would fit.
Error explain_failed_load(const Error& failed, const Backend& backend, const MemoryEstimate& needs,
                          std::int64_t layers, std::int64_t context);

}  // namespace mneme
