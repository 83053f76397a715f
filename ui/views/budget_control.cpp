// SPDX-License-Identifier: Apache-2.0
#include "ui/views/budget_control.h"

#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSlider>
#include <algorithm>
#include <cmath>

#include "ui/format.h"

namespace mneme {
namespace {

constexpr int kSteps = 200;
constexpr double kMegabyte = 1e6;
constexpr int kHoldMs = 600;

}  // namespace

BudgetControl::BudgetControl(QWidget* parent) : QWidget(parent) {
  auto* grid = new QGridLayout(this);
  grid->setContentsMargins(0, 0, 0, 0);
  grid->setHorizontalSpacing(10);
  grid->setVerticalSpacing(2);
  auto* name = new QLabel(tr("&RAM budget"), this);
  m_number = new QDoubleSpinBox(this);
  m_number->setDecimals(1);
  m_number->setSuffix(tr(" MB"));
  m_number->setKeyboardTracking(false);
  m_number->setButtonSymbols(QAbstractSpinBox::NoButtons);  // the slider beside it has the steps
  m_number->setMaximumWidth(110);
  m_number->setAccessibleName(tr("RAM budget in megabytes"));
  m_number->setToolTip(tr("Memory for rows that were read, with its bookkeeping. Acts at once."));
  name->setBuddy(m_number);
  m_slider = new QSlider(Qt::Horizontal, this);
  m_slider->setRange(0, kSteps);
  m_slider->setPageStep(kSteps / 10);
  m_slider->setAccessibleName(tr("RAM budget"));
  m_share = new QLabel(this);
  m_share->setProperty("kind", QStringLiteral("muted"));
  grid->addWidget(name, 0, 0);
  grid->addWidget(m_number, 0, 1, Qt::AlignLeft);
  grid->addWidget(m_share, 0, 2, Qt::AlignRight | Qt::AlignVCenter);
  grid->addWidget(m_slider, 1, 0, 1, 3);
  grid->setColumnStretch(2, 1);
  m_hold.setSingleShot(true);
  m_hold.setInterval(kHoldMs);
  connect(m_slider, &QSlider::valueChanged, this, [this](int step) { choose(fromStep(step)); });
  connect(m_number, &QDoubleSpinBox::valueChanged, this, [this](double megabytes) {
    choose(static_cast<std::uint64_t>(std::llround(megabytes * kMegabyte)));
  });
}

std::uint64_t BudgetControl::maximumFor(std::uint64_t tableBytes) {
  return std::max<std::uint64_t>(2 * kMin, tableBytes + tableBytes / 2);
}

std::uint64_t BudgetControl::fromStep(int step) const {
  const double ratio = static_cast<double>(m_max) / static_cast<double>(kMin);
  const double bytes = static_cast<double>(kMin) * std::pow(ratio, double(step) / kSteps);
  // Tenths of a megabyte: what the number beside it shows.
  const auto rounded = static_cast<std::uint64_t>(std::llround(bytes / 1e5)) * 100'000;
  return std::clamp(rounded, kMin, m_max);
}

int BudgetControl::toStep(std::uint64_t bytes) const {
  const double ratio = static_cast<double>(m_max) / static_cast<double>(kMin);
  const double place = std::log(std::max(1.0, static_cast<double>(bytes) / kMin)) / std::log(ratio);
  return std::clamp(static_cast<int>(std::lround(place * kSteps)), 0, kSteps);
}

void BudgetControl::setStore(std::uint64_t budgetBytes, std::uint64_t tableBytes) {
  if (tableBytes != m_tableBytes) {
    m_tableBytes = tableBytes;
    m_max = std::max(maximumFor(tableBytes), budgetBytes);
    const QSignalBlocker quiet(m_number);
    m_number->setRange(kMin / kMegabyte, static_cast<double>(m_max) / kMegabyte);
    m_number->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
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
  if (!m_number->hasFocus() ||
      std::llround(m_number->value() * 10) != std::llround(static_cast<double>(bytes) / 1e5)) {
    m_number->setValue(static_cast<double>(bytes) / kMegabyte);
  }
  if (m_tableBytes > 0) {
    const double share = static_cast<double>(bytes) / static_cast<double>(m_tableBytes);
    m_share->setText(
        tr("%1 of %2 tables").arg(format::percent(share), format::bytes(m_tableBytes)));
  }
}

void BudgetControl::choose(std::uint64_t bytes) {
  if (bytes == m_budget) return;
  show(bytes);
  m_hold.start();
  Q_EMIT budgetChanged(bytes);
}

}  // namespace mneme
