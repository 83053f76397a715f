// SPDX-License-Identifier: Apache-2.0
// Every (token, Engram layer, order, head) of a branch as column arrays: which row it used, how
// often that row was used, and how many different n-grams shared it. Built on the analysis thread,
// then immutable. Rows and texts are made on demand from the keys.
#pragma once

#include <QString>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engram/ngram_key.h"
#include "engram/tier_stats.h"
#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"

namespace mneme {

class SlotIndex {
 public:
  static constexpr std::size_t kEntriesMax = 6'400'000;  // 200,000 tokens of the default pack

  // Entry e is one slot: ((token * layers + layer) * orders + order) * heads + head.
  struct Place {
    std::size_t token = 0;  // into the covered tokens
    int layer = 0;          // slot
    int order = 0;          // 0 = 2-grams
    int head = 0;
  };

  // Covers the newest tokens that fit into kEntriesMax; tokens without this pack's records are left
  // out. Any thread.
  static std::shared_ptr<const SlotIndex> build(std::shared_ptr<const TraceLog> log,
                                                const std::vector<BranchTrace::MessageRange>& parts,
                                                std::shared_ptr<const InspectModel> model);

  const InspectModel& model() const { return *m_model; }
  std::size_t size() const { return m_seen.size(); }
  std::size_t tokens() const { return m_events.size(); }
  std::size_t skippedTokens() const { return m_skipped; }  // too old to fit
  Place place(std::size_t entry) const;
  // Entries of the token, [first, first + perToken()); none if it is not covered.
  std::optional<std::size_t> firstOf(EventIndex event) const;
  std::size_t perToken() const { return m_perToken; }

  EventIndex event(const Place& at) const { return m_events[at.token]; }
  std::uint32_t position(const Place& at) const { return m_positions[at.token]; }
  const NgramKey& key(const Place& at) const { return m_keys[at.token * m_orders + at.order]; }
  std::vector<TokenId> ngram(const Place& at) const;  // oldest first
  QString text(const Place& at) const;
  Tier tier(const Place& at) const { return m_tiers[pair(at)]; }
  std::uint32_t latencyUs(const Place& at) const { return m_latencies[pair(at)]; }
  std::uint64_t prime(const Place& at) const;
  RowId row(const Place& at) const;
  std::uint32_t seen(std::size_t entry) const { return m_seen[entry]; }
  // Other n-grams of this trace that used the row.
  std::uint32_t collisions(std::size_t entry) const { return m_collisions[entry]; }

 private:
  std::size_t pair(const Place& at) const {
    return (at.token * m_layers + static_cast<std::size_t>(at.layer)) * m_orders +
           static_cast<std::size_t>(at.order);
  }
  void read(const BranchTrace& trace);
  void countUses();

  std::shared_ptr<const InspectModel> m_model;
  std::size_t m_layers = 0;
  std::size_t m_orders = 0;
  std::size_t m_heads = 0;
  std::size_t m_perToken = 0;
  std::size_t m_skipped = 0;
  std::vector<EventIndex> m_events;         // [tokens], in branch order
  std::vector<std::uint32_t> m_positions;   // [tokens]
  std::vector<TokenId> m_context;           // [tokens, N], newest first; -1 = before the start
  std::vector<NgramKey> m_keys;             // [tokens, orders]; order 0 = not known
  std::vector<Tier> m_tiers;                // [tokens, layers, orders]
  std::vector<std::uint16_t> m_latencies;   // likewise
  std::vector<std::uint32_t> m_seen;        // [entries]
  std::vector<std::uint16_t> m_collisions;  // [entries]
};

}  // namespace mneme
