// SPDX-License-Identifier: Apache-2.0
#include "ui/models/token_text.h"

#include <QCoreApplication>
#include <QStringList>
#include <cmath>

#include "ui/format.h"
#include "ui/models/utf8_spans.h"

namespace mneme {
namespace {

struct TokenWords {
  Q_DECLARE_TR_FUNCTIONS(mneme::TokenText)
};

}  // namespace

QString visibleText(const std::string& bytes) {
  QString out;
  const TokenSpans spans = spellTokens({bytes}, false);
  if (spans.text.contains(QChar(0xfffd))) {
    // Part of a character: show what the token really is, its bytes.
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte > 0x20 && byte < 0x7f) {
        out += QChar(static_cast<char16_t>(byte));
      } else {
        out += QStringLiteral("<%1>").arg(byte, 2, 16, QLatin1Char('0')).toUpper();
      }
    }
    return out;
  }
  for (const QChar c : spans.text) {
    if (c == QLatin1Char(' '))
      out += QChar(0x2423);
    else if (c == QLatin1Char('\n'))
      out += QChar(0x21b5);
    else if (c == QLatin1Char('\t'))
      out += QChar(0x21e5);
    else if (c == QLatin1Char('\r'))
      out += QChar(0x240d);
    else if (c.category() == QChar::Other_Control)
      out += QStringLiteral("<%1>").arg(c.unicode(), 2, 16, QLatin1Char('0'));
    else
      out += c;
  }
  return out;
}

QString tokenText(const InspectModel* model, TokenId token) {
  if (!model || !model->tokenBytes) return QStringLiteral("#%1").arg(token);
  const std::string bytes = model->tokenBytes(token);
  if (bytes.empty()) return QStringLiteral("#%1").arg(token);
  return visibleText(bytes);
}

QString tokenTextAt(const BranchTrace& trace, const InspectModel* model, int index) {
  const bool other = trace.messageAt(index).otherModel;
  return tokenText(other ? nullptr : model, trace.recordAt(index).token());
}

QString storageName(StorageKind storage) {
  return storage == StorageKind::direct ? TokenWords::tr("SSD")
                                        : TokenWords::tr("file (cached by the system)");
}

QString tierName(Tier tier, StorageKind storage) {
  switch (tier) {
    case Tier::device:
      return TokenWords::tr("device");
    case Tier::ram:
      return TokenWords::tr("RAM");
    case Tier::ssd_in_time:
      return TokenWords::tr("%1, hidden behind computing").arg(storageName(storage));
    case Tier::ssd_late:
      return TokenWords::tr("%1, the layer had to wait").arg(storageName(storage));
  }
  return {};
}

QString shortTierName(Tier tier, StorageKind storage) {
  const bool direct = storage == StorageKind::direct;
  switch (tier) {
    case Tier::device:
      return TokenWords::tr("device");
    case Tier::ram:
      return TokenWords::tr("RAM");
    case Tier::ssd_in_time:
      return direct ? TokenWords::tr("SSD") : TokenWords::tr("file");
    case Tier::ssd_late:
      return direct ? TokenWords::tr("SSD, waited") : TokenWords::tr("file, waited");
  }
  return {};
}

QString withoutLigatures(const QString& text) {
  QString out;
  for (const QChar c : text) {
    if (!out.isEmpty() && c.unicode() < 0x80 && !c.isLetterOrNumber()) out += QChar(0x200c);
    out += c;
  }
  return out;
}

QString layerName(const InspectModel* model, int slot) {
  if (model && model->layout.memory &&
      slot < static_cast<int>(model->layout.memory->layer_ids.size())) {
    return TokenWords::tr("layer %1")
        .arg(model->layout.memory->layer_ids[static_cast<std::size_t>(slot)]);
  }
  return TokenWords::tr("Engram layer %1").arg(slot + 1);
}

QString describeToken(const BranchTrace& trace, const InspectSource& source, int index) {
  const TraceRecord record = trace.recordAt(index);
  const InspectModel* model = source.model().get();
  QStringList words{TokenWords::tr("token %1 '%2'")
                        .arg(record.header().position)
                        .arg(tokenTextAt(trace, model, index))};
  for (int layer = 0; layer < record.shape().layers; ++layer) {
    words += TokenWords::tr("%1, gate %2, added %3")
                 .arg(layerName(model, layer), format::decimal(record.gate_max(layer)),
                      format::decimal(record.write_max(layer)));
  }
  if (record.shape().layers > 0 && record.shape().orders > 0) {
    words += TokenWords::tr("slowest rows from %1")
                 .arg(tierName(record.slowest_tier(), source.tiers().storage));
  }
  if (record.header().top_count > 0) {
    words += TokenWords::tr("probability %1")
                 .arg(format::probability(std::exp(record.header().log_prob)));
  }
  return words.join(QStringLiteral(", "));
}

}  // namespace mneme
