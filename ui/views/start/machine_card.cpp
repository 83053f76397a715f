// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/machine_card.h"

#include <QHBoxLayout>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "base/printable.h"
#include "inference/machine/row_cost.h"
#include "ui/format.h"

namespace mneme {
namespace {

constexpr int kFactNameWidth = 104;
constexpr int kFactPadding = 7;

// What drivers and processors call themselves may hold anything.
QString factText(const std::string& text) {
  return QString::fromStdString(printable(text, kMessageBytesMax));
}

QString gpuLine(const DeviceInfo& gpu) {
  QString line = factText(gpu.name);
  if (gpu.total_bytes > 0) line += QStringLiteral(", ") + format::bytes(gpu.total_bytes);
  if (!gpu.driver.empty()) line += QStringLiteral(", ") + factText(gpu.driver);
  return line;
}

}  // namespace

MachineCard::MachineCard(QWidget* parent) : StartCard(tr("This machine"), parent) {
  heading()->addStretch();
  body()->addSpacing(6);
  m_processor = addRow(tr("Processor"));
  m_ram = addRow(tr("RAM"));
  m_gpu = addRow(tr("GPU"), &m_gpuOthers);
  m_drive = addRow(tr("Drive"), &m_driveReads);
  m_tables = addRow(tr("Tables"));
  body()->addStretch(1);
}

StartText* MachineCard::addRow(const QString& name, StartText** second) {
  if (body()->count() > 2) body()->addWidget(startLine(this));
  auto* label = new QLabel(name, this);
  label->setProperty("kind", QStringLiteral("muted"));
  label->setFixedWidth(kFactNameWidth);
  auto* values = new QVBoxLayout;
  values->setSpacing(4);
  const auto addValue = [&](const char* kind) {
    auto* value = new StartText(kind, this);
    value->setAccessibleName(name);
    values->addWidget(value);
    return value;
  };
  StartText* first = addValue("");
  if (second != nullptr) *second = addValue("muted");
  auto* row = new QHBoxLayout;
  row->setContentsMargins(0, kFactPadding, 0, kFactPadding);
  row->setSpacing(0);
  row->addWidget(label, 0, Qt::AlignTop);
  row->addLayout(values, 1);
  body()->addLayout(row);
  return first;
}

void MachineCard::showFacts(const MachineFacts& facts) {
  m_processor->say(tr("%1, %2, %3")
                       .arg(factText(facts.processor),
                            format::counted(facts.cores, tr("%1 core"), tr("%1 cores")),
                            factText(facts.instructions)));
  m_ramText = tr("%1, %2 free")
                  .arg(format::bytes(facts.ram.total_bytes), format::bytes(facts.ram.free_bytes));
  m_ram->say(m_ramText);
}

void MachineCard::askingForGpus() {
  m_gpu->count(tr("asking the drivers, %1 s"));
}

void MachineCard::showGpus(const std::vector<DeviceInfo>& gpus) {
  const auto used = std::ranges::find_if(gpus, &DeviceInfo::automatic);
  m_gpu->say(used == gpus.end() ? tr("none that can be used") : gpuLine(*used));
  QStringList others;
  for (auto gpu = gpus.begin(); gpu != gpus.end(); ++gpu) {
    if (gpu == used) continue;
    others << (!gpu->unusable.empty()
                   ? tr("%1: %2").arg(factText(gpu->name), factText(gpu->unusable))
               : gpu->automatic ? tr("also %1").arg(gpuLine(*gpu))
                                : tr("%1: only where it is asked for").arg(factText(gpu->name)));
  }
  if (gpus.empty()) others << tr("no driver of one is installed");
  m_gpuOthers->say(others.join(QStringLiteral("; ")));
}

void MachineCard::measuringRam() {
  m_ram->count(m_ramText + tr("; measuring, %1 s"));
}

void MachineCard::showRamSpeed(double gbPerSecond) {
  m_ram->say(tr("%1, about %2 GB/s").arg(m_ramText, format::decimal(gbPerSecond, 0)));
}

void MachineCard::measuringDrive() {
  m_drive->count(tr("measuring, %1 s"));
}

void MachineCard::showDrive(const Result<DriveSpeed>& speed) {
  if (!speed) {
    m_drive->say(tr("not measured"));
    m_driveReads->say(factText(speed.error().message));
    m_tables->say(tr("unknown without the drive's speed"));
    return;
  }
  m_drive->say(tr("%1/s in large reads, %2 small reads a second")
                   .arg(format::bytes(static_cast<std::uint64_t>(speed->large_bytes_per_second)),
                        format::count(std::lround(speed->small_reads_per_second))));
  m_driveReads->say(tr("%1 for an n-gram row, %2 for the slowest 1 %")
                        .arg(format::microseconds(speed->small_read_us),
                             format::microseconds(speed->small_read_us_p99)));
  double most = 0;
  QStringList models;
  for (const RowCost& cost : row_costs(*speed)) {
    most = std::max(most, cost.ms_per_token);
    models << tr("%1: %2 rows a token, %3")
                  .arg(QString::fromUtf8(cost.model.data(), qsizetype(cost.model.size())),
                       format::count(cost.rows_per_token), format::milliseconds(cost.ms_per_token));
  }
  m_tables->say(tr("n-gram tables cost at most %1 a token").arg(format::milliseconds(most)));
  m_tables->setToolTip(models.join(QLatin1Char('\n')));
}

}  // namespace mneme

#include "moc_machine_card.cpp"
