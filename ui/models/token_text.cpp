// SPDX-License-Identifier: Apache-2.0
#include "ui/models/token_text.h"

#include <QCoreApplication>
#include <QStringList>
#include <cmath>

#include "ui/format.h"
#include "ui/models/utf8_spans.h"

namespace mneme {
namespace {

QString text(const char* source) {
  return QCoreApplication::translate("mneme::TokenText", source);
}

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
  const bool other = trace.partAt(index).otherModel;
  return tokenText(other ? nullptr : model, trace.recordAt(index).token());
}

QString storageName(StorageKind storage) {
  return storage == StorageKind::direct
             ? text(QT_TRANSLATE_NOOP("mneme::TokenText", "SSD"))
             : text(QT_TRANSLATE_NOOP("mneme::TokenText", "file (cached by the system)"));
}

QString tierName(Tier tier, StorageKind storage) {
  switch (tier) {
    case Tier::device:
      return text(QT_TRANSLATE_NOOP("mneme::TokenText", "device"));
    case Tier::ram:
      return text(QT_TRANSLATE_NOOP("mneme::TokenText", "RAM"));
    case Tier::ssd_in_time:
      return text(QT_TRANSLATE_NOOP("mneme::TokenText", "%1, in time")).arg(storageName(storage));
    case Tier::ssd_late:
      return text(QT_TRANSLATE_NOOP("mneme::TokenText", "%1, late")).arg(storageName(storage));
  }
  return {};
}

QString shortTierName(Tier tier, StorageKind storage) {
  const bool direct = storage == StorageKind::direct;
  switch (tier) {
    case Tier::device:
      return text(QT_TRANSLATE_NOOP("mneme::TokenText", "device"));
    case Tier::ram:
      return text(QT_TRANSLATE_NOOP("mneme::TokenText", "RAM"));
    case Tier::ssd_in_time:
      return direct ? text(QT_TRANSLATE_NOOP("mneme::TokenText", "SSD"))
                    : text(QT_TRANSLATE_NOOP("mneme::TokenText", "file"));
    case Tier::ssd_late:
      return direct ? text(QT_TRANSLATE_NOOP("mneme::TokenText", "SSD late"))
                    : text(QT_TRANSLATE_NOOP("mneme::TokenText", "file late"));
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
    return text(QT_TRANSLATE_NOOP("mneme::TokenText", "layer %1"))
        .arg(model->layout.memory->layer_ids[static_cast<std::size_t>(slot)]);
  }
  return text(QT_TRANSLATE_NOOP("mneme::TokenText", "memory layer %1")).arg(slot + 1);
}

QString describeToken(const BranchTrace& trace, const InspectSource& source, int index) {
  const TraceRecord record = trace.recordAt(index);
  const InspectModel* model = source.model().get();
  QStringList words{text(QT_TRANSLATE_NOOP("mneme::TokenText", "token %1 '%2'"))
                        .arg(record.header().position)
                        .arg(tokenTextAt(trace, model, index))};
  for (int layer = 0; layer < record.shape().layers; ++layer) {
    words += text(QT_TRANSLATE_NOOP("mneme::TokenText", "%1, gate %2, write %3"))
                 .arg(layerName(model, layer), format::decimal(record.gate_max(layer)),
                      format::decimal(record.write_max(layer)));
  }
  if (record.shape().layers > 0 && record.shape().orders > 0) {
    words += text(QT_TRANSLATE_NOOP("mneme::TokenText", "slowest rows from %1"))
                 .arg(tierName(record.slowest_tier(), source.tiers().storage));
  }
  if (record.header().top_count > 0) {
    words += text(QT_TRANSLATE_NOOP("mneme::TokenText", "probability %1"))
                 .arg(format::probability(std::exp(record.header().log_prob)));
  }
  return words.join(QStringLiteral(", "));
}

}  // namespace mneme
