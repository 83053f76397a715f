// SPDX-License-Identifier: Apache-2.0
// One chat's system prompt and sampler: kept with the chat, and on request used for new ones. UI
// thread.
#pragma once

#include <QDialog>

#include "inference/settings/layers.h"
#include "ui/views/window/setting_form.h"

class QComboBox;

namespace mneme {

class AppSettings;

class ChatSettingsDialog : public QDialog {
  Q_OBJECT

 public:
  ChatSettingsDialog(const AppSettings& settings, Jobs& jobs, const ChatSettings& chat,
                     const QString& systemPrompt, QWidget* parent = nullptr);

  ChatSettings settings() const { return m_edited.chat; }
  QString systemPrompt() const { return QString::fromStdString(m_edited.system_prompt); }
  // The settings with those of this chat for new chats; the same where they are for this one only.
  SettingLayers layers() const;

 private:
  SettingForm::Shown look(const Setting& setting) const;

  const SettingLayers m_layers;
  const std::string m_model;
  Settings m_new;  // what a new chat would have
  Settings m_edited;
  std::vector<const Setting*> m_rows;
  SettingForm* m_form = nullptr;
  QComboBox* m_scope = nullptr;
};

}  // namespace mneme
