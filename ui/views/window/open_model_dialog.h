// SPDX-License-Identifier: Apache-2.0
// Chooses a model anywhere on disk, says before loading what it needs by part against what is free
// now, and lets the user open it anyway. UI thread.
#pragma once

#include <QDialog>

#include "inference/settings/layers.h"
#include "ui/bridge/jobs.h"

class QDialogButtonBox;
class QGridLayout;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;

namespace mneme {

class AppSettings;
class MessageLine;

class OpenModelDialog : public QDialog {
  Q_OBJECT

 public:
  // `model` "": the one of the settings.
  OpenModelDialog(const AppSettings& settings, const QString& model, const QStringList& recent,
                  Jobs& jobs, QWidget* parent = nullptr);

  QString path() const;
  QString memory() const;  // "" = look for one, "off", or a path
  void setPath(const QString& path);

 private:
  void estimate();
  void show(const MemoryEstimate& estimate);
  static QString ramVerdict(const MemoryEstimate& estimate);
  static QString deviceVerdict(const MemoryEstimate& estimate);
  void refuse(const QString& reason);
  void browse(QLineEdit* target, const QString& title);

  const SettingLayers m_layers;
  Jobs& m_jobs;
  QLineEdit* m_path;
  QLineEdit* m_memory;
  QListWidget* m_recent;
  QLabel* m_parts;
  QLabel* m_need;
  MessageLine* m_problem;  // why the files cannot be opened
  MessageLine* m_verdict;  // whether there is room for them
  QPushButton* m_open;
};

}  // namespace mneme
