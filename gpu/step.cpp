// SPDX-License-Identifier: Apache-2.0
#include "gpu/step.h"

#include "base/check.h"

namespace mneme {

void StepLists::clear() {
  tokens.clear();
  runs.clear();
  outputs.clear();
}

void StepLists::add(std::span<const TokenId> ids, std::int64_t position, std::int64_t sequence,
                    std::int64_t count) {
  CHECK(count >= 0 && count <= static_cast<std::int64_t>(ids.size()));
  tokens.insert(tokens.end(), ids.begin(), ids.end());
  runs.push_back({static_cast<std::int64_t>(ids.size()), position, sequence});
  const auto end = static_cast<std::int32_t>(tokens.size());
  for (auto t = end - static_cast<std::int32_t>(count); t < end; ++t) outputs.push_back(t);
}

}  // namespace mneme
