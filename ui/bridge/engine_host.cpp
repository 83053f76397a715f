// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/engine_host.h"

#include <QMetaObject>
#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "inference/base/log.h"

namespace mneme {
namespace {

constexpr int kProgressPauseMs = 40;
constexpr int kTierPauseMs = 100;
constexpr std::chrono::milliseconds kLongestEnd(3000);  // of a closed model: the next one waits
constexpr auto kNextTry = std::chrono::seconds(1);      // to end it, where its drive did not answer
constexpr std::size_t kWarmStep = 64;  // n-grams: an answer waits for no more than their reads

}  // namespace

EngineHost::EngineHost(ChatStore& store, QObject* parent)
    : QObject(parent), m_store(store), m_worker("engine") {
  m_tierTimer.setInterval(kTierPauseMs);
  connect(&m_tierTimer, &QTimer::timeout, this, [this] {
    if (m_engine) Q_EMIT tiersUpdated(m_engine->tiers());
  });
  m_drainTimer.setSingleShot(true);
  m_drainTimer.setInterval(kProgressPauseMs);
  connect(&m_drainTimer, &QTimer::timeout, this, &EngineHost::drain);
}

EngineHost::~EngineHost() {
  cancelOpen();
  cancelEvaluate();
  cancelWarm();
  stop();
}

const ModelLayout* EngineHost::layout() const {
  return m_engine ? &m_engine->layout() : nullptr;
}

AnswerRecord EngineHost::recordOf(const AnswerJob& job, const ModelLayout& layout,
                                  const GenerateResult& result) {
  AnswerRecord record;
  record.model_name = layout.name;
  record.model_digest = layout.digest;
  record.pack_name = layout.memory ? layout.memory->name : std::string();
  record.memory_on = job.request.memory_on && layout.memory.has_value();
  record.exact = layout.numeric_mode == "exact";
  record.program_version = MNEME_VERSION;
  record.sampling = job.request.sampling;
  record.result = result;
  record.result.text.clear();
  record.result.tokens.clear();
  return record;
}

void EngineHost::setState(State state) {
  if (m_state == state) return;
  m_state = state;
  Q_EMIT stateChanged();
}

void EngineHost::openModel(const EngineOptions& options) {
  cancelOpen();  // one that still runs
  stop();
  m_cancelOpen = std::make_shared<std::atomic<bool>>(false);
  const quint64 request = ++m_openRequest;
  setState(State::loading);
  Q_EMIT loadProgress(0, tr("waiting"));
  m_worker.post([this, options, request, cancel = m_cancelOpen] {
    auto last = std::chrono::steady_clock::time_point();
    const auto progress = [this, request, &last](double fraction, std::string_view stage) {
      const auto now = std::chrono::steady_clock::now();
      if (fraction < 1 && now - last < std::chrono::milliseconds(kProgressPauseMs)) return;
      last = now;
      const QString text = QString::fromUtf8(stage.data(), static_cast<qsizetype>(stage.size()));
      QMetaObject::invokeMethod(
          this,
          [this, request, fraction, text] {
            if (request == m_openRequest) Q_EMIT loadProgress(fraction, text);
          },
          Qt::QueuedConnection);
    };
    auto opened = Engine::open(options, progress, cancel.get());
    if (opened) {
      std::shared_ptr<Engine> engine = std::move(*opened);
      QMetaObject::invokeMethod(
          this, [this, engine, request] { adopt(engine, request); }, Qt::QueuedConnection);
    } else {
      const Error error = opened.error();
      log_warning("ui", "{} was not opened: {}", options.model_path, error.message);
      QMetaObject::invokeMethod(
          this, [this, error, request] { openEnded(error, request); }, Qt::QueuedConnection);
    }
  });
}

void EngineHost::adopt(std::shared_ptr<Engine> engine, quint64 request) {
  if (request != m_openRequest) return;
  closeModel();
  m_engine = std::move(engine);
  if (m_engine->layout().memory) m_tierTimer.start();
  m_state = State::ready;
  log_info("ui", "opened {}", m_engine->layout().path);
  Q_EMIT modelOpened();
  Q_EMIT stateChanged();
}

void EngineHost::openEnded(const Error& error, quint64 request) {
  if (request != m_openRequest) return;
  setState(m_engine ? State::ready : State::empty);
  Q_EMIT openFailed(QString::fromStdString(error.message), error.code == ErrorCode::cancelled);
}

void EngineHost::cancelOpen() {
  if (m_cancelOpen) *m_cancelOpen = true;
}

void EngineHost::closeModel() {
  stop();
  cancelEvaluate();
  cancelWarm();
  m_tierTimer.stop();
  auto engine = std::exchange(m_engine, nullptr);
  setState(State::empty);  // views let go of it
  if (!engine) return;
  m_ending->add(std::move(engine));
  endClosed(kLongestEnd);
}

// Unmapping and joining its threads takes a moment: that is the engine thread's to spend.
void EngineHost::endClosed(std::chrono::milliseconds atMost) {
  m_worker.post([this, atMost] {
    if (m_ending->end(atMost)) return;
    if (atMost == kLongestEnd) {
      log_warning("ui", "a closed model stays in memory until its drive answers");
    }
    QMetaObject::invokeMethod(
        this, [this] { QTimer::singleShot(kNextTry, this, [this] { endClosed({}); }); },
        Qt::QueuedConnection);
  });
}

void EngineHost::generate(const AnswerJob& job) {
  if (!m_engine) {
    Q_EMIT answerFailed(tr("No model is open."));
    return;
  }
  cancelEvaluate();
  {
    // What the last answer said after its last drain is not this one's.
    const std::lock_guard lock(m_mailbox.mutex);
    m_mailbox.fresh = false;
    m_mailbox.text.clear();
  }
  m_answering = true;
  m_cancelAnswer = std::make_shared<std::atomic<bool>>(false);
  setState(State::generating);
  m_worker.post([this, job = AnswerJob(job), engine = m_engine, cancel = m_cancelAnswer]() mutable {
    job.request.cancel = cancel.get();
    runJob(job, *engine);
  });
}

void EngineHost::runJob(const AnswerJob& job, Engine& engine) {
  AnswerWriter writer(m_store, job.request.trace, job.userMessage, job.answer, job.storedEvents);
  const auto result = engine.generate(job.request, [&](const GenerateProgress& progress) {
    writer.on_progress(progress);
    bool wake = false;
    {
      const std::lock_guard lock(m_mailbox.mutex);
      m_mailbox.latest = progress;
      m_mailbox.text += std::exchange(m_mailbox.latest.new_text, {});
      m_mailbox.fresh = true;
      wake = !std::exchange(m_mailbox.wakePending, true);
    }
    if (wake)
      QMetaObject::invokeMethod(
          this, [this] { drain(); }, Qt::QueuedConnection);
  });
  if (result) {
    writer.finish(*result, recordOf(job, engine.layout(), *result));
    QMetaObject::invokeMethod(
        this,
        [this, done = *result] {
          answerEnded();
          Q_EMIT answerFinished(done);
        },
        Qt::QueuedConnection);
    return;
  }
  const Error error = result.error();
  log_warning("ui", "an answer ended: {}", error.message);
  writer.fail(error);
  QMetaObject::invokeMethod(
      this,
      [this, text = QString::fromStdString(error.message)] {
        drain();  // what was generated before
        answerEnded();
        Q_EMIT answerFailed(text);
      },
      Qt::QueuedConnection);
}

// At most one drain is queued or pausing at a time, so the UI hears at most 25 times a second.
void EngineHost::drain() {
  GenerateProgress progress;
  std::string text;
  {
    const std::lock_guard lock(m_mailbox.mutex);
    if (!m_mailbox.fresh) {
      m_mailbox.wakePending = false;
      return;
    }
    m_mailbox.fresh = false;
    progress = m_mailbox.latest;
    text = std::exchange(m_mailbox.text, {});
  }
  progress.new_text = text;
  m_drainTimer.start();
  if (m_answering) Q_EMIT answerProgress(progress);
}

void EngineHost::answerEnded() {
  m_answering = false;
  if (m_state == State::generating) setState(m_engine ? State::ready : State::empty);
}

void EngineHost::stop() {
  if (!m_answering) return;
  *m_cancelAnswer = true;
}

void EngineHost::evaluate(std::vector<TokenId> tokens, bool memoryOn) {
  if (!m_engine) {
    Q_EMIT evaluateFailed(tr("No model is open."));
    return;
  }
  cancelEvaluate();
  m_cancelEvaluate = std::make_shared<std::atomic<bool>>(false);
  m_worker.post([this, tokens = std::move(tokens), memoryOn, engine = m_engine,
                 cancel = m_cancelEvaluate] {
    auto records = std::make_shared<TraceLog>();
    const Status status = engine->evaluate(tokens, memoryOn, {}, records.get(), true, cancel.get());
    QMetaObject::invokeMethod(
        this,
        [this, records, status] {
          if (status) {
            Q_EMIT evaluated(records);
          } else {
            const Error& error = status.error();
            Q_EMIT evaluateFailed(error.code == ErrorCode::cancelled
                                      ? tr("An answer came first.")
                                      : QString::fromStdString(error.message));
          }
        },
        Qt::QueuedConnection);
  });
}

void EngineHost::cancelEvaluate() {
  if (m_cancelEvaluate) *m_cancelEvaluate = true;
}

void EngineHost::warm(std::shared_ptr<const std::vector<NgramKey>> keys) {
  cancelWarm();
  m_cancelWarm = std::make_shared<std::atomic<bool>>(false);
  warmStep(std::move(keys), 0);
}

void EngineHost::warmStep(std::shared_ptr<const std::vector<NgramKey>> keys, std::size_t from) {
  if (from >= keys->size() || !m_engine) {
    Q_EMIT warmEnded(from, m_engine ? QString() : tr("no model is open."));
    return;
  }
  m_worker.post([this, keys = std::move(keys), from, engine = m_engine, cancel = m_cancelWarm] {
    const std::size_t count = std::min(kWarmStep, keys->size() - from);
    const Status status = *cancel
                              ? Status(Error{ErrorCode::cancelled, "stopped"})
                              : engine->warm(std::span(*keys).subspan(from, count), cancel.get());
    QMetaObject::invokeMethod(
        this,
        [this, keys, done = from + count, status, cancel] {
          if (!status) {
            const Error& error = status.error();
            Q_EMIT warmEnded(done - std::min(done, kWarmStep),
                             error.code == ErrorCode::cancelled
                                 ? tr("it was stopped.")
                                 : QString::fromStdString(error.message));
            return;
          }
          Q_EMIT warmProgress(done, keys->size());
          // Asked for through this thread again: what the user wants meanwhile is queued before it.
          if (cancel == m_cancelWarm) warmStep(keys, done);
        },
        Qt::QueuedConnection);
  });
}

void EngineHost::cancelWarm() {
  if (m_cancelWarm) *m_cancelWarm = true;
}

TierStats EngineHost::tiers() const {
  return m_engine ? m_engine->tiers() : TierStats{};
}

void EngineHost::setRamBudget(quint64 bytes) {
  if (m_engine) m_engine->set_ram_budget(bytes);
}

}  // namespace mneme

#include "moc_engine_host.cpp"
