// SPDX-License-Identifier: Apache-2.0
// What opening a model would take, against what the machine or one of its devices has now.
#pragma once

#include <cstdint>

#include "gpu/backend.h"
#include "inference/base/result.h"
#include "inference/model/gguf.h"
#include "inference/model/model_config.h"
#include "inference/run/engine.h"

namespace mneme {

// The context that `options` ask for. Errors: invalid (the model has less).
Result<std::int64_t> choose_context(const EngineOptions& options, const ModelConfig& config);

NumericMode numeric_mode(const EngineOptions& options);

MemoryEstimate estimate_memory(const GgufFile& file, const ModelConfig& config,
                               std::int64_t context, const EngineOptions& options);

// Whether a device other than the CPU can hold the model. Errors: out_of_memory, with the sum that
// does not fit and what would. The CPU pages and is never refused here.
Status check_device_memory(const Backend& backend, const MemoryEstimate& needs,
                           std::int64_t context);

// What a load says that failed on the way, after whatever it had taken was given back: where a
// device other than the CPU ran out of memory, `failed` with the same sums and what would fit.
Error explain_failed_load(const Error& failed, const Backend& backend, const MemoryEstimate& needs,
                          std::int64_t context);

}  // namespace mneme
