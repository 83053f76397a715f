// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/machine_card.h"

#include <QHBoxLayout>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "base/printable.h"
#include "inference/machine/row_cost.h"
#include "ui/format.h"
#include "ui/views/start/package_ways.h"

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

using Step = MachineSurvey::Step;

}  // namespace

MachineCard::MachineCard(MachineSurvey& survey, const Package& package, QWidget* parent)
    : StartCard(tr("This machine"), parent), m_survey(survey), m_wayToCuda(wayToCuda(package)) {
  m_again = new QPushButton(tr("Measure again"), this);
  m_again->setAccessibleName(tr("Measure this machine again"));
  m_again->setToolTip(tr("Some seconds; a file of up to 128 MiB is written and removed"));
  keepFont(m_again, 0.93);
  heading()->addStretch();
  heading()->addWidget(m_again);
  body()->addSpacing(6);
  m_processor = addRow(tr("Processor"));
  m_ram = addRow(tr("RAM"));
  m_gpu = addRow(tr("GPU"), &m_gpuOthers);
  m_drive = addRow(tr("Drive"), &m_driveReads);
  m_tables = addRow(tr("Tables"));
  body()->addStretch(1);
  connect(m_again, &QPushButton::clicked, &survey, &MachineSurvey::measureAgain);
  connect(&survey, &MachineSurvey::changed, this, &MachineCard::refresh);
  refresh();
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

void MachineCard::refresh() {
  m_again->setEnabled(m_survey.now() == Step::none && m_survey.drive());
  if (const auto& facts = m_survey.facts()) {
    m_processor->say(tr("%1, %2, %3")
                         .arg(factText(facts->processor),
                              format::counted(facts->cores, tr("%1 core"), tr("%1 cores")),
                              factText(facts->instructions)));
    showRam();
  }
  showGpus();
  showDrive();
}

void MachineCard::showRam() {
  const SystemMemory& ram = m_survey.facts()->ram;
  const QString text =
      tr("%1, %2 free").arg(format::bytes(ram.total_bytes), format::bytes(ram.free_bytes));
  const auto& speed = m_survey.ramSpeed();
  if (m_survey.now() == Step::memory) {
    m_ram->count(text + tr("; measuring, %1 s"));
  } else if (!speed) {
    m_ram->say(text);
  } else if (!*speed) {
    m_ram->say(tr("%1; speed not measured: %2").arg(text, factText(speed->error().message)));
  } else {
    m_ram->say(tr("%1, about %2 GB/s").arg(text, format::decimal(**speed, 0)));
  }
}

void MachineCard::showGpus() {
  if (m_survey.now() == Step::gpus) {
    m_gpu->count(tr("asking the drivers, %1 s"));
    return;
  }
  if (!m_survey.gpus()) return;
  if (!*m_survey.gpus()) {
    m_gpu->say(tr("not known"));
    m_gpuOthers->say(
        tr("the drivers gave no answer: %1").arg(factText(m_survey.gpus()->error().message)));
    return;
  }
  const std::vector<DeviceInfo>& gpus = **m_survey.gpus();
  const auto used = std::ranges::find_if(gpus, &DeviceInfo::automatic);
  m_gpu->say(used == gpus.end() ? tr("none that can be used") : gpuLine(*used));
  QStringList others;
  if (const auto& speed = m_survey.gpuSpeed(); speed && !*speed)
    others << tr("its speed is not known: %1").arg(factText(speed->error().message));
  for (auto gpu = gpus.begin(); gpu != gpus.end(); ++gpu) {
    if (gpu == used) continue;
    others << (lacks_its_module(*gpu) ? tr("%1: %2").arg(factText(gpu->name), m_wayToCuda)
               : !gpu->unusable.empty()
                   ? tr("%1: %2").arg(factText(gpu->name), factText(gpu->unusable))
               : gpu->automatic ? tr("also %1").arg(gpuLine(*gpu))
                                : tr("%1: only where it is asked for").arg(factText(gpu->name)));
  }
  if (gpus.empty()) others << tr("no driver of one is installed");
  m_gpuOthers->say(others.join(QStringLiteral("; ")));
}

void MachineCard::showDrive() {
  if (m_survey.now() == Step::drive) {
    m_drive->count(tr("measuring, %1 s"));
    return;
  }
  if (!m_survey.drive()) return;
  const Result<DriveSpeed>& speed = *m_survey.drive();
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
