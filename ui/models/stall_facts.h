// SPDX-License-Identifier: Apache-2.0
// Why a token had to wait: the reads that brought its rows, from its record. Plain data; the
// functions run on the UI thread.
#pragma once

#include <QString>
#include <cstdint>
#include <vector>

#include "ui/models/token_facts.h"

namespace mneme {

// A token of the branch that a layer waited for.
struct Stall {
  int index = 0;  // in the branch
  EventIndex event = 0;
  std::uint32_t waitUs = 0;  // all layers; of a prompt token its share of the chunk's wait
  int late = 0;              // (n-gram, layer) pairs that came late
};

// The longest waits first, at most `most` of them.
std::vector<Stall> longestStalls(const BranchTrace& trace, std::size_t most);

// One n-gram that was read from storage for one layer.
struct StallRead {
  int order = 0;
  QString text;
  QString layer;
  Tier tier = Tier::ssd_in_time;
  std::uint32_t latencyUs = 0;
  std::vector<RowId> rows;  // [heads]; empty where they are not known
};

// Late ones first, then the slowest. What was in RAM already was not read.
std::vector<StallRead> readsOf(const TokenFacts& facts);

// "“Great” waited 4.2 ms for rows, 31 % of its step. 2 of 6 reads were late; ...": whole sentences.
QString stallText(const TokenFacts& facts, StorageKind storage);

}  // namespace mneme
