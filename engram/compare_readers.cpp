// SPDX-License-Identifier: Apache-2.0
#include "engram/compare_readers.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "engram/ngram_hasher.h"
#include "engram/row_checksum.h"

namespace mneme {
namespace {

constexpr std::uint64_t kClassMax = 0x7fffffff;  // of an n-gram key, so rows above are not reached

// A hasher that turns the n-gram (row, 0) into `row` of every table, modulo its rows.
Result<NgramHasher> identity_hasher(const std::vector<TableSource>& tables) {
  HashSpec spec;
  spec.max_ngram_size = 2;
  spec.head_count = 1;
  spec.token_map = {0};
  for (std::size_t i = 0; i < tables.size(); ++i) {
    LayerHash layer;
    layer.layer_id = static_cast<std::int32_t>(i);
    layer.multipliers = {1, 1};
    layer.primes = {tables[i].rows};
    layer.offsets = {0};
    layer.rows = tables[i].rows;
    spec.layers.push_back(std::move(layer));
  }
  return NgramHasher::create(std::move(spec));
}

// One row, by arithmetic of its own and one plain read a part.
class PlainReader {
 public:
  Status open(const std::vector<TableSource>& tables) {
    for (const TableSource& table : tables) {
      for (const RowPart& part : table.parts) {
        for (const RowRun& run : part.runs) {
          if (files_.contains(run.path)) continue;
          auto file = File::open(run.path);
          if (!file) return file.error();
          files_.emplace(run.path, std::move(*file));
        }
      }
    }
    return {};
  }

  // Also whether any of its bytes lie on both sides of a multiple of 4096.
  Status read(const TableSource& table, std::uint64_t row, std::span<std::byte> out,
              bool& straddles) const {
    straddles = false;
    for (const RowPart& part : table.parts) {
      std::uint64_t index = row;
      std::size_t r = 0;
      while (index >= part.runs[r].rows) index -= part.runs[r++].rows;
      const std::uint64_t bytes = part.bytes + (table.checksum_salt ? kRowChecksumBytes : 0);
      std::uint64_t at = part.runs[r].offset + index * bytes;
      if (table.page_rows != 0) {
        at = part.runs[r].offset + index / table.page_rows * table.page_bytes +
             index % table.page_rows * bytes;
      }
      straddles = straddles || at / 4096 != (at + part.bytes - 1) / 4096;
      RETURN_IF_ERROR(files_.at(part.runs[r].path).read_at(at, out.first(part.bytes)));
      out = out.subspan(part.bytes);
    }
    return {};
  }

 private:
  std::map<std::string, File> files_;
};

// Rows where mistakes hide: the first and last of the table, of its shards and of some pages.
std::vector<std::uint64_t> edge_rows(const TableSource& table) {
  std::vector<std::uint64_t> rows;
  const auto around = [&](std::uint64_t row) {
    for (std::uint64_t r = row > 1 ? row - 2 : 0; r < row + 2 && r < table.rows; ++r) {
      rows.push_back(r);
    }
  };
  around(0);
  around(table.rows);
  for (const RowPart& part : table.parts) {
    std::uint64_t row = 0;
    for (const RowRun& run : part.runs) around(row += run.rows);
  }
  const std::uint64_t page_rows = table.page_rows != 0 ? table.page_rows : 4096;
  for (std::uint64_t page = 1; page < 500; ++page) around(page * page_rows);
  const std::uint64_t last_page = (table.rows - 1) / page_rows * page_rows;
  around(last_page);
  return rows;
}

class Comparison {
 public:
  Comparison(const std::vector<TableSource>& tables, const CompareOptions& options)
      : tables_(tables), options_(options), random_(options.seed) {}

