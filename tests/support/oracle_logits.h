// SPDX-License-Identifier: Apache-2.0
// Tiny models with exact answers that other programs made: one folder each, with model.gguf, or
// config.json and safetensors, or both, with tokens.json (`ids`) and logits.npy (float32 [ids,
// vocabulary]), in a folder of folders (oracles.h).
#pragma once

#include <filesystem>

#include "gpu/backend.h"
#include "inference/files/model_source.h"

namespace mneme {

// Of the largest logit, in exact mode.
constexpr double kCpuDeviation = 4e-6;
constexpr double kDeviceDeviation = 2e-5;

// The largest difference of the logits in `folder`, over the largest logit; negative: it failed,
// and the test with it.
double oracle_deviation(const std::filesystem::path& folder, const ModelSource& source,
                        Backend& backend);

// Every folder of oracles_folder(): expects a deviation of at most `most`, prints a line for each.
// Families that are not claimed are skipped. Returns how many were compared.
int compare_with_oracles(Backend& backend, double most);

}  // namespace mneme
