// SPDX-License-Identifier: Apache-2.0
// The engine as a QObject: requests go down to the engine thread, which this owns; signals come up
// on the UI thread, coalesced to 30 a second while tokens flow. Nothing here ever waits.
#pragma once

#include <QObject>
#include <QString>
#include <QTimer>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "inference/base/worker.h"
#include "inference/run/answer_writer.h"
#include "inference/run/engine.h"
#include "inference/store/chat_store.h"
#include "ui/bridge/ending_engines.h"

namespace mneme {

class EngineHost : public QObject {
  Q_OBJECT

 public:
  explicit EngineHost(ChatStore& store, QObject* parent = nullptr);
  ~EngineHost() override;  // stops, then joins

  enum class State { empty, loading, ready, generating };
  State state() const { return m_state; }
  // Null while no model is open. Shared: a view may use the any-thread part of Engine for as
  // long as it holds this, also while another model is being opened.
  std::shared_ptr<Engine> engine() const { return m_engine; }
  const ModelLayout* layout() const;

  void openModel(const EngineOptions& options);  // replaces the present one when it is ready
  void cancelOpen();
  void closeModel();
  // Those closed whose drive has not answered yet; outlives this, and needs an end() then.
  std::shared_ptr<EndingEngines> ending() const { return m_ending; }

  struct AnswerJob {
    ChatId chat = 0;
    MessageId userMessage = 0;  // 0 = regenerate: the prompt's records were kept before
    MessageId answer = 0;
    GenerateRequest request;  // request.trace is the chat's log
    EventIndex storedEvents = 0;
  };
  void generate(const AnswerJob& job);
  // What is kept with an answer about how it was made.
  static AnswerRecord recordOf(const AnswerJob& job, const ModelLayout& layout,
                               const GenerateResult& result);
  void stop();

  // Reads `tokens` from the start with the probability of each, as records of a log of their own.
  // Waits for an answer that runs; ends early when another one is asked for.
  void evaluate(std::vector<TokenId> tokens, bool memoryOn);

  // Brings the rows of these n-grams into RAM, a few at a time, so that an answer that is asked for
  // meanwhile comes first. One at a time: another one, or another model, ends the one before.
  void warm(std::shared_ptr<const std::vector<NgramKey>> keys);
  void cancelWarm();

  TierStats tiers() const;
  void setRamBudget(quint64 bytes);

 Q_SIGNALS:
  void stateChanged();
  void loadProgress(double fraction, const QString& stage);
  void modelOpened();
  void openFailed(const QString& reason, bool cancelled);
  // While an answer runs, at most 30 times a second; `new_text` is what the reply got since the
  // last time, and valid in the call. The trace has the tokens.
  void answerProgress(const mneme::GenerateProgress& progress);
  void answerFinished(const mneme::GenerateResult& result);
  void answerFailed(const QString& reason);
  void evaluated(std::shared_ptr<const mneme::TraceLog> records);
  void evaluateFailed(const QString& reason);
  void warmProgress(quint64 done, quint64 all);
  void warmEnded(quint64 done, const QString& problem);  // "" = all of them are there
  void tiersUpdated(const mneme::TierStats& stats);      // 10 times a second while a pack is open

 private:
  // What the engine's thread leaves for the UI thread, under a lock of its own.
  struct Mailbox {
    std::mutex mutex;
    GenerateProgress latest;
    std::string text;          // that was added since the UI was told
    bool fresh = false;        // not yet told to the UI
    bool wakePending = false;  // a drain is queued, or its pause runs
  };

  void setState(State state);
  void adopt(std::shared_ptr<Engine> engine, quint64 request);
  void openEnded(const Error& error, quint64 request);
  void endClosed(std::chrono::milliseconds atMost);
  void runJob(const AnswerJob& job, Engine& engine);  // engine's thread
  void drain();
  void answerEnded();
  void cancelEvaluate();
  void warmStep(std::shared_ptr<const std::vector<NgramKey>> keys, std::size_t from);

  ChatStore& m_store;
  State m_state = State::empty;
  std::shared_ptr<Engine> m_engine;
  const std::shared_ptr<EndingEngines> m_ending = std::make_shared<EndingEngines>();
  std::shared_ptr<std::atomic<bool>> m_cancelOpen;    // of the latest opening
  std::shared_ptr<std::atomic<bool>> m_cancelAnswer;  // of the latest answer
  quint64 m_openRequest = 0;  // the latest; older ones are ignored when they end
  bool m_answering = false;
  std::shared_ptr<std::atomic<bool>> m_cancelEvaluate;  // of the latest evaluate()
  std::shared_ptr<std::atomic<bool>> m_cancelWarm;      // of the latest warm()
  Mailbox m_mailbox;
  QTimer m_tierTimer;
  QTimer m_drainTimer;
  Worker m_worker;  // last: joins before the rest goes
};

}  // namespace mneme
