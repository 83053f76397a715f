// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/engine_host.h"

#include <algorithm>
#include <span>
#include <thread>
#include <utility>

#include "base/log.h"
#include "ui/bridge/ui_call.h"

namespace mneme {
namespace {

constexpr int kProgressPauseMs = 40;
constexpr int kTierPauseMs = 100;
constexpr auto kLook = std::chrono::milliseconds(2);  // of the end of the program
constexpr std::size_t kWarmStep = 64;  // n-grams: an answer waits for no more than their reads

}  // namespace

EngineHost::EngineHost(Jobs& jobs, QObject* parent) : QObject(parent), m_jobs(jobs) {
  m_tierTimer.setInterval(kTierPauseMs);
  connect(&m_tierTimer, &QTimer::timeout, this, [this] { Q_EMIT tiersUpdated(tiers()); });
  m_drainTimer.setInterval(kProgressPauseMs);
  connect(&m_drainTimer, &QTimer::timeout, this, &EngineHost::drain);
  m_patience.setSingleShot(true);
  connect(&m_patience, &QTimer::timeout, this, &EngineHost::patienceEnded);
}

EngineHost::~EngineHost() {
  dropOpening();
  unload(State::empty);
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

EngineHost::State EngineHost::stateOfModel() const {
  if (!m_model) return State::empty;
  return m_answer && m_answer->thread == m_thread.get() ? State::generating : State::ready;
}

// ---- answers -----------------------------------------------------------------------------------

void EngineHost::generate(ChatStore& store, const AnswerJob& job) {
  if (!m_thread) {
    Q_EMIT answerFailed(tr("No model is open."));
    return;
  }
  cancelEvaluate();
  m_answer = std::make_shared<Answer>(m_thread.get());
  m_answer->job = job;
  m_answer->job.request.cancel = &m_answer->cancel;
  m_drainTimer.start();
  setState(State::generating);
  auto reply = onUi(this, [this, running = m_answer](const Result<GenerateResult>& result) {
    answerEnded(running, result);
  });
  m_thread->post([&store, running = m_answer, reply](std::unique_ptr<Engine>& engine) {
    const auto result = answer(*engine, store, *running);
    running->over = true;
    reply(result);
  });
}

// On the engine's thread.
Result<GenerateResult> EngineHost::answer(Engine& engine, ChatStore& store, Answer& answer) {
  const AnswerJob& job = answer.job;
  AnswerWriter writer(store, job.request.trace, job.userMessage, job.answer, job.storedEvents);
  auto result = engine.generate(job.request, [&](const GenerateProgress& progress) {
    writer.on_progress(progress);
    answer.said.add([&](Said& said) {
      said.latest = progress;
      said.text += std::exchange(said.latest.new_text, {});
    });
  });
  if (result) {
    writer.finish(*result, recordOf(job, engine.layout(), *result));
  } else {
    log_warning("ui", "an answer ended: {}", result.error().message);
    writer.fail(result.error());
  }
  return result;
}

void EngineHost::drain() {
  if (!m_answer) return;
  const auto said = m_answer->said.take();
  if (!said) return;
  GenerateProgress progress = said->latest;
  progress.new_text = said->text;
  Q_EMIT answerProgress(progress);
}

void EngineHost::answerEnded(const std::shared_ptr<Answer>& answer,
                             const Result<GenerateResult>& result) {
  if (answer != m_answer) return;  // it was given up
  drain();
  m_drainTimer.stop();
  m_answer.reset();
  if (m_state == State::generating) setState(State::ready);
  if (result) {
    Q_EMIT answerFinished(*result);
  } else {
    Q_EMIT answerFailed(QString::fromStdString(result.error().message));
  }
}

void EngineHost::stop() {
  if (m_answer) m_answer->cancel = true;
}

// ---- readings ----------------------------------------------------------------------------------

void EngineHost::evaluate(std::vector<TokenId> tokens, bool memoryOn) {
  if (!m_thread) {
    Q_EMIT evaluateFailed(tr("No model is open."));
    return;
  }
  cancelEvaluate();
  m_evaluating = std::make_shared<Request>(m_thread.get());
  auto reply =
      onUi(this, [this, asked = m_evaluating](const Result<std::shared_ptr<TraceLog>>& records) {
        if (asked != m_evaluating) return;  // another reading was asked for
        m_evaluating.reset();
        if (records) {
          Q_EMIT evaluated(*records);
        } else {
          Q_EMIT evaluateFailed(records.error().code == ErrorCode::cancelled
                                    ? tr("An answer came first.")
                                    : QString::fromStdString(records.error().message));
        }
      });
  m_thread->post(
      [tokens = std::move(tokens), memoryOn, asked = m_evaluating,
       reply](std::unique_ptr<Engine>& engine) {
        auto records = std::make_shared<TraceLog>();
        const Status status =
            engine->evaluate(tokens, memoryOn, {}, records.get(), true, &asked->cancel);
        reply(status ? Result<std::shared_ptr<TraceLog>>(records) : status.error());
      },
      "evaluate");
}

void EngineHost::cancelEvaluate() {
  if (m_evaluating) m_evaluating->cancel = true;
}

void EngineHost::warm(std::shared_ptr<const std::vector<NgramKey>> keys) {
  cancelWarm();
  m_warming = std::make_shared<Warming>(m_thread.get());
  m_warming->keys = std::move(keys);
  warmStep();
}

void EngineHost::warmStep() {
  const auto ended = [this](const QString& problem) {
    const std::size_t done = std::exchange(m_warming, nullptr)->done;
    Q_EMIT warmEnded(done, problem);
  };
  if (!m_thread) return ended(tr("no model is open."));
  if (m_warming->done >= m_warming->keys->size()) return ended({});
  auto reply = onUi(this, [this, ended, warming = m_warming](const Status& status) {
    if (warming != m_warming) return;  // another one was asked for
    if (!status) {
      const Error& error = status.error();
      return ended(error.code == ErrorCode::cancelled ? tr("it was stopped.")
                                                      : QString::fromStdString(error.message));
    }
    warming->done = std::min(warming->done + kWarmStep, warming->keys->size());
    Q_EMIT warmProgress(warming->done, warming->keys->size());
    // Asked for through this thread again: what the user wants meanwhile is queued before it.
    warmStep();
  });
  m_thread->post([warming = m_warming, reply](std::unique_ptr<Engine>& engine) {
    const auto keys = std::span(*warming->keys).subspan(warming->done);
    reply(warming->cancel
              ? Status(Error{ErrorCode::cancelled, "stopped"})
              : engine->warm(keys.first(std::min(kWarmStep, keys.size())), &warming->cancel));
  });
}

void EngineHost::cancelWarm() {
  if (m_warming) m_warming->cancel = true;
}

// Of threads that do not come to their end: who waits for the answer hears so.
void EngineHost::giveUpRequests(const QString& reason) {
  const auto stuck = [this](const std::shared_ptr<const Request>& request) {
    return request && request->thread != m_thread.get();
  };
  if (stuck(m_answer)) {
    answerEnded(std::shared_ptr(m_answer), Error{ErrorCode::io, reason.toStdString()});
  }
  if (stuck(m_evaluating)) {
    m_evaluating.reset();
    Q_EMIT evaluateFailed(reason);
  }
  if (stuck(m_warming)) {
    const std::size_t done = std::exchange(m_warming, nullptr)->done;
    Q_EMIT warmEnded(done, reason);
  }
}

// ---- counters and rows -------------------------------------------------------------------------

TierStats EngineHost::tiers() const {
  return m_model ? m_model->tiers() : TierStats{};
}

void EngineHost::setRamBudget(quint64 bytes) {
  if (!m_model) return;
  m_jobs.start(
      this, "budget",
      [model = m_model, bytes](const Jobs::Stop&) {
        model->set_ram_budget(bytes);
        return true;
      },
      [](bool) {});
}

// ---- the end of the program --------------------------------------------------------------------

bool EngineHost::endAnswer(std::chrono::milliseconds atMost) {
  dropOpening();
  unload(State::empty);
  const auto last = std::chrono::steady_clock::now() + atMost;
  // One that was given up may come back as well.
  const auto runs = [](const Ending& ending) { return ending.answer && !ending.answer->over; };
  while (std::ranges::any_of(m_ending, runs)) {
    if (std::chrono::steady_clock::now() >= last) return false;
    std::this_thread::sleep_for(kLook);
  }
  return true;
}

bool EngineHost::end(std::chrono::milliseconds patience) {
  dropOpening();
  unload(State::empty);
  saveGoesOn();
  auto since = std::chrono::steady_clock::now();
  for (;;) {
    std::erase_if(m_ending, [](Ending& ending) { return ending.thread->ended(kLook); });
    if (m_ending.empty()) return true;
    const auto now = std::chrono::steady_clock::now();
    if (saveGoesOn()) since = now;
    if (now - since >= patience) return false;
  }
}

}  // namespace mneme

#include "moc_engine_host.cpp"
