// SPDX-License-Identifier: Apache-2.0
// Makes pictures of the hot set on a thread of its own, the newest question first. UI thread
// outside.
#pragma once

#include <QObject>
#include <atomic>
#include <cstdint>
#include <memory>

#include "inference/base/worker.h"
#include "ui/models/hot_set_picture.h"

namespace mneme {

class HotSetAnalysis : public QObject {
  Q_OBJECT

 public:
  explicit HotSetAnalysis(QObject* parent = nullptr);
  ~HotSetAnalysis() override;  // ends a walk that runs, then joins

  // The model has a pack. A question that still waits is replaced.
  void ask(std::shared_ptr<const InspectModel> model, const HotSetQuestion& question);
  bool busy() const { return m_asked != m_answered; }

 Q_SIGNALS:
  // Answers to questions that were overtaken are not sent.
  void answered(std::shared_ptr<const mneme::HotSetPicture> picture);

 private:
  std::uint64_t m_asked = 0;
  std::uint64_t m_answered = 0;
  std::atomic<bool> m_closing = false;
  Worker m_worker;  // last: joins before the rest goes
};

}  // namespace mneme
