// SPDX-License-Identifier: Apache-2.0
// What a person does to the hot set: warm it with a chat's n-grams, keep its most used ones, clear
// it. Each is done off the UI thread, while answers go on. UI thread outside.
#pragma once

#include <QObject>
#include <QString>
#include <memory>
#include <vector>

#include "engram/ngram_key.h"
#include "ui/bridge/engine_host.h"
#include "ui/models/branch_trace.h"

namespace mneme {

class HotSetWork : public QObject {
  Q_OBJECT

 public:
  HotSetWork(ChatStore& store, EngineHost& engine, QObject* parent = nullptr);

  // The different n-grams of a chat that the present memory read, and those of them not in RAM.
  struct Plan {
    std::uint64_t ngrams = 0;
    std::shared_ptr<const std::vector<NgramKey>> missing;
  };
  void planBranch(const BranchTrace& branch);
  void planChat(ChatId chat);  // a saved one, all of its branches

  // Asks for the n-grams in the order given, a few at a time; an answer that comes goes first.
  void warm(std::shared_ptr<const std::vector<NgramKey>> keys);
  void cancelWarm() { m_engine.cancelWarm(); }
  bool warming() const { return m_warming; }

  void keep(std::uint64_t bytes);  // of the budget; 0 = nothing is kept
  void clear();

 Q_SIGNALS:
  void planned(const mneme::HotSetWork::Plan& plan);  // of the latest question
  void planFailed(const QString& reason);
  void warmProgress(quint64 done, quint64 all);
  void ended(const QString& sentence);  // what was done, or why not

 private:
  void plan(std::shared_ptr<const TraceLog> log, std::vector<BranchTrace::MessageRange> parts);

  ChatStore& m_store;
  EngineHost& m_engine;
  bool m_warming = false;
};

}  // namespace mneme
