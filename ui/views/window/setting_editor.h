// SPDX-License-Identifier: Apache-2.0
// The control with which a person gives a setting its value, made from its row of the table: a spin
// box, a check box, a path with its Browse button. Has the row's name as its object name. UI
// thread.
#pragma once

#include <QWidget>
#include <functional>

#include "inference/settings/setting.h"
#include "ui/bridge/jobs.h"

namespace mneme {

// A text of the table, in the user's language.
QString settingText(std::string_view text);
// A value in words: "automatic", "4,096 tokens", "off".
QString settingValueText(const Setting& setting, const SettingValue& value);

class SettingEditor : public QWidget {
  Q_OBJECT

 public:
  SettingEditor(const Setting& setting, Jobs& jobs, QWidget* parent = nullptr);

  const Setting& setting() const { return m_setting; }
  QWidget* control() const { return m_control; }
  void show(const SettingValue& value);  // without edited()

 Q_SIGNALS:
  void edited(const mneme::SettingValue& value);

 private:
  void makeToggle();
  void makeWhole();
  void makeReal();
  void makeChoice();
  void makeDevice(Jobs& jobs);
  void makeFile();
  void makeText();
  void makeSeed();
  void place(QWidget* control, int widest = 0);
  void tell(const SettingValue& value);

  const Setting& m_setting;
  QWidget* m_control = nullptr;
  std::function<void(const SettingValue&)> m_show;
  bool m_showing = false;
};

}  // namespace mneme
