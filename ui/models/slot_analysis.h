// SPDX-License-Identifier: Apache-2.0
// The analysis thread: builds SlotIndexes and runs queries on them, newest wish first, so that no
// sort or search ever holds up the window. UI thread outside.
#pragma once

#include <QObject>
#include <cstdint>
#include <memory>
#include <vector>

#include "inference/base/worker.h"
#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/models/slot_index.h"
#include "ui/models/slot_query.h"

namespace mneme {

class SlotAnalysis : public QObject {
  Q_OBJECT

 public:
  explicit SlotAnalysis(QObject* parent = nullptr);
  ~SlotAnalysis() override;

  struct Answer {
    std::shared_ptr<const SlotIndex> index;
    std::shared_ptr<const std::vector<std::uint32_t>> entries;
    double buildMs = 0;
    double queryMs = 0;
  };

  // Reads the branch anew, then runs the query. A waiting wish of the same kind is replaced.
  void build(const BranchTrace& trace, std::shared_ptr<const InspectModel> model,
             const SlotQuery& query);
  // The same index, another question.
  void query(std::shared_ptr<const SlotIndex> index, const SlotQuery& query);
  bool busy() const { return m_wishes != m_answers; }

 Q_SIGNALS:
  // Answers of wishes that were overtaken are not sent.
  void answered(const mneme::SlotAnalysis::Answer& answer);

 private:
  void post(std::function<Answer()> work);

  std::uint64_t m_wishes = 0;
  std::uint64_t m_answers = 0;
  Worker m_worker;  // last: joins before the rest goes
};

}  // namespace mneme
