// SPDX-License-Identifier: Apache-2.0
#include "ui/models/hot_set_picture.h"

#include <QElapsedTimer>
#include <algorithm>
#include <array>

#include "base/check.h"
#include "ui/models/token_facts.h"

namespace mneme {
namespace {

constexpr std::uint64_t kBitsMax = std::uint64_t{1} << 28;  // 32 MiB

// A set of rows: a bit a row, or a bit for a few neighbours.
class RowSet {
 public:
  explicit RowSet(std::uint64_t rows)
      : m_perBit(std::max<std::uint64_t>(1, (rows + kBitsMax - 1) / kBitsMax)),
        m_words(static_cast<std::size_t>(rows / m_perBit / 64 + 1)) {}

  bool add(RowId row) {  // false: it was there
    const std::uint64_t bit = row / m_perBit;
    std::uint64_t& word = m_words[static_cast<std::size_t>(bit / 64)];
    const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
    const bool fresh = (word & mask) == 0;
    word |= mask;
    return fresh;
  }

 private:
  std::uint64_t m_perBit;
  std::vector<std::uint64_t> m_words;
};

// Of the newest message, ascending, each once.
std::vector<RowId> rowsOfAnswer(const InspectModel& model, const HotSetQuestion& question) {
  std::vector<RowId> rows;
  if (!question.log || question.parts.empty()) return rows;
  BranchTrace trace;
  trace.reset(question.log, question.parts);
  if (trace.parts().empty() || trace.parts().back().otherModel) return rows;
  const NgramHasher& hasher = *model.hasher;
  const HashSpec& spec = hasher.spec();
  std::vector<NgramKey> keys(static_cast<std::size_t>(spec.orders()));
  std::vector<RowId> ofKey(static_cast<std::size_t>(spec.head_count));
  for (int i = trace.startOf(trace.parts().size() - 1); i < trace.size(); ++i) {
    if (!model.fits(trace.recordAt(i).shape())) continue;
    const BranchTrace::Context context = trace.context(i, spec.max_ngram_size);
    hasher.keys_at(context.tokens, context.tokens.size() - 1, keys);
    for (const NgramKey& key : keys) {
      // Where older tokens were not recorded, the longer n-grams are not known.
      if (!context.complete && context.tokens.size() < static_cast<std::size_t>(key.order)) break;
      hasher.rows(static_cast<std::size_t>(question.layer), key, ofKey);
      rows.insert(rows.end(), ofKey.begin(), ofKey.end());
    }
  }
  std::ranges::sort(rows);
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

}  // namespace

RowGrid::RowGrid(std::uint64_t rows) : m_rows(rows) {
  constexpr std::uint64_t kPixels = std::uint64_t{kWidth} * kHeight;
  m_perPixel = std::max<std::uint64_t>(1, (rows + kPixels - 1) / kPixels);
  const std::uint64_t pixels = (rows + m_perPixel - 1) / m_perPixel;
  m_lines = static_cast<int>((pixels + kWidth - 1) / kWidth);
}

QPoint RowGrid::pixelOf(RowId row) const {
  const std::size_t index = indexOf(row);
  return {static_cast<int>(index % kWidth), static_cast<int>(index / kWidth)};
}

std::pair<RowId, RowId> RowGrid::rowsOf(QPoint pixel) const {
  const std::uint64_t index =
      static_cast<std::uint64_t>(pixel.y()) * kWidth + static_cast<std::uint64_t>(pixel.x());
  return {std::min(m_rows, index * m_perPixel), std::min(m_rows, (index + 1) * m_perPixel)};
}

std::uint64_t RowGrid::rowsIn(const QRect& pixels) const {
  const QRect part = pixels & rect();
  std::uint64_t rows = 0;
  for (int y = part.top(); y <= part.bottom(); ++y) {
    rows += rowsOf({part.right(), y}).second - rowsOf({part.left(), y}).first;
  }
  return rows;
}

std::shared_ptr<const HotSetPicture> HotSetPicture::make(std::shared_ptr<const InspectModel> model,
                                                         const HotSetQuestion& question,
                                                         const std::atomic<bool>& stop) {
  QElapsedTimer timer;
  timer.start();
  const NgramHasher& hasher = *model->hasher;
  const auto slot = static_cast<std::size_t>(question.layer);
  auto picture = std::make_shared<HotSetPicture>();
  picture->layer = question.layer;
  picture->pixels = question.pixels;
  picture->grid = RowGrid(hasher.spec().layers.at(slot).rows);
  const RowGrid& grid = picture->grid;
  picture->resident.resize(grid.pixels());
  picture->used.resize(grid.pixels());
  const std::vector<RowId> used = rowsOfAnswer(*model, question);
  for (const RowId row : used) ++picture->used[grid.indexOf(row)];
  picture->usedRows = used.size();

  RowSet seen(grid.rows());
  std::array<NgramKey, 64> keys;
  std::vector<RowId> rows(static_cast<std::size_t>(hasher.spec().head_count));
  for (std::uint64_t first = 0;;) {
    if (stop) return nullptr;
    const NgramSlice slice = model->listRam(first, keys);
    picture->ngrams += slice.count;
    for (const NgramKey& key : std::span(keys).first(slice.count)) {
      hasher.rows(slot, key, rows);
      for (std::size_t head = 0; head < rows.size(); ++head) {
        const RowId row = rows[head];
        const bool ofAnswer = !used.empty() && std::ranges::binary_search(used, row);
        if (seen.add(row)) {
          ++picture->resident[grid.indexOf(row)];
          ++picture->residentRows;
          picture->usedResident += ofAnswer ? 1 : 0;
        }
        if (!question.pixels.contains(grid.pixelOf(row))) continue;
        ++picture->listed;
        if (picture->list.size() < kListMax) {
          picture->list.push_back({row, key, static_cast<int>(head), ofAnswer});
        }
      }
    }
    if (slice.next == 0) break;
    first = slice.next;
  }
  std::ranges::sort(picture->list, {}, &HotRow::row);
  // An entry that moved during the walk came twice.
  const auto again = std::ranges::unique(picture->list);
  picture->listed -= static_cast<std::uint64_t>(again.size());
  picture->list.erase(again.begin(), again.end());
  picture->model = std::move(model);
  picture->milliseconds = static_cast<double>(timer.nsecsElapsed()) / 1e6;
  return picture;
}

ClassWords::ClassWords(std::shared_ptr<const InspectModel> model) : m_model(std::move(model)) {
  const std::vector<ClassId>& classes = m_model->hasher->spec().token_map;
  for (std::size_t token = classes.size(); token-- > 0;) {
    if (classes[token] < 0) continue;
    const auto at = static_cast<std::size_t>(classes[token]);
    if (at >= m_first.size()) m_first.resize(at + 1, -1);
    m_first[at] = static_cast<TokenId>(token);
  }
}

QString ClassWords::text(const NgramKey& key) const {
  QStringList words;
  for (int back = key.order - 1; back >= 0; --back) {
    const ClassId id = key.classes[static_cast<std::size_t>(back)];
    const bool known = id >= 0 && static_cast<std::size_t>(id) < m_first.size() &&
                       m_first[static_cast<std::size_t>(id)] >= 0;
    words << (known ? foldedText(*m_model, m_first[static_cast<std::size_t>(id)])
                    : QStringLiteral("#%1").arg(id));
  }
  return words.join(QLatin1Char(' '));
}

}  // namespace mneme