  Result<CompareResult> run() {
    auto hasher = identity_hasher(tables_);
    if (!hasher) return hasher.error();
    RETURN_IF_ERROR(plain_.open(tables_));
    auto store = TableStore::open(*hasher, tables_,
                                  {.budget_bytes = options_.budget_bytes_max,
                                   .reader = options_.reader,
                                   .verify = options_.verify,
                                   .record_log = options_.record_log,
                                   .record_log_bytes = options_.record_log_bytes});
    if (!store) return store.error();
    for (const TableSource& table : tables_) {
      rows_max_ = std::max(rows_max_, table.rows);
      const auto edges = edge_rows(table);
      edges_.insert(edges_.end(), edges.begin(), edges.end());
    }
    rows_max_ = std::min(rows_max_, kClassMax);
    while (done_ < options_.rows) {
      if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed)) {
        return Error{ErrorCode::cancelled, "the comparison was stopped"};
      }
      RETURN_IF_ERROR(compare_batch(**store, next_batch()));
      if (options_.progress) {
        options_.progress(static_cast<double>(done_) / static_cast<double>(options_.rows));
      }
    }
    out_.stats = (*store)->stats();
    return out_;
  }

 private:
  // A token's worth or a prompt chunk's; random, or close together, or the same again.
  std::vector<NgramKey> next_batch() {
    const std::uint64_t size = std::min<std::uint64_t>(
        random_() % 4 == 0 ? 1 + random_() % 30 : 2048, options_.rows - done_);
    std::vector<NgramKey> keys;
    std::unordered_set<std::uint64_t> seen;
    std::uint64_t near = random_() % rows_max_;
    const auto kind = random_() % 3;
    for (std::uint64_t i = 0; i < size; ++i) {
      std::uint64_t row = random_() % rows_max_;
      if (next_edge_ < edges_.size() && i % 8 == 0) {
        row = edges_[next_edge_++] % (kClassMax + 1);
        ++out_.edges;
      } else if (kind == 1) {
        row = near = (near + random_() % 40) % rows_max_;
      } else if (kind == 2 && !keys.empty() && random_() % 4 == 0) {
        row = static_cast<std::uint64_t>(keys[random_() % keys.size()].classes[0]);
      }
      if (!seen.insert(row).second) ++out_.repeated;
      keys.push_back({2, {static_cast<ClassId>(row), 0}});
    }
    return keys;
  }

  Status compare_batch(TableStore& store, const std::vector<NgramKey>& keys) {
    TableStore::Ticket ticket = store.prefetch(keys);
    if (++batches_ % 4 == 0) {
      store.set_budget(1 + random_() % options_.budget_bytes_max);
      ++out_.budget_changes;
    }
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      const TableSource& table = tables_[t];
      got_.resize(keys.size() * table.row_bytes);
      wanted_.resize(table.row_bytes);
      RETURN_IF_ERROR(store.wait(ticket, t, got_));
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::uint64_t row = static_cast<std::uint64_t>(keys[i].classes[0]) % table.rows;
        bool straddles = false;
        RETURN_IF_ERROR(plain_.read(table, row, wanted_, straddles));
        out_.straddling += straddles ? 1 : 0;
        if (std::memcmp(got_.data() + i * table.row_bytes, wanted_.data(), table.row_bytes) != 0) {
          if (out_.different++ == 0) {
            out_.first_table = t;
            out_.first_row = row;
          }
        }
      }
      out_.rows += keys.size();
    }
    done_ += keys.size();
    return {};
  }

  const std::vector<TableSource>& tables_;
  const CompareOptions& options_;
  std::mt19937_64 random_;
  PlainReader plain_;
  std::uint64_t rows_max_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t batches_ = 0;
  std::vector<std::uint64_t> edges_;
  std::size_t next_edge_ = 0;
  std::vector<std::byte> got_, wanted_;
  CompareResult out_;
};

}  // namespace

Result<CompareResult> compare_readers(const std::vector<TableSource>& tables,
                                      const CompareOptions& options) {
  CHECK(!tables.empty() && options.rows > 0 && options.budget_bytes_max > 0);
  return Comparison(tables, options).run();
}

}  // namespace mneme
