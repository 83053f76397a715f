// SPDX-License-Identifier: Apache-2.0
// The open model as a QObject: requests go down to the thread of its engine, signals come up on the
// UI thread, at most 25 times a second while tokens flow. Nothing here waits, but for what the end
// of the program calls. UI thread.
//
// A model has a thread of its own. One that is closed, or whose opening was cancelled, ends by
// itself, and the next one waits for its memory only so long: a drive that never answers holds up
// neither the window nor another model.
#pragma once

#include <QObject>
#include <QString>
#include <QTimer>
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "inference/run/answer_writer.h"
#include "inference/run/engine.h"
#include "inference/run/engine_view.h"
#include "inference/store/chat_store.h"
#include "ui/bridge/engine_thread.h"
#include "ui/bridge/jobs.h"
#include "ui/bridge/mailslot.h"

namespace mneme {

class EngineHost : public QObject {
  Q_OBJECT

 public:
  explicit EngineHost(Jobs& jobs, QObject* parent = nullptr);
  ~EngineHost() override;  // waits until all models have ended

  Jobs& jobs() const { return m_jobs; }

  enum class State { empty, loading, ready, generating };
  State state() const { return m_state; }
  // Of the open model, also while another one is being opened; null = none is.
  std::shared_ptr<EngineView> model() const { return m_model; }
  const ModelLayout* layout() const { return m_model ? &m_model->layout() : nullptr; }

  // Opens it in the place of the present one, which stays open until the new one is ready; where
  // the memory does not have room for both, or both use the same pack, it is closed first, after
  // the new one's files were looked at.
  void openModel(const EngineOptions& options);
  void cancelOpen();
  void closeModel();

  struct AnswerJob {
    ChatId chat = 0;
    MessageId userMessage = 0;  // 0 = regenerate: the prompt's records were kept before
    MessageId answer = 0;
    GenerateRequest request;  // request.trace is the chat's log
    EventIndex storedEvents = 0;
  };
  // `store` lives until the answer has ended.
  void generate(ChatStore& store, const AnswerJob& job);
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
  void setRamBudget(quint64 bytes);  // a moment later; 0 = automatic

  // ---- the end of the program, behind the event loop ----
  // Closes the model. False: an answer has not ended by then.
  bool endAnswer(std::chrono::milliseconds atMost);
  // Closes the model. False: for so long nothing has come nearer to the end, which waits for a
  // drive; what is saved for the next start counts.
  bool end(std::chrono::milliseconds patience);

 Q_SIGNALS:
  void stateChanged();
  void loadProgress(double fraction, const QString& stage);
  void modelOpened();
  // layout() tells whether the model before is still open.
  void openFailed(const QString& reason, bool cancelled);
  // While an answer runs; `new_text` is what the reply got since the last time, and valid in the
  // call. The trace has the tokens.
  void answerProgress(const mneme::GenerateProgress& progress);
  void answerFinished(const mneme::GenerateResult& result);
  void answerFailed(const QString& reason);
  void evaluated(std::shared_ptr<const mneme::TraceLog> records);
  void evaluateFailed(const QString& reason);
  void warmProgress(quint64 done, quint64 all);
  void warmEnded(quint64 done, const QString& problem);  // "" = all of them are there
  void tiersUpdated(const mneme::TierStats& stats);      // 10 times a second while a pack is open

 private:
  struct Opening {
    explicit Opening(EngineOptions asked) : options(std::move(asked)) {}
    const EngineOptions options;
    std::shared_ptr<std::atomic<bool>> cancel = std::make_shared<std::atomic<bool>>(false);
    bool waits = false;  // for the memory of a model that ends
    std::unique_ptr<EngineThread> thread = std::make_unique<EngineThread>();
  };
  struct Said {  // by an answer since the UI was told
    GenerateProgress latest;
    std::string text;
  };
  struct Request {
    explicit Request(const EngineThread* asked) : thread(asked) {}
    const EngineThread* const thread;
    std::atomic<bool> cancel = false;
  };
  struct Answer : Request {
    using Request::Request;
    AnswerJob job;
    Mailslot<Said> said;
    std::atomic<bool> over = false;  // the thread is done with it
  };
  struct Warming : Request {
    using Request::Request;
    std::shared_ptr<const std::vector<NgramKey>> keys;
    std::size_t done = 0;
  };
  struct Ending {
    std::unique_ptr<EngineThread> thread;
    std::weak_ptr<EngineView> view;        // says how far the end is
    std::shared_ptr<const Answer> answer;  // that runs there, and is written to the chats
    bool stuck = false;                    // nobody waits for it any more
  };

  void setState(State state);
  State stateOfModel() const;  // while no other one is opened
  // engine_host_open.cpp
  void checkOpening();
  void load();
  void adopt(std::shared_ptr<EngineView> model);
  void openEnded(const Error& error);
  void dropOpening();
  void unload(State next);
  void retire(std::unique_ptr<EngineThread> thread, std::weak_ptr<EngineView> view);
  void threadEnded(const EngineThread* thread);
  bool someMayEnd() const;
  bool saveGoesOn();  // whether models that end have saved more since this was last asked
  void patienceEnded();
  bool opens(const EngineThread* thread) const {
    return m_opening && m_opening->thread.get() == thread;
  }

  static Result<GenerateResult> answer(Engine& engine, ChatStore& store, Answer& answer);
  void drain();
  void answerEnded(const std::shared_ptr<Answer>& answer, const Result<GenerateResult>& result);
  void cancelEvaluate();
  void warmStep();
  void giveUpRequests(const QString& reason);

  Jobs& m_jobs;
  State m_state = State::empty;
  std::shared_ptr<EngineView> m_model;
  std::unique_ptr<EngineThread> m_thread;  // of the open model
  std::unique_ptr<Opening> m_opening;
  std::vector<Ending> m_ending;
  // Of the open model, or of one that ends; null = none runs.
  std::shared_ptr<Answer> m_answer;
  std::shared_ptr<Request> m_evaluating;
  std::shared_ptr<Warming> m_warming;
  QTimer m_tierTimer;
  QTimer m_drainTimer;
  QTimer m_patience;          // with models that end and save nothing
  std::uint64_t m_saved = 0;  // bytes, when saveGoesOn() was last asked
};

}  // namespace mneme
