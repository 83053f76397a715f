// SPDX-License-Identifier: Apache-2.0
#include "tests/support/source_logits.h"

#include "inference/model/model_config.h"
#include "inference/model/placement.h"
#include "inference/model/weights.h"
#include "inference/run/session.h"

namespace mneme {

Result<std::vector<float>> source_logits(const ModelSource& source, std::span<const TokenId> tokens,
                                         Backend& backend) {
  const auto config = ModelConfig::read(source);
  if (!config) return config.error();
  const Placement placement(backend, config->n_layers());
  const auto weights = Weights::bind(source, *config, placement);
  if (!weights) return weights.error();
  SessionOptions options;
  options.context = static_cast<std::int64_t>(tokens.size());
  options.mode = NumericMode::exact;
  auto session =
      Session::create({*config, *weights, nullptr, nullptr, nullptr, placement}, options);
  if (!session) return session.error();
  std::vector<float> all;
  const std::vector<TokenId> ids(tokens.begin(), tokens.end());
  const Status done = (*session)->sync(ids, true, nullptr, [&](const StepView& step) {
    for (std::int64_t output = 0; output < step.outputs; ++output) {
      const auto logits = (*session)->logits(output);
      all.insert(all.end(), logits.begin(), logits.end());
    }
  });
  if (!done) return done.error();
  return all;
}

}  // namespace mneme
