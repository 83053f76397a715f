// SPDX-License-Identifier: Apache-2.0
// What the draft would cost, counted while it is typed and without running the model: its tokens,
// and how many of the memory rows they ask for are in RAM now. Counts on a thread of its own; a
// newer draft replaces one that waits. UI thread.
#pragma once

#include <QObject>
#include <QString>
#include <memory>
#include <vector>

#include "inference/base/worker.h"
#include "inference/run/engine.h"

namespace mneme {

struct DraftCount {
  qint64 tokens = 0;
  qint64 rows = 0;  // 0 = no memory
  qint64 rowsInRam = 0;
};

// Any thread. `before`: the tokens that will stand before the draft, as far as they are known.
DraftCount countDraft(const Engine& engine, const std::string& draft, std::vector<TokenId> before);

class DraftProbe : public QObject {
  Q_OBJECT

 public:
  explicit DraftProbe(QObject* parent = nullptr);
  ~DraftProbe() override;

  void ask(std::shared_ptr<const Engine> engine, const QString& draft, std::vector<TokenId> before);

 Q_SIGNALS:
  void counted(const mneme::DraftCount& count);

 private:
  quint64 m_asked = 0;
  Worker m_worker;  // last: joins before the rest goes
};

}  // namespace mneme
