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

// Kinds of work, for the tracker.
constexpr char kPlan[] = "plan warming";
constexpr char kPin[] = "pin the hot set";
constexpr char kClear[] = "clear the hot set";

struct SavedTrace {
  std::shared_ptr<TraceLog> log;
  std::vector<BranchTrace::MessageRange> parts;
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
  std::ranges::sort(saved.parts, {}, &BranchTrace::MessageRange::first);
  return saved;
}

std::vector<NgramKey> ngramsOf(const InspectModel& model, const BranchTrace& trace) {
  const NgramHasher& hasher = *model.hasher;
  std::vector<NgramKey> found;
  std::unordered_set<NgramKey, NgramKeyHash> seen;
  std::vector<NgramKey> keys(static_cast<std::size_t>(hasher.spec().orders()));
  for (int i = 0; i < trace.size(); ++i) {
    if (trace.messageAt(i).otherModel || !model.fits(trace.recordAt(i).shape())) continue;
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
    : QObject(parent), m_store(store), m_engine(engine) {
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
  plan(branch.log(), branch.parts());
}

void HotSetWork::planChat(ChatId chat) {
  const ModelLayout* layout = m_engine.layout();
  if (layout == nullptr) return;
  auto answer = m_engine.jobs().expect(this, kPlan, [this](Result<SavedTrace> saved) {
    if (saved) {
      plan(saved->log, std::move(saved->parts));
    } else {
      Q_EMIT planFailed(QString::fromStdString(saved.error().message));
    }
  });
  m_store.post([chat, digest = layout->digest, answer = std::move(answer)](Library& library) {
    answer(loadTrace(library, chat, digest));
  });
}

void HotSetWork::plan(std::shared_ptr<const TraceLog> log,
                      std::vector<BranchTrace::MessageRange> parts) {
  const auto model = m_engine.model();
  if (!model || model->hasher() == nullptr) return;
  m_engine.jobs().start(
      this, kPlan,
      [model, log = std::move(log), parts = std::move(parts)](const Jobs::Stop&) {
        BranchTrace trace;
        trace.reset(log, parts);
        auto keys = ngramsOf(*inspectModelOf(model), trace);
        Plan plan;
        plan.ngrams = keys.size();
        std::erase_if(keys, [&](const NgramKey& key) { return model->in_ram(key); });
        plan.missing = std::make_shared<const std::vector<NgramKey>>(std::move(keys));
        return plan;
      },
      [this](const Plan& plan) { Q_EMIT planned(plan); });
}

void HotSetWork::warm(std::shared_ptr<const std::vector<NgramKey>> keys) {
  m_warming = true;
  m_engine.warm(std::move(keys));
}

void HotSetWork::keep(std::uint64_t bytes) {
  const auto model = m_engine.model();
  if (!model) return;
  m_engine.jobs().start(
      this, kPin,
      [model, bytes](const Jobs::Stop&) {
        const std::uint64_t kept = model->keep_most_used(bytes);
        const std::uint64_t size = kept * model->tiers().entry_bytes;
        return bytes == 0 ? tr("Nothing is pinned any more.")
               : kept == 0
                   ? tr("Nothing was pinned: no n-gram in RAM has been asked for twice.")
                   : tr("%1 n-grams (%2) stay in RAM.")
                         .arg(format::count(static_cast<std::int64_t>(kept)), format::bytes(size));
      },
      [this](const QString& sentence) { Q_EMIT ended(sentence); });
}

void HotSetWork::clear() {
  const auto model = m_engine.model();
  if (!model) return;
  m_engine.jobs().start(
      this, kClear,
      [model](const Jobs::Stop&) {
        const std::uint64_t dropped = model->drop_ram();
        return tr("%1 n-grams left RAM.").arg(format::count(static_cast<std::int64_t>(dropped)));
      },
      [this](const QString& sentence) { Q_EMIT ended(sentence); });
}

}  // namespace mneme
