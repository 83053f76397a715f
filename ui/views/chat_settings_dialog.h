// SPDX-License-Identifier: Apache-2.0
// One chat's system prompt and sampler: kept with the chat, and on request used for new ones. UI
// thread.
#pragma once

#include <QDialog>

#include "inference/store/library.h"

class QCheckBox;
class QDoubleSpinBox;
class QLineEdit;
class QPlainTextEdit;
class QSpinBox;

namespace mneme {

class ChatSettingsDialog : public QDialog {
  Q_OBJECT

 public:
  ChatSettingsDialog(const ChatSettings& settings, const QString& systemPrompt,
                     QWidget* parent = nullptr);

  ChatSettings settings() const;
  QString systemPrompt() const;
  bool forNewChats() const;

 private:
  void show(const ChatSettings& settings);

  ChatSettings m_settings;
  QPlainTextEdit* m_prompt;
  QDoubleSpinBox* m_temperature;
  QSpinBox* m_topK;
  QDoubleSpinBox* m_topP;
  QDoubleSpinBox* m_minP;
  QDoubleSpinBox* m_penalty;
  QSpinBox* m_window;
  QLineEdit* m_seed;
  QSpinBox* m_maxTokens;
  QCheckBox* m_forNew;
};

}  // namespace mneme
