// SPDX-License-Identifier: Apache-2.0
// The settings, page by page, as the table has them: for all models, or for the one in use alone.
// Says where a value comes from and when a change takes effect, and lets each go back. UI thread.
#pragma once

#include <QDialog>
#include <optional>
#include <vector>

#include "inference/settings/layers.h"
#include "ui/views/window/setting_form.h"

class QListWidget;
class QPushButton;
class QStackedWidget;

namespace mneme {

class AppSettings;
class MessageLine;

class SettingsDialog : public QDialog {
  Q_OBJECT

 public:
  // `opened`: what the open model was opened with; none = there is none.
  SettingsDialog(const AppSettings& settings, Jobs& jobs,
                 const std::optional<Settings>& opened = {}, QWidget* parent = nullptr);
  const SettingLayers& layers() const { return m_layers; }  // as edited
  Settings edited() const;                                  // for the model in use
  void setForModel(bool own);                               // or for all models

 Q_SIGNALS:
  void applied(const mneme::SettingLayers& layers, bool openAgain);

 private:
  SettingForm::Shown look(const Setting& setting) const;
  QString noteOf(const Setting& setting) const;
  SettingLayer layer() const;
  void addPage(SettingPage page, const QString& title, Jobs& jobs);
  QWidget* makeScope();
  void edit(const Setting& setting, const SettingValue& value);
  void resetOne(const Setting& setting);
  void resetAll();
  void refresh();
  void finish(bool openAgain);

  SettingLayers m_layers;
  std::string m_model;
  const Settings m_before;
  const std::optional<Settings> m_opened;
  bool m_forModel = false;
  std::vector<SettingForm*> m_forms;
  QListWidget* m_list = nullptr;
  QStackedWidget* m_pages = nullptr;
  MessageLine* m_effect = nullptr;
  QPushButton* m_openAgain = nullptr;
};

}  // namespace mneme
