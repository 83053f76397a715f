// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/budget_control.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSlider>
#include <QSpinBox>
#include <algorithm>
#include <cmath>

#include "ui/format.h"

namespace mneme {
namespace {

constexpr int kSteps = 200;
constexpr int kHoldMs = 600;

int units(std::uint64_t bytes) {
  return static_cast<int>((bytes + BudgetControl::kUnit / 2) / BudgetControl::kUnit);
}

}  // namespace

BudgetControl::BudgetControl(QWidget* parent) : QWidget(parent) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setHorizontalSpacing(8);
  grid->setVerticalSpacing(2);
  auto* name = new QLabel(tr("&RAM for rows"), this);
  m_number = new QSpinBox(this);
  m_number->setSuffix(tr(" MiB"));
  m_number->setKeyboardTracking(false);
  m_number->setGroupSeparatorShown(true);
  m_number->setButtonSymbols(QAbstractSpinBox::NoButtons);  // the slider beside it has the steps
  m_number->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
  m_number->setMaximumWidth(110);
  m_number->setAccessibleName(tr("RAM for rows in MiB"));
  m_number->setToolTip(
      tr("RAM for rows that were read, with its bookkeeping. Acts at once, and is kept for the "
         "next start."));
  name->setBuddy(m_number);
  m_automatic = new QCheckBox(tr("automatic"), this);
  m_automatic->setAccessibleName(tr("Automatic amount of RAM for rows"));
  m_automatic->setToolTip(tr("A quarter of the tables, 8 MiB to 4 GiB"));
  m_slider = new QSlider(Qt::Horizontal, this);
  m_slider->setRange(0, kSteps);
  m_slider->setPageStep(kSteps / 10);
  m_slider->setAccessibleName(tr("RAM for rows"));
  m_slider->setMinimumWidth(80);
  m_share = new QLabel(this);
  m_share->setProperty("kind", QStringLiteral("muted"));
  grid->addWidget(name, 0, 0);
  grid->addWidget(m_number, 0, 1);
  grid->addWidget(m_automatic, 0, 2, Qt::AlignLeft | Qt::AlignVCenter);
  grid->addWidget(m_slider, 1, 0, 1, 2);
  grid->addWidget(m_share, 1, 2, Qt::AlignLeft | Qt::AlignVCenter);
  grid->setColumnStretch(1, 1);
  m_hold.setSingleShot(true);
  m_hold.setInterval(kHoldMs);
  connect(m_slider, &QSlider::valueChanged, this, [this](int step) {
    // Where steps are smaller than a unit, a step is a unit.
    const std::uint64_t wanted = fromStep(step);
    const int present = toStep(m_budget);
    if (wanted != m_budget || step == present) {
      choose(wanted);
    } else {
      choose(step > present ? std::min(m_max, m_budget + kUnit)
                            : std::max(kUnit, m_budget - kUnit));
    }
  });
  connect(m_number, &QSpinBox::valueChanged, this,
          [this](int value) { choose(static_cast<std::uint64_t>(value) * kUnit); });
  connect(m_automatic, &QCheckBox::clicked, this, [this](bool on) {
    // Without the program's choice the amount that it chose is the user's.
    Q_EMIT budgetChanged(on ? 0 : std::max(kUnit, m_budget / kUnit * kUnit));
  });
}

std::uint64_t BudgetControl::maximumFor(std::uint64_t tableBytes) {
  const std::uint64_t all = tableBytes + tableBytes / 2;
  return std::max<std::uint64_t>(2, (all + kUnit - 1) / kUnit) * kUnit;
}

std::uint64_t BudgetControl::fromStep(int step) const {
  const double ratio = static_cast<double>(m_max) / static_cast<double>(kUnit);
  const double bytes = static_cast<double>(kUnit) * std::pow(ratio, double(step) / kSteps);
  // Whole units: what the number beside it shows, and what the settings keep.
  const auto rounded = static_cast<std::uint64_t>(std::llround(bytes / double(kUnit))) * kUnit;
  return std::clamp(rounded, kUnit, m_max);
}

int BudgetControl::toStep(std::uint64_t bytes) const {
  const double ratio = static_cast<double>(m_max) / static_cast<double>(kUnit);
  const double place =
      std::log(std::max(1.0, static_cast<double>(bytes) / double(kUnit))) / std::log(ratio);
  return std::clamp(static_cast<int>(std::lround(place * kSteps)), 0, kSteps);
}

void BudgetControl::setAutomatic(bool automatic) {
  m_automatic->setChecked(automatic);
}

void BudgetControl::setStore(std::uint64_t budgetBytes, std::uint64_t tableBytes) {
  if (tableBytes != m_tableBytes) {
    m_tableBytes = tableBytes;
    m_max = std::max(maximumFor(tableBytes), (budgetBytes + kUnit - 1) / kUnit * kUnit);
    const QSignalBlocker quiet(m_number);
    m_number->setRange(1, units(m_max));
    m_budget = 0;
  }
  if (m_hold.isActive() || m_slider->isSliderDown() || budgetBytes == m_budget) return;
  show(budgetBytes);
}

void BudgetControl::show(std::uint64_t bytes) {
  m_budget = bytes;
  const QSignalBlocker quietSlider(m_slider);
  const QSignalBlocker quietNumber(m_number);
  m_slider->setValue(toStep(bytes));
  if (!m_number->hasFocus() || m_number->value() != units(bytes)) m_number->setValue(units(bytes));
  if (m_tableBytes > 0) {
    const double share = static_cast<double>(bytes) / static_cast<double>(m_tableBytes);
    m_share->setText(tr("%1 of %2").arg(format::percent(share), format::bytes(m_tableBytes)));
    m_share->setToolTip(tr("Share of all tables together"));
  }
}

void BudgetControl::choose(std::uint64_t bytes) {
  if (bytes == m_budget) return;
  m_automatic->setChecked(false);
  show(bytes);
  m_hold.start();
  Q_EMIT budgetChanged(bytes);
}

}  // namespace mneme
