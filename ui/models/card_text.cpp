// SPDX-License-Identifier: Apache-2.0
#include <QCoreApplication>
#include <QStringList>

#include "ui/format.h"
#include "ui/models/token_facts.h"
#include "ui/models/token_text.h"

namespace mneme {
namespace {

struct CardWords {
  Q_DECLARE_TR_FUNCTIONS(mneme::CardText)
};

QStringList memoryLines(const TokenFacts& facts) {
  if (facts.layers.empty()) return {facts.whyNoMemory};
  QStringList lines;
  for (const TokenFacts::Layer& layer : facts.layers) {
    QStringList gates;
    for (const float gate : layer.gates) gates += format::decimal(gate);
    QStringList writes;
    for (const float write : layer.writes) writes += format::decimal(write);
    lines += CardWords::tr("%1: gate %2, added %3")
                 .arg(layer.name, gates.join(QLatin1Char(' ')), writes.join(QLatin1Char(' ')));
  }
  if (facts.untrained)
    lines += CardWords::tr("The n-gram memory is untrained: a stand-in of random rows.");
  return lines;
}

QStringList ngramLines(const TokenFacts& facts, const InspectSource& source) {
  QStringList lines;
  for (const NgramFacts& ngram : facts.ngrams) {
    lines += CardWords::tr("%1-gram '%2'").arg(ngram.order).arg(ngram.text);
    if (ngram.known) {
      QStringList classes;
      for (int k = ngram.order - 1; k >= 0; --k) {
        classes += QString::number(ngram.key.classes[static_cast<std::size_t>(k)]);
      }
      lines += CardWords::tr("  classes %1").arg(classes.join(QLatin1Char(' ')));
    }
    for (std::size_t i = 0; i < ngram.layers.size(); ++i) {
      const NgramLayerFacts& layer = ngram.layers[i];
      lines += CardWords::tr("  %1: %2, %3")
                   .arg(facts.layers[i].name, tierName(layer.tier, source.tiers().storage),
                        format::microseconds(layer.latencyUs));
      if (!ngram.known) continue;
      QStringList rows;
      for (const RowId row : layer.rows) rows += QString::number(row);
      lines +=
          CardWords::tr("  mix %1, rows %2").arg(hexText(layer.mix), rows.join(QLatin1Char(' ')));
    }
  }
  if (!facts.whyNoRows.isEmpty()) lines += facts.whyNoRows;
  return lines;
}

}  // namespace

QString cardText(const TokenFacts& facts, const InspectSource& source) {
  QStringList lines{CardWords::tr("token %1 '%2', id %3")
                        .arg(facts.header.position)
                        .arg(facts.text)
                        .arg(facts.header.token)};
  if (!facts.choices.empty()) {
    lines += CardWords::tr("probability %1").arg(format::probability(facts.probability));
    for (const TokenFacts::Choice& choice : facts.choices) {
      lines += QStringLiteral("  %1  %2").arg(format::probability(choice.probability), choice.text);
    }
  }
  return (lines + memoryLines(facts) + ngramLines(facts, source)).join(QLatin1Char('\n')) +
         QLatin1Char('\n');
}

}  // namespace mneme
