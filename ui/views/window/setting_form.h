// SPDX-License-Identifier: Apache-2.0
// A form of settings, one below the other: name, editor, what it means, where the value comes from
// if that is not plain, and the way back to what lies below. UI thread.
#pragma once

#include <QWidget>
#include <functional>
#include <memory>
#include <vector>

#include "inference/settings/setting.h"

class QGridLayout;
class QLabel;
class QPushButton;

namespace mneme {

class Jobs;
class SettingEditor;

class SettingForm : public QWidget {
  Q_OBJECT

 public:
  // What a row shows; whoever has the values gives it.
  struct Shown {
    SettingValue value;
    SettingValue below;  // without this layer
    bool own = false;    // this layer has one: it can be taken back
    bool visible = true;
    QString note;  // where it comes from, when it takes effect
  };
  using Look = std::function<Shown(const Setting&)>;

  SettingForm(const std::vector<const Setting*>& settings, Look look, Jobs& jobs,
              QWidget* parent = nullptr);

  void refresh();  // asks for all rows again
  bool empty() const;

 Q_SIGNALS:
  void edited(const mneme::Setting& setting, const mneme::SettingValue& value);
  void resetAsked(const mneme::Setting& setting);

 private:
  struct Row {
    SettingEditor* editor = nullptr;
    QPushButton* back = nullptr;
    QLabel* note = nullptr;
    std::vector<QWidget*> widgets;
  };
  void add(const Setting& setting, Jobs& jobs);

  Look m_look;
  QGridLayout* m_grid = nullptr;
  std::vector<Row> m_rows;
};

}  // namespace mneme
