// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/hash_walk.h"

#include <QKeyEvent>
#include <QStringList>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

QString plural(std::uint64_t value) {
  return format::count(static_cast<std::int64_t>(value));
}

}  // namespace

HashWalk::HashWalk(QWidget* parent) : QLabel(parent) {
  setTextFormat(Qt::RichText);
  setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  setWordWrap(true);
  setAccessibleName(tr("Hash walk"));
}

void HashWalk::setWalk(const TokenFacts& facts, const InspectSource& source,
                       const NgramGrid::Place& place) {
  setFont(Theme::current().monoFont(0.96));
  const auto model = source.model();
  const auto at = static_cast<std::size_t>(place.ngram);
  if (at >= facts.ngrams.size() || !facts.ngrams[at].known || !model) {
    setText(facts.whyNoRows.toHtmlEscaped());
    return;
  }
  const NgramFacts& ngram = facts.ngrams[at];
  const NgramLayerFacts& layer = ngram.layers[static_cast<std::size_t>(place.layer)];
  const RowFacts row = rowFacts(*model, ngram.key, place.layer, place.head);
  const QString dot = QStringLiteral(" · ");
  QStringList tokens;
  for (const QString& token : ngram.tokens) tokens += withoutLigatures(token).toHtmlEscaped();
  QStringList folded;
  for (const QString& text : ngram.folded) folded += withoutLigatures(text).toHtmlEscaped();
  QStringList classes;
  for (int k = ngram.order - 1; k >= 0; --k) {
    classes += QString::number(ngram.key.classes[static_cast<std::size_t>(k)]);
  }
  const QString muted = Theme::current().textMuted.name();
  const auto line = [&](const QString& label, const QString& value) {
    return QStringLiteral(
               "<tr><td style='color:%1; padding-right:8px; white-space:nowrap;'>%2</td>"
               "<td>%3</td></tr>")
        .arg(muted, label, value);
  };
  QString html = QStringLiteral("<table cellspacing='0' cellpadding='1'>");
  html += line(tr("tokens"), tokens.join(dot));
  html += line(tr("folded"), folded.join(dot));
  html += line(tr("classes"), classes.join(dot));
  html += line(tr("mix"), hexText(layer.mix));
  html += line(tr("mod"), tr("%1 leaves %2").arg(plural(row.prime), plural(row.remainder)));
  html += line(
      tr("row"),
      tr("%1 + %2 = <b>%3</b>").arg(plural(row.remainder), plural(row.offset), plural(row.row)));
  QString tier = tierName(layer.tier, source.tiers().storage);
  if (layer.latencyUs > 0) tier += QStringLiteral(", ") + format::microseconds(layer.latencyUs);
  html += line(tr("file"), tr("%1, %2").arg(offsetText(row.fileOffset),
                                            format::bytes(static_cast<std::uint64_t>(row.bytes))));
  html += line(tr("came from"), tier);
  setText(html + QStringLiteral("</table>"));
}

// Without a selection of its own Ctrl+C means the card.
void HashWalk::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy) && !hasSelectedText()) return event->ignore();
  QLabel::keyPressEvent(event);
}

}  // namespace mneme
