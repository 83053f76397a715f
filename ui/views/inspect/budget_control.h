// SPDX-License-Identifier: Apache-2.0
// The RAM budget of the tables as a slider (each step multiplies), a number, and a switch that
// leaves it to the program. Acts while it is moved; what comes back from the store is shown unless
// the user holds it. UI thread.
#pragma once

#include <QTimer>
#include <QWidget>
#include <cstdint>

class QCheckBox;
class QLabel;
class QSlider;
class QSpinBox;

namespace mneme {

class BudgetControl : public QWidget {
  Q_OBJECT

 public:
  static constexpr std::uint64_t kUnit = 1 << 20;  // MiB, as in the settings

  explicit BudgetControl(QWidget* parent = nullptr);

  // What the store says now. The upper end is what all tables need, with room for metadata.
  void setStore(std::uint64_t budgetBytes, std::uint64_t tableBytes);
  void setAutomatic(bool automatic);
  std::uint64_t budget() const { return m_budget; }
  static std::uint64_t maximumFor(std::uint64_t tableBytes);

 Q_SIGNALS:
  void budgetChanged(quint64 bytes);  // 0 = automatic

 private:
  std::uint64_t fromStep(int step) const;
  int toStep(std::uint64_t bytes) const;
  void choose(std::uint64_t bytes);
  void show(std::uint64_t bytes);

  std::uint64_t m_budget = 0;
  std::uint64_t m_max = 2 * kUnit;
  std::uint64_t m_tableBytes = 0;
  QTimer m_hold;  // runs while the user's own choice is on its way to the store
  QSlider* m_slider = nullptr;
  QSpinBox* m_number = nullptr;
  QCheckBox* m_automatic = nullptr;
  QLabel* m_share = nullptr;
};

}  // namespace mneme
