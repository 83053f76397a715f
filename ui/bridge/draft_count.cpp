// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/draft_count.h"

namespace mneme {

DraftCount countDraft(const EngineView& model, const std::string& draft,
                      std::vector<TokenId> before) {
  DraftCount count;
  const std::vector<TokenId> tokens = model.tokenizer().encode(draft);
  count.tokens = static_cast<qint64>(tokens.size());
  const NgramHasher* hasher = model.hasher();
  if (hasher == nullptr) return count;
  const HashSpec& spec = hasher->spec();
  const auto rowsOfNgram =
      static_cast<qint64>(spec.head_count) * static_cast<qint64>(spec.layers.size());
  std::vector<NgramKey> keys(static_cast<std::size_t>(spec.orders()));
  const std::size_t first = before.size();
  before.insert(before.end(), tokens.begin(), tokens.end());
  for (std::size_t position = first; position < before.size(); ++position) {
    hasher->keys_at(before, position, keys);
    for (const NgramKey& key : keys) {
      count.rows += rowsOfNgram;
      if (model.in_ram(key)) count.rowsInRam += rowsOfNgram;
    }
  }
  return count;
}

}  // namespace mneme
