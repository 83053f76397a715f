// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/status_line.h"

#include <QLabel>

#include "ui/bridge/process_memory.h"
#include "ui/format.h"
#include "ui/plain_text.h"

namespace mneme {
namespace {

// "1 and 14", "1, 14 and 27".
QString listed(const std::vector<std::int32_t>& ids) {
  QStringList parts;
  for (const auto id : ids) parts << format::count(id);
  if (parts.size() < 2) return parts.join(QString());
  const QString last = parts.takeLast();
  return StatusLine::tr("%1 and %2").arg(parts.join(QStringLiteral(", ")), last);
}

}  // namespace

StatusLine::StatusLine(EngineHost& engine, QWidget* parent) : QStatusBar(parent), m_engine(engine) {
  setObjectName(QStringLiteral("statusLine"));
  setSizeGripEnabled(false);
  const auto add = [this](const char* name, const QString& accessible, bool right) {
    auto* label = new QLabel(this);
    label->setObjectName(QLatin1String(name));
    label->setAccessibleName(accessible);
    if (right) {
      addPermanentWidget(label);
    } else {
      addWidget(label);
    }
    return label;
  };
  m_memory = add("statusMemory", tr("N-gram memory"), false);
  m_drive = add("statusDrive", tr("Drive"), false);
  m_written = add("statusWritten", tr("Bytes written"), false);
  m_tracing = add("statusTracing", tr("Cost of tracing"), true);
  m_ram = add("statusRam", tr("RAM of this program"), true);
  connect(&engine, &EngineHost::modelOpened, this, &StatusLine::showModel);
  connect(&engine, &EngineHost::stateChanged, this, &StatusLine::showModel);
  connect(&engine, &EngineHost::tiersUpdated, this, &StatusLine::showTiers);
  connect(&engine, &EngineHost::answerFinished, this, [this](const GenerateResult& result) {
    if (result.decode_us == 0) return;
    const double share =
        static_cast<double>(result.trace_us) / static_cast<double>(result.decode_us);
    m_tracing->setText(tr("tracing %1 %").arg(format::decimal(share * 100, 1)));
  });
  m_timer.setInterval(2000);
  connect(&m_timer, &QTimer::timeout, this, &StatusLine::showRam);
  m_timer.start();
  showModel();
  showRam();
}

void StatusLine::showModel() {
  const ModelLayout* layout = m_engine.layout();
  if (layout == nullptr) {
    m_memory->setText(tr("No model"));
    m_drive->clear();
    m_written->clear();
    return;
  }
  if (!layout->memory) {
    m_memory->setText(tr("No n-gram memory"));
    m_memory->setToolTip(boundedText(QString::fromStdString(layout->memory_absent_reason)));
    m_drive->clear();
    m_written->clear();
    return;
  }
  const MemoryLayout& memory = *layout->memory;
  QStringList orders;
  for (int n = 2; n <= memory.max_ngram_size; ++n) orders << tr("%1-").arg(n);
  const QString grams =
      orders.size() == 1
          ? tr("2-grams")
          : tr("%1 and %2grams")
                .arg(orders.mid(0, orders.size() - 1).join(QStringLiteral(", ")), orders.last());
  QString text = (memory.layer_ids.size() == 1 ? tr("Layer %1 · %2 · %3 heads · %4 rows")
                                               : tr("Layers %1 · %2 · %3 heads · %4 rows"))
                     .arg(listed(memory.layer_ids), grams, format::count(memory.head_count),
                          format::compactCount(memory.rows));
  if (!memory.trained) text += tr(" · untrained");
  m_memory->setText(text);
  m_memory->setToolTip(boundedText(QString::fromStdString(memory.path)));
  m_written->setText(tr("bytes written 0"));
}

void StatusLine::showTiers(const TierStats& stats) {
  if (stats.read_latency.total() == 0) {
    m_drive->setText(tr("drive: no reads yet"));
  } else {
    const QString name =
        stats.storage == StorageKind::direct ? tr("drive") : tr("file (cached by the system)");
    m_drive->setText(tr("%1 %2 p50, %3 p99")
                         .arg(name, format::microseconds(stats.read_latency.quantile(0.5)),
                              format::microseconds(stats.read_latency.quantile(0.99))));
  }
  m_drive->setToolTip(
      tr("%1 on %2")
          .arg(QString::fromStdString(stats.reader), QString::fromStdString(stats.file_system)));
  m_written->setText(
      tr("bytes written %1").arg(format::count(static_cast<std::int64_t>(stats.bytes_written))));
}

void StatusLine::showRam() {
  m_ram->setText(tr("RAM %1").arg(format::bytes(processMemoryBytes())));
}

QString StatusLine::text() const {
  QStringList parts;
  for (const QLabel* label : {m_memory, m_drive, m_written, m_tracing, m_ram}) {
    if (!label->text().isEmpty()) parts << label->text();
  }
  return parts.join(QStringLiteral("  "));
}

}  // namespace mneme

#include "moc_status_line.cpp"
