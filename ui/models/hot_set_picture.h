// SPDX-License-Identifier: Apache-2.0
// Which rows of one Engram layer's table are in RAM, as a picture of 1,024 pixels by at most 512:
// row after row, line by line, a pixel for as many rows as it takes. Made beside the UI, then
// immutable.
#pragma once

#include <QPoint>
#include <QRect>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engram/ngram_key.h"
#include "inference/trace/trace_log.h"
#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"

namespace mneme {

// Where a row is in the picture.
class RowGrid {
 public:
  static constexpr int kWidth = 1024;
  static constexpr int kHeight = 512;

  explicit RowGrid(std::uint64_t rows = 0);
  std::uint64_t rows() const { return m_rows; }
  std::uint64_t perPixel() const { return m_perPixel; }
  int lines() const { return m_lines; }  // 0 for a table without rows
  QRect rect() const { return {0, 0, kWidth, m_lines}; }
  std::size_t pixels() const { return static_cast<std::size_t>(m_lines) * kWidth; }

  std::size_t indexOf(RowId row) const { return static_cast<std::size_t>(row / m_perPixel); }
  QPoint pixelOf(RowId row) const;
  // The rows [first, end) of a pixel; none beyond the end of the table.
  std::pair<RowId, RowId> rowsOf(QPoint pixel) const;
  std::uint64_t rowsIn(const QRect& pixels) const;

 private:
  std::uint64_t m_rows = 0;
  std::uint64_t m_perPixel = 1;
  int m_lines = 0;
};

// A row that is in RAM, by an n-gram that brought it.
struct HotRow {
  RowId row = 0;
  NgramKey key;
  int head = 0;
  bool used = false;  // by the answer
  friend bool operator==(const HotRow&, const HotRow&) = default;
};

struct HotSetQuestion {
  int layer = 0;  // slot
  QRect pixels;   // whose rows are listed; empty = none
  // The newest message of the branch: its rows are the overlay. May be null.
  std::shared_ptr<const TraceLog> log;
  std::vector<BranchTrace::MessageRange> parts;
};

struct HotSetPicture {
  static constexpr std::size_t kListMax = 500;

  std::shared_ptr<const InspectModel> model;
  int layer = 0;
  RowGrid grid;
  std::vector<std::uint32_t> resident;  // [pixels] different rows in RAM
  std::vector<std::uint32_t> used;      // [pixels] different rows that the answer used
  std::uint64_t residentRows = 0;
  std::uint64_t usedRows = 0;
  std::uint64_t usedResident = 0;  // of them, those in RAM
  std::uint64_t ngrams = 0;        // in RAM
  QRect pixels;                    // that were asked for
  std::vector<HotRow> list;        // by row; at most kListMax
  std::uint64_t listed = 0;        // what the list would have without that limit
  double milliseconds = 0;         // that it took

  // Walks the row cache, which goes on meanwhile; null if `stop` was set. Memory: a bit a row (in
  // tables of more than 268 million rows, neighbours share one) beside the picture.
  static std::shared_ptr<const HotSetPicture> make(std::shared_ptr<const InspectModel> model,
                                                   const HotSetQuestion& question,
                                                   const std::atomic<bool>& stop);
};

// The text of an n-gram of which only the classes are known, each as its first token folds it.
class ClassWords {
 public:
  explicit ClassWords(std::shared_ptr<const InspectModel> model);
  QString text(const NgramKey& key) const;

 private:
  std::shared_ptr<const InspectModel> m_model;
  std::vector<TokenId> m_first;  // [classes]; -1 = no token has it
};

}  // namespace mneme
