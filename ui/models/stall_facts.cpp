// SPDX-License-Identifier: Apache-2.0
#include "ui/models/stall_facts.h"

#include <QCoreApplication>
#include <algorithm>
#include <tuple>

#include "ui/format.h"
#include "ui/models/token_text.h"

namespace mneme {
namespace {

struct StallWords {
  Q_DECLARE_TR_FUNCTIONS(mneme::StallFacts)
};

bool wasRead(Tier tier) {
  return tier == Tier::ssd_in_time || tier == Tier::ssd_late;
}

}  // namespace

std::vector<Stall> longestStalls(const BranchTrace& trace, std::size_t most) {
  std::vector<Stall> stalls;
  for (int i = 0; i < trace.size(); ++i) {
    const TraceRecord record = trace.recordAt(i);
    if (record.header().wait_us == 0) continue;
    Stall stall{i, trace.eventAt(i), record.header().wait_us, 0};
    for (int layer = 0; layer < record.shape().layers; ++layer) {
      for (int order = 0; order < record.shape().orders; ++order) {
        stall.late += record.tier(layer, order) == Tier::ssd_late ? 1 : 0;
      }
    }
    // A token of a prompt chunk may have waited for others only.
    if (stall.late > 0) stalls.push_back(stall);
  }
  const std::size_t count = std::min(most, stalls.size());
  std::ranges::partial_sort(stalls, stalls.begin() + static_cast<std::ptrdiff_t>(count),
                            [](const Stall& a, const Stall& b) {
                              return std::tie(b.waitUs, a.index) < std::tie(a.waitUs, b.index);
                            });
  stalls.resize(count);
  return stalls;
}

std::vector<StallRead> readsOf(const TokenFacts& facts) {
  std::vector<StallRead> reads;
  for (const NgramFacts& ngram : facts.ngrams) {
    for (std::size_t slot = 0; slot < ngram.layers.size(); ++slot) {
      const NgramLayerFacts& layer = ngram.layers[slot];
      if (!wasRead(layer.tier)) continue;
      reads.push_back({ngram.order,
                       ngram.text.isEmpty() ? StallWords::tr("(tokens unknown)") : ngram.text,
                       facts.layers[slot].name, layer.tier, layer.latencyUs, layer.rows});
    }
  }
  std::ranges::stable_sort(reads, [](const StallRead& a, const StallRead& b) {
    return std::tuple(b.tier == Tier::ssd_late, b.latencyUs) <
           std::tuple(a.tier == Tier::ssd_late, a.latencyUs);
  });
  return reads;
}

QString stallText(const TokenFacts& facts, StorageKind storage) {
  const TraceHeader& header = facts.header;
  const std::vector<StallRead> reads = readsOf(facts);
  const auto late = std::ranges::count(reads, Tier::ssd_late, &StallRead::tier);
  if (header.wait_us == 0 && late == 0)
    return StallWords::tr("“%1” waited for no rows.").arg(facts.text);
  const double step = double(header.wait_us) + header.compute_us + header.sample_us;
  QString text = StallWords::tr("“%1” waited %2 for rows, %3 of its step.")
                     .arg(facts.text, format::microseconds(header.wait_us),
                          format::percent(step > 0 ? header.wait_us / step : 0));
  if (header.sampled == 0) {
    text += QLatin1Char(' ') +
            StallWords::tr(
                "It was read with a chunk of the prompt: this is its share of the chunk's "
                "wait.");
  }
  text += QLatin1Char(' ');
  if (reads.empty()) return text + StallWords::tr("Its own rows were in RAM.");
  if (late == 0) {
    return text + StallWords::tr("All of its own %1 reads were hidden behind computing.")
                      .arg(reads.size());
  }
  const StallRead& slowest = reads.front();
  text += format::counted(late, StallWords::tr("A layer had to wait for %1 n-gram"),
                          StallWords::tr("Layers had to wait for %1 n-grams"));
  text += StallWords::tr(" of the %1 from %2; the slowest, “%3” for %4, took %5.")
              .arg(reads.size())
              .arg(storageName(storage), slowest.text, slowest.layer,
                   format::microseconds(slowest.latencyUs));
  return text;
}

}  // namespace mneme
