// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/setting_form.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <algorithm>
#include <utility>

#include "ui/plain_text.h"
#include "ui/views/window/setting_editor.h"

namespace mneme {
namespace {

constexpr int kNameWidth = 150;
constexpr int kGap = 11;
constexpr int kLabelDrop = 6;  // to the text of a field

QLabel* mutedLabel(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setProperty("kind", QStringLiteral("muted"));
  label->setWordWrap(true);
  return label;
}

}  // namespace

SettingForm::SettingForm(const std::vector<const Setting*>& settings, Look look, Jobs& jobs,
                         QWidget* parent)
    : QWidget(parent), m_look(std::move(look)), m_grid(new QGridLayout(this)) {
  m_grid->setContentsMargins(0, 0, 12, 0);
  m_grid->setHorizontalSpacing(18);
  m_grid->setVerticalSpacing(3);
  m_grid->setColumnMinimumWidth(0, kNameWidth);
  m_grid->setColumnStretch(1, 1);
  for (const Setting* setting : settings) add(*setting, jobs);
  m_grid->setRowStretch(m_grid->rowCount(), 1);
  refresh();
}

void SettingForm::add(const Setting& setting, Jobs& jobs) {
  Row row;
  row.editor = new SettingEditor(setting, jobs, this);
  auto* name = new QLabel(settingText(setting.label), this);
  name->setWordWrap(true);
  name->setBuddy(row.editor->control());
  row.back = new QPushButton(this);
  row.back->setProperty("kind", QStringLiteral("quiet"));
  row.back->setAutoDefault(false);
  row.note = mutedLabel({}, this);
  QLabel* help = mutedLabel(settingText(setting.help), this);
  auto* line = new QHBoxLayout;
  line->setSpacing(8);
  line->addWidget(row.back);
  line->addWidget(row.note, 1);
  line->addStretch();
  const bool high = setting.kind == SettingKind::text || setting.kind == SettingKind::file;
  if (high) name->setContentsMargins(0, kLabelDrop, 0, 0);
  const int at = m_grid->rowCount();
  m_grid->addWidget(name, at, 0, Qt::AlignLeft | (high ? Qt::AlignTop : Qt::AlignVCenter));
  m_grid->addWidget(row.editor, at, 1);
  m_grid->addWidget(help, at + 1, 1);
  m_grid->addLayout(line, at + 2, 1);
  auto* gap = new QWidget(this);
  gap->setFixedHeight(kGap);
  m_grid->addWidget(gap, at + 3, 1);
  row.widgets = {name, row.editor, help, gap};
  connect(row.editor, &SettingEditor::edited, this, [this, &setting](const SettingValue& value) {
    Q_EMIT edited(setting, value);
    refresh();
  });
  connect(row.back, &QPushButton::clicked, this, [this, &setting, editor = row.editor] {
    editor->setFocus();  // the button goes
    Q_EMIT resetAsked(setting);
    refresh();
  });
  m_rows.push_back(std::move(row));
}

void SettingForm::refresh() {
  for (Row& row : m_rows) {
    const Setting& setting = row.editor->setting();
    const Shown shown = m_look(setting);
    row.editor->show(shown.value);
    const QString below = settingValueText(setting, shown.below);
    row.back->setText(menuText(tr("Back to %1").arg(below)));
    row.back->setAccessibleName(tr("%1: back to %2").arg(settingText(setting.label), below));
    row.note->setText(shown.note);
    for (QWidget* widget : row.widgets) widget->setVisible(shown.visible);
    row.back->setVisible(shown.visible && shown.own && shown.value != shown.below);
    row.note->setVisible(shown.visible && !shown.note.isEmpty());
  }
}

bool SettingForm::empty() const {
  return std::ranges::none_of(
      m_rows, [this](const Row& row) { return m_look(row.editor->setting()).visible; });
}

}  // namespace mneme

#include "moc_setting_form.cpp"
