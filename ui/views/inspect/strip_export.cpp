// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/strip_export.h"

#include <QStringList>
#include <algorithm>
#include <cmath>

#include "ui/models/token_text.h"

namespace mneme {
namespace {

QString quoted(QString text) {
  text.replace(QLatin1Char('"'), QLatin1String("\"\""));
  return QLatin1Char('"') + text + QLatin1Char('"');
}

QString precise(double value) {
  return QString::number(value, 'g', 6);
}

const char* sourceKey(TokenSource source) {
  switch (source) {
    case TokenSource::template_text:
      return "template";
    case TokenSource::system:
      return "system";
    case TokenSource::user:
      return "user";
    case TokenSource::assistant:
      return "assistant";
    case TokenSource::raw_prompt:
      return "prompt";
  }
  return "";
}

const char* tierKey(Tier tier) {
  switch (tier) {
    case Tier::device:
      return "device";
    case Tier::ram:
      return "ram";
    case Tier::ssd_in_time:
      return "ssd_in_time";
    case Tier::ssd_late:
      return "ssd_late";
  }
  return "";
}

}  // namespace

QString stripCsv(const BranchTrace& trace, const InspectSource& source, int first, int end) {
  const auto model = source.model();
  TraceShape widest;
  for (int i = first; i < end; ++i) {
    const TraceShape shape = trace.recordAt(i).shape();
    widest.layers = std::max(widest.layers, shape.layers);
    widest.streams = std::max(widest.streams, shape.streams);
    widest.orders = std::max(widest.orders, shape.orders);
  }
  QStringList head{QStringLiteral("position"), QStringLiteral("token"), QStringLiteral("text"),
                   QStringLiteral("source"), QStringLiteral("probability")};
  for (int l = 0; l < widest.layers; ++l) {
    const QString layer = layerName(model.get(), l).replace(QLatin1Char(' '), QLatin1Char('_'));
    for (int g = 0; g < widest.streams; ++g) {
      const QString at = widest.streams > 1 ? QStringLiteral("_stream_%1").arg(g) : QString();
      head += QStringLiteral("%1_gate%2").arg(layer, at);
      head += QStringLiteral("%1_write%2").arg(layer, at);
    }
    for (int o = 0; o < widest.orders; ++o) {
      head += QStringLiteral("%1_%2gram_tier").arg(layer).arg(o + 2);
      head += QStringLiteral("%1_%2gram_latency_us").arg(layer).arg(o + 2);
    }
  }
  QString csv = head.join(QLatin1Char(',')) + QStringLiteral("\r\n");
  for (int i = first; i < end; ++i) {
    const TraceRecord record = trace.recordAt(i);
    const TraceHeader& header = record.header();
    const TraceShape& shape = record.shape();
    QStringList line{QString::number(header.position), QString::number(header.token),
                     quoted(tokenTextAt(trace, model.get(), i)),
                     QLatin1String(sourceKey(header.source)),
                     header.top_count > 0 ? precise(std::exp(double{header.log_prob})) : QString()};
    for (int l = 0; l < widest.layers; ++l) {
      for (int g = 0; g < widest.streams; ++g) {
        const bool has = l < shape.layers && g < shape.streams;
        line += has ? precise(double{record.gate(l, g)}) : QString();
        line += has ? precise(double{record.write(l, g)}) : QString();
      }
      for (int o = 0; o < widest.orders; ++o) {
        const bool has = l < shape.layers && o < shape.orders;
        line += has ? QString(QLatin1String(tierKey(record.tier(l, o)))) : QString();
        line += has ? QString::number(record.latency_us(l, o)) : QString();
      }
    }
    csv += line.join(QLatin1Char(',')) + QStringLiteral("\r\n");
  }
  return csv;
}

}  // namespace mneme
