// SPDX-License-Identifier: Apache-2.0
#include "ui/models/slot_index.h"

#include <algorithm>
#include <utility>

#include "ui/models/token_facts.h"

namespace mneme {
namespace {

constexpr TokenId kNoToken = -1;

}  // namespace

std::shared_ptr<const SlotIndex> SlotIndex::build(
    std::shared_ptr<const TraceLog> log, const std::vector<BranchTrace::MessageRange>& parts,
    std::shared_ptr<const InspectModel> model) {
  auto index = std::make_shared<SlotIndex>();
  const HashSpec& spec = model->hasher->spec();
  index->m_layers = spec.layers.size();
  index->m_orders = static_cast<std::size_t>(spec.orders());
  index->m_heads = static_cast<std::size_t>(spec.head_count);
  index->m_perToken = index->m_layers * index->m_orders * index->m_heads;
  index->m_model = std::move(model);
  BranchTrace trace;
  trace.reset(std::move(log), parts);
  index->read(trace);
  index->countUses();
  return index;
}

void SlotIndex::read(const BranchTrace& trace) {
  const NgramHasher& hasher = *m_model->hasher;
  const int n = hasher.spec().max_ngram_size;
  const int tokensMax = static_cast<int>(kEntriesMax / m_perToken);
  std::vector<NgramKey> keys(m_orders);
  const int first = std::max(0, trace.size() - tokensMax);
  m_skipped = static_cast<std::size_t>(first);
  for (int i = first; i < trace.size(); ++i) {
    const TraceRecord record = trace.recordAt(i);
    if (!m_model->fits(record.shape()) || trace.messageAt(i).otherModel) continue;
    m_events.push_back(trace.eventAt(i));
    m_positions.push_back(record.header().position);
    const BranchTrace::Context context = trace.context(i, n);
    hasher.keys_at(context.tokens, context.tokens.size() - 1, keys);
    for (std::size_t o = 0; o < m_orders; ++o) {
      // Where older tokens were not recorded, the longer n-grams are not known.
      const bool known = context.complete || context.tokens.size() >= o + 2;
      m_keys.push_back(known ? keys[o] : NgramKey{});
    }
    for (int back = 0; back < n; ++back) {
      const auto at = static_cast<std::ptrdiff_t>(context.tokens.size()) - 1 - back;
      m_context.push_back(at >= 0 ? context.tokens[static_cast<std::size_t>(at)] : kNoToken);
    }
    for (int layer = 0; layer < record.shape().layers; ++layer) {
      for (int order = 0; order < record.shape().orders; ++order) {
        m_tiers.push_back(record.tier(layer, order));
        m_latencies.push_back(static_cast<std::uint16_t>(record.latency_us(layer, order)));
      }
    }
  }
}

void SlotIndex::countUses() {
  m_seen.assign(m_events.size() * m_perToken, 0);
  m_collisions.assign(m_seen.size(), 0);
  struct Use {
    RowId row;
    std::size_t ngram;  // hash of the key: equal n-grams are one
    std::uint32_t token;
  };
  std::vector<Use> uses;
  std::vector<RowId> rows(m_heads);
  std::vector<std::size_t> names(m_keys.size());
  for (std::size_t i = 0; i < m_keys.size(); ++i) names[i] = NgramKeyHash()(m_keys[i]);
  for (std::size_t layer = 0; layer < m_layers; ++layer) {
    for (std::size_t order = 0; order < m_orders; ++order) {
      // Heads of one order share the mix; each has rows of its own.
      std::vector<RowId> all(m_events.size() * m_heads);
      for (std::size_t token = 0; token < m_events.size(); ++token) {
        const NgramKey& key = m_keys[token * m_orders + order];
        if (key.order == 0) continue;
        m_model->hasher->rows(layer, key, rows);
        std::copy(rows.begin(), rows.end(),
                  all.begin() + static_cast<std::ptrdiff_t>(token * m_heads));
      }
      for (std::size_t head = 0; head < m_heads; ++head) {
        uses.clear();
        for (std::size_t token = 0; token < m_events.size(); ++token) {
          const std::size_t at = token * m_orders + order;
          if (m_keys[at].order == 0) continue;
          uses.push_back(
              {all[token * m_heads + head], names[at], static_cast<std::uint32_t>(token)});
        }
        std::sort(uses.begin(), uses.end(), [](const Use& a, const Use& b) {
          return std::tie(a.row, a.ngram) < std::tie(b.row, b.ngram);
        });
        for (std::size_t from = 0; from < uses.size();) {
          std::size_t to = from;
          std::size_t ngrams = 0;
          for (; to < uses.size() && uses[to].row == uses[from].row; ++to) {
            ngrams += to == from || uses[to].ngram != uses[to - 1].ngram;
          }
          for (std::size_t i = from; i < to; ++i) {
            const std::size_t entry =
                ((uses[i].token * m_layers + layer) * m_orders + order) * m_heads + head;
            m_seen[entry] = static_cast<std::uint32_t>(to - from);
            m_collisions[entry] =
                static_cast<std::uint16_t>(std::min<std::size_t>(ngrams - 1, 65535));
          }
          from = to;
        }
      }
    }
  }
}

SlotIndex::Place SlotIndex::place(std::size_t entry) const {
  Place at;
  at.head = static_cast<int>(entry % m_heads);
  entry /= m_heads;
  at.order = static_cast<int>(entry % m_orders);
  entry /= m_orders;
  at.layer = static_cast<int>(entry % m_layers);
  at.token = entry / m_layers;
  return at;
}

std::optional<std::size_t> SlotIndex::firstOf(EventIndex event) const {
  // Events ascend along nearly every branch; where they do not, look one by one.
  const auto guess = std::lower_bound(m_events.begin(), m_events.end(), event);
  const auto found = guess != m_events.end() && *guess == event
                         ? guess
                         : std::find(m_events.begin(), m_events.end(), event);
  if (found == m_events.end()) return std::nullopt;
  return static_cast<std::size_t>(found - m_events.begin()) * m_perToken;
}

std::vector<TokenId> SlotIndex::ngram(const Place& at) const {
  const std::size_t n = m_orders + 1;
  std::vector<TokenId> tokens;
  for (int back = at.order + 1; back >= 0; --back) {
    const TokenId token = m_context[at.token * n + static_cast<std::size_t>(back)];
    if (token != kNoToken) tokens.push_back(token);
  }
  return tokens;
}

QString SlotIndex::text(const Place& at) const {
  return ngramText(*m_model, ngram(at));
}

std::uint64_t SlotIndex::prime(const Place& at) const {
  const LayerHash& layer = m_model->hasher->spec().layers[static_cast<std::size_t>(at.layer)];
  return layer
      .primes[static_cast<std::size_t>(at.order) * m_heads + static_cast<std::size_t>(at.head)];
}

RowId SlotIndex::row(const Place& at) const {
  std::vector<RowId> rows(m_heads);
  m_model->hasher->rows(static_cast<std::size_t>(at.layer), key(at), rows);
  return rows[static_cast<std::size_t>(at.head)];
}

}  // namespace mneme
