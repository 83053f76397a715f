// SPDX-License-Identifier: Apache-2.0
// What the slots table shows of a SlotIndex: which entries, in which order. The filter is a line of
// words: "layer=14", "order=3", "head=2", "tier=ssd", "row=944120", "seen>3", "read>100"
// (microseconds), "shared>0"; any other word must occur in the n-gram's text. Pure functions; any
// thread.
#pragma once

#include <QString>
#include <QStringList>
#include <cstdint>
#include <optional>
#include <vector>

#include "ui/models/slot_index.h"

namespace mneme {

enum class SlotColumn : int {
  position,
  layer,
  order,
  head,
  ngram,
  classes,
  prime,
  row,
  tier,
  latency,
  seen,
  collisions,
  count
};

struct SlotFilter {
  enum class Field { layer, order, head, row, seen, latency, collisions };
  struct Term {
    Field field = Field::layer;
    QChar relation = QLatin1Char('=');  // = < >
    std::uint64_t value = 0;
  };
  std::vector<Term> terms;
  std::vector<Tier> tiers;  // any of these; empty = all
  QStringList words;        // in the n-gram's text, any case

  // The error is a sentence about the word that was not understood.
  static std::optional<SlotFilter> parse(const QString& line, QString* error);
};

struct SlotQuery {
  SlotFilter filter;
  SlotColumn sort = SlotColumn::position;
  bool descending = false;
  std::optional<EventIndex> only;  // entries of this token
};

// Entries of `index` that the query asks for, sorted; equal ones stay in token order.
std::vector<std::uint32_t> runQuery(const SlotIndex& index, const SlotQuery& query);

}  // namespace mneme
