// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/draft_probe.h"

#include "inference/text/tokenizer.h"
#include "ui/bridge/ui_call.h"

namespace mneme {

DraftCount countDraft(const Engine& engine, const std::string& draft, std::vector<TokenId> before) {
  DraftCount count;
  const std::vector<TokenId> tokens = engine.tokenizer().encode(draft);
  count.tokens = static_cast<qint64>(tokens.size());
  const NgramHasher* hasher = engine.hasher();
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
      if (engine.in_ram(key)) count.rowsInRam += rowsOfNgram;
    }
  }
  return count;
}

DraftProbe::DraftProbe(QObject* parent) : QObject(parent), m_worker("draft", 8) {}

DraftProbe::~DraftProbe() = default;

void DraftProbe::ask(std::shared_ptr<const Engine> engine, const QString& draft,
                     std::vector<TokenId> before) {
  const quint64 number = ++m_asked;
  auto reply = onUi(this, [this, number](const DraftCount& count) {
    if (number == m_asked) Q_EMIT counted(count);
  });
  m_worker.post([engine = std::move(engine), text = draft.toStdString(), before = std::move(before),
                 reply = std::move(reply)] { reply(countDraft(*engine, text, before)); },
                "draft");
}

}  // namespace mneme

#include "moc_draft_probe.cpp"
