// SPDX-License-Identifier: Apache-2.0
#include "ui/models/slot_analysis.h"

#include <QElapsedTimer>
#include <utility>

namespace mneme {
namespace {

double milliseconds(const QElapsedTimer& timer) {
  return static_cast<double>(timer.nsecsElapsed()) / 1e6;
}

}  // namespace

SlotAnalysis::SlotAnalysis(QObject* parent) : QObject(parent), m_worker("analysis") {}

SlotAnalysis::~SlotAnalysis() = default;

void SlotAnalysis::post(std::function<Answer()> work) {
  const std::uint64_t wish = ++m_wishes;
  m_worker.post(
      [this, wish, work = std::move(work)] {
        Answer answer = work();
        // Queued to this object's thread; dropped by Qt if the object is gone by then.
        QMetaObject::invokeMethod(
            this,
            [this, wish, answer = std::move(answer)] {
              if (wish != m_wishes) return;
              m_answers = wish;
              Q_EMIT answered(answer);
            },
            Qt::QueuedConnection);
      },
      "slots");
}

void SlotAnalysis::build(const BranchTrace& trace, std::shared_ptr<const InspectModel> model,
                         const SlotQuery& query) {
  post([log = trace.log(), parts = trace.parts(), model = std::move(model), query] {
    Answer answer;
    QElapsedTimer timer;
    timer.start();
    answer.index = SlotIndex::build(log, parts, model);
    answer.buildMs = milliseconds(timer);
    timer.restart();
    answer.entries =
        std::make_shared<const std::vector<std::uint32_t>>(runQuery(*answer.index, query));
    answer.queryMs = milliseconds(timer);
    return answer;
  });
}

void SlotAnalysis::query(std::shared_ptr<const SlotIndex> index, const SlotQuery& query) {
  post([index = std::move(index), query] {
    Answer answer;
    QElapsedTimer timer;
    timer.start();
    answer.index = index;
    answer.entries = std::make_shared<const std::vector<std::uint32_t>>(runQuery(*index, query));
    answer.queryMs = milliseconds(timer);
    return answer;
  });
}

}  // namespace mneme
