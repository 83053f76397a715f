// SPDX-License-Identifier: Apache-2.0
// The application's settings, built by visiting Config: one row a field, its help below. UI thread.
#pragma once

#include <QDialog>
#include <functional>
#include <vector>

#include "inference/config.h"
#include "ui/bridge/jobs.h"

namespace mneme {

class SettingsDialog : public QDialog {
  Q_OBJECT

 public:
  SettingsDialog(const Config& config, Jobs& jobs, QWidget* parent = nullptr);
  const Config& config() const { return m_config; }  // as edited

 Q_SIGNALS:
  void applied(const mneme::Config& config);

 private:
  void reset();

  Config m_config;
  std::vector<std::function<void()>> m_show;  // each shows its field's value again
};

}  // namespace mneme
