// SPDX-License-Identifier: Apache-2.0
// How models come and go: one is opened beside the present one or after it, and those that were
// closed end on their own threads.
#include <algorithm>
#include <utility>

#include "base/exceptions.h"
#include "base/log.h"
#include "ui/bridge/engine_host.h"
#include "ui/bridge/ui_call.h"

namespace mneme {
namespace {

constexpr std::chrono::milliseconds kProgressPause(40);
constexpr std::chrono::milliseconds kLongestEnd(3000);  // of a closed model: the next one waits

}  // namespace

void EngineHost::openModel(const EngineOptions& options) {
  dropOpening();  // one that still runs
  stop();
  auto opening = without_exceptions([&]() -> Result<std::unique_ptr<Opening>> {
    return std::make_unique<Opening>(options);  // the system may have no thread to give
  });
  if (!opening) return openEnded(opening.error());
  m_opening = std::move(*opening);
  setState(State::loading);
  Q_EMIT loadProgress(0, tr("waiting"));
  if (m_model) {
    checkOpening();
  } else {
    load();
  }
}

// A look at the files before the open model is given up for them.
void EngineHost::checkOpening() {
  EngineThread* const thread = m_opening->thread.get();
  auto reply = onUi(this, [this, thread](const Result<bool>& together) {
    if (!opens(thread)) return;
    if (!together) return openEnded(together.error());
    if (!*together) unload(State::loading);
    if (opens(thread)) load();  // nobody thought better of it meanwhile
  });
  thread->post([options = m_opening->options, open = m_model, reply](std::unique_ptr<Engine>&) {
    reply(opens_beside(options, open->layout()));
  });
}

// A model that was closed may have what this one needs.
void EngineHost::load() {
  m_opening->waits = someMayEnd();
  if (m_opening->waits) return;
  EngineThread* const thread = m_opening->thread.get();
  auto progress = onUi(this, [this, thread](double fraction, const QString& stage) {
    if (opens(thread)) Q_EMIT loadProgress(fraction, stage);
  });
  auto reply = onUi(this, [this, thread](const Result<std::shared_ptr<EngineView>>& model) {
    if (!opens(thread)) return;
    if (model) {
      adopt(*model);
    } else {
      openEnded(model.error());
    }
  });
  thread->post([options = m_opening->options, cancel = m_opening->cancel, progress,
                reply](std::unique_ptr<Engine>& engine) {
    auto last = std::chrono::steady_clock::time_point();
    const auto told = [&](double fraction, std::string_view stage) {
      const auto now = std::chrono::steady_clock::now();
      if (fraction < 1 && now - last < kProgressPause) return;
      last = now;
      progress(fraction, QString::fromUtf8(stage.data(), static_cast<qsizetype>(stage.size())));
    };
    auto opened = Engine::open(options, told, cancel.get());
    if (opened) {
      engine = std::move(*opened);
      reply(Result<std::shared_ptr<EngineView>>(engine->view()));
    } else {
      log_warning("ui", "{} was not opened: {}", options.model_path, opened.error().message);
      reply(Result<std::shared_ptr<EngineView>>(opened.error()));
    }
  });
}

void EngineHost::adopt(std::shared_ptr<EngineView> model) {
  stop();
  cancelEvaluate();
  cancelWarm();
  auto before = std::exchange(m_thread, std::move(m_opening->thread));
  const std::weak_ptr<EngineView> view = std::exchange(m_model, std::move(model));
  m_opening.reset();
  m_tierTimer.stop();
  if (m_model->layout().memory) m_tierTimer.start();
  m_state = State::ready;
  log_info("ui", "opened {}", m_model->layout().path);
  if (before) retire(std::move(before), view);
  Q_EMIT modelOpened();
  Q_EMIT stateChanged();
}

void EngineHost::openEnded(const Error& error) {
  dropOpening();
  setState(stateOfModel());
  Q_EMIT openFailed(QString::fromStdString(error.message), error.code == ErrorCode::cancelled);
}

// At once, also where the file's drive does not answer: the thread finds out by itself.
void EngineHost::cancelOpen() {
  if (m_opening) openEnded(Error{ErrorCode::cancelled, "opening the model was cancelled"});
}

void EngineHost::dropOpening() {
  if (!m_opening) return;
  *m_opening->cancel = true;
  const auto dropped = std::move(m_opening);
  retire(std::move(dropped->thread), {});
}

void EngineHost::closeModel() {
  unload(m_opening ? State::loading : State::empty);
}

void EngineHost::unload(State next) {
  stop();
  cancelEvaluate();
  cancelWarm();
  m_tierTimer.stop();
  const std::weak_ptr<EngineView> view = std::exchange(m_model, nullptr);
  const bool changed = m_thread != nullptr || m_state != next;
  m_state = next;
  if (m_thread) retire(std::move(m_thread), view);
  if (changed) Q_EMIT stateChanged();
}

void EngineHost::retire(std::unique_ptr<EngineThread> thread, std::weak_ptr<EngineView> view) {
  thread->close(onUi(this, [this, ended = thread.get()] { threadEnded(ended); }));
  std::shared_ptr<const Answer> answer;
  if (m_answer && m_answer->thread == thread.get()) answer = m_answer;
  m_ending.push_back({std::move(thread), std::move(view), std::move(answer)});
  saveGoesOn();
  m_patience.start(kLongestEnd);
}

void EngineHost::threadEnded(const EngineThread* thread) {
  std::erase_if(m_ending, [&](const Ending& ending) { return ending.thread.get() == thread; });
  if (someMayEnd()) return;
  m_patience.stop();
  if (m_opening && m_opening->waits) load();
}

bool EngineHost::someMayEnd() const {
  return std::ranges::any_of(m_ending, [](const Ending& ending) { return !ending.stuck; });
}

bool EngineHost::saveGoesOn() {
  std::uint64_t bytes = 0;
  for (const Ending& ending : m_ending) {
    if (const auto view = ending.view.lock()) bytes += view->tiers().bytes_written;
  }
  return std::exchange(m_saved, bytes) != bytes;
}

void EngineHost::patienceEnded() {
  if (saveGoesOn()) return m_patience.start(kLongestEnd);
  log_warning("ui", "a closed model stays in memory until its drive answers");
  for (Ending& ending : m_ending) ending.stuck = true;
  giveUpRequests(tr("The drive of the model does not answer."));
  if (m_opening && m_opening->waits) load();
}

}  // namespace mneme
