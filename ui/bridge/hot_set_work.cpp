// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/hot_set_work.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "ui/bridge/engine_source.h"
#include "ui/bridge/ui_call.h"
#include "ui/format.h"

namespace mneme {
namespace {

struct SavedTrace {
  std::shared_ptr<TraceLog> log;
  std::vector<BranchTrace::Part> parts;
};

// Store thread. Messages of another model are left out: their token ids mean something else.
Result<SavedTrace> loadTrace(Library& library, ChatId chat, const std::string& digest) {
  SavedTrace saved;
  saved.log = std::make_shared<TraceLog>();
  auto bytes = library.trace(chat);
  if (!bytes) return bytes.error();
  RETURN_IF_ERROR(saved.log->append_serialized(*bytes));
  auto messages = library.messages(chat);
  if (!messages) return messages.error();
  // A question was read by the model that answered it: parents stand before their children.
  for (auto row = messages->rbegin(); row != messages->rend(); ++row) {
    if (row->end_event <= row->first_event) continue;
    bool other = row->answer && row->answer->model_digest != digest;
    for (const MessageRow& child : *messages) {
      if (child.parent == row->id && child.answer && child.answer->model_digest != digest)
        other = true;
    }
    saved.parts.push_back({row->id, row->first_event, row->end_event, other});
  }
  std::ranges::sort(saved.parts, {}, &BranchTrace::Part::first);
  return saved;
}

std::vector<NgramKey> ngramsOf(const InspectModel& model, const BranchTrace& trace) {
  const NgramHasher& hasher = *model.hasher;
  std::vector<NgramKey> found;
  std::unordered_set<NgramKey, NgramKeyHash> seen;
  std::vector<NgramKey> keys(static_cast<std::size_t>(hasher.spec().orders()));
  for (int i = 0; i < trace.size(); ++i) {
    if (trace.partAt(i).otherModel || !model.fits(trace.recordAt(i).shape())) continue;
    const auto context = trace.context(i, hasher.spec().max_ngram_size);
    hasher.keys_at(context.tokens, context.tokens.size() - 1, keys);
    for (const NgramKey& key : keys) {
      // Where older tokens were not recorded, the longer n-grams are not known.
      if (!context.complete && context.tokens.size() < static_cast<std::size_t>(key.order)) break;
      if (seen.insert(key).second) found.push_back(key);
    }
  }
  return found;
}

}  // namespace

HotSetWork::HotSetWork(ChatStore& store, EngineHost& engine, QObject* parent)
    : QObject(parent), m_store(store), m_engine(engine), m_worker("hot set work") {
  connect(&m_engine, &EngineHost::warmProgress, this, &HotSetWork::warmProgress);
  connect(&m_engine, &EngineHost::warmEnded, this, [this](quint64 done, const QString& problem) {
    m_warming = false;
    Q_EMIT ended(problem.isEmpty()
                     ? tr("%1 n-grams were asked for; they are in RAM.")
                           .arg(format::count(static_cast<std::int64_t>(done)))
                     : tr("Warming ended after %1 n-grams: %2")
                           .arg(format::count(static_cast<std::int64_t>(done)), problem));
  });
}

void HotSetWork::planBranch(const BranchTrace& branch) {
  ++m_question;
  plan(branch.log(), branch.parts());
}

void HotSetWork::planChat(ChatId chat) {
  const quint64 question = ++m_question;
  const ModelLayout* layout = m_engine.layout();
  if (layout == nullptr) return;
  askLibrary(
      m_store, this,
      [chat, digest = layout->digest](Library& library) {
        return loadTrace(library, chat, digest);
      },
      [this, question](Result<SavedTrace> saved) {
        if (question != m_question) return;
        if (saved) {
          plan(saved->log, std::move(saved->parts));
        } else {
          Q_EMIT planFailed(QString::fromStdString(saved.error().message));
        }
      });
}

void HotSetWork::plan(std::shared_ptr<const TraceLog> log, std::vector<BranchTrace::Part> parts) {
  const auto engine = m_engine.engine();
  if (!engine || engine->hasher() == nullptr) return;
  m_worker.post(
      [this, engine, question = m_question, log = std::move(log), parts = std::move(parts)] {
        BranchTrace trace;
        trace.reset(log, parts);
        auto keys = ngramsOf(*inspectModelOf(engine), trace);
        Plan plan;
        plan.ngrams = keys.size();
        std::erase_if(keys, [&](const NgramKey& key) { return engine->in_ram(key); });
        plan.missing = std::make_shared<const std::vector<NgramKey>>(std::move(keys));
        QMetaObject::invokeMethod(
            this,
            [this, question, plan] {
              if (question == m_question) Q_EMIT planned(plan);
            },
            Qt::QueuedConnection);
      });
}

void HotSetWork::warm(std::shared_ptr<const std::vector<NgramKey>> keys) {
  m_warming = true;
  m_engine.warm(std::move(keys));
}

void HotSetWork::keep(std::uint64_t bytes) {
  const auto engine = m_engine.engine();
  if (!engine) return;
  m_worker.post([this, engine, bytes] {
    const std::uint64_t kept = engine->keep_most_used(bytes);
    const std::uint64_t size = kept * engine->tiers().entry_bytes;
    const QString sentence =
        bytes == 0  ? tr("Nothing is pinned any more.")
        : kept == 0 ? tr("Nothing was pinned: no n-gram in RAM has been asked for twice.")
                    : tr("%1 n-grams (%2) stay in RAM.")
                          .arg(format::count(static_cast<std::int64_t>(kept)), format::bytes(size));
    QMetaObject::invokeMethod(
        this, [this, sentence] { Q_EMIT ended(sentence); }, Qt::QueuedConnection);
  });
}

void HotSetWork::clear() {
  const auto engine = m_engine.engine();
  if (!engine) return;
  m_worker.post([this, engine] {
    const std::uint64_t dropped = engine->drop_ram();
    QMetaObject::invokeMethod(
        this,
        [this, dropped] {
          Q_EMIT ended(
              tr("%1 n-grams left RAM.").arg(format::count(static_cast<std::int64_t>(dropped))));
        },
        Qt::QueuedConnection);
  });
}

}  // namespace mneme
