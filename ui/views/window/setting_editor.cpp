// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/setting_editor.h"

#include <QCheckBox>
#include <QComboBox>
#include <QCoreApplication>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QLocale>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QRegularExpressionValidator>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QVBoxLayout>
#include <algorithm>
#include <limits>

#include "base/check.h"
#include "ui/bridge/machine_child.h"
#include "ui/format.h"
#include "ui/path_text.h"
#include "ui/plain_text.h"
#include "ui/views/window/message_line.h"

namespace mneme {
namespace {

constexpr int kNarrow = 190;
constexpr int kTextFieldHeight = 76;
constexpr qsizetype kWordsMax = 24;

QString wordOf(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

int spinNumber(double number) {
  return static_cast<int>(
      std::clamp<double>(number, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

// How many of the spin box's steps a value is: bytes are shown in their unit.
std::int64_t spinUnit(const Setting& setting) {
  return setting.kind == SettingKind::size ? unit_bytes(setting) : 1;
}

void addDevices(QComboBox* box, const Result<std::vector<DeviceInfo>>& devices) {
  const auto enable = [box](int row, bool enabled) {
    qobject_cast<QStandardItemModel*>(box->model())->item(row)->setEnabled(enabled);
  };
  if (!devices) {
    const QString reason = QString::fromStdString(devices.error().message);
    box->addItem(SettingEditor::tr("The drivers gave no answer: %1").arg(boundedText(reason)));
    enable(box->count() - 1, false);
    return;
  }
  for (const DeviceInfo& device : *devices) {
    const QString id = QString::fromStdString(device.id);
    const QString name = QString::fromStdString(device.name);
    const QString text =
        device.unusable.empty()
            ? SettingEditor::tr("%1, %2 free").arg(name, format::bytes(device.free_bytes))
            : SettingEditor::tr("%1: %2").arg(name, QString::fromStdString(device.unusable));
    int row = box->findData(id);
    if (row < 0) {
      row = box->count();
      box->addItem(text, id);
    } else {
      box->setItemText(row, text);
    }
    box->setItemData(row, boundedText(QString::fromStdString(device.driver)), Qt::ToolTipRole);
    enable(row, device.unusable.empty());
  }
}

QString shortened(const QString& text) {
  const QString line = text.simplified();
  return line.size() <= kWordsMax ? line : line.left(kWordsMax - 1) + QChar(0x2026);
}

}  // namespace

QString settingText(std::string_view text) {
  const std::string copy(text);
  return QCoreApplication::translate("Settings", copy.c_str());
}

QString settingValueText(const Setting& setting, const SettingValue& value) {
  const auto number = [&](double shown, const QString& text) {
    if (shown <= setting.least && !setting.nothing.empty()) return settingText(setting.nothing);
    return setting.unit.empty() ? text : text + QLatin1Char(' ') + settingText(setting.unit);
  };
  if (const bool* on = std::get_if<bool>(&value)) {
    return *on ? SettingEditor::tr("on") : SettingEditor::tr("off");
  }
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return number(static_cast<double>(*whole),
                  QLocale().toString(static_cast<qlonglong>(*whole / spinUnit(setting))));
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return number(*real, QLocale().toString(*real, 'g', 4));
  }
  const auto* words = std::get_if<std::string>(&value);
  if (words == nullptr || words->empty()) return settingText(setting.nothing);
  const QString text = QString::fromStdString(*words);
  if (setting.kind == SettingKind::choice) return settingText(*words);
  if (setting.kind == SettingKind::device && text == QLatin1String("auto"))
    return SettingEditor::tr("automatic");
  return shortened(setting.kind == SettingKind::file ? QFileInfo(text).fileName() : text);
}

SettingEditor::SettingEditor(const Setting& setting, Jobs& jobs, QWidget* parent)
    : QWidget(parent), m_setting(setting) {
  switch (setting.kind) {
    case SettingKind::toggle:
      makeToggle();
      break;
    case SettingKind::whole:
    case SettingKind::size:
      makeWhole();
      break;
    case SettingKind::real:
      makeReal();
      break;
    case SettingKind::choice:
      makeChoice();
      break;
    case SettingKind::device:
      makeDevice(jobs);
      break;
    case SettingKind::file:
      makeFile();
      break;
    case SettingKind::seed:
      makeSeed();
      break;
    case SettingKind::text:
      makeText();
      break;
    case SettingKind::texts:
      break;  // of command lines only
  }
  CHECK(m_control != nullptr);
  m_control->setObjectName(wordOf(setting.name));
  m_control->setAccessibleName(settingText(setting.label));
  m_control->setAccessibleDescription(settingText(setting.help));
  setFocusProxy(m_control);
}

void SettingEditor::show(const SettingValue& value) {
  m_showing = true;
  m_show(value);
  m_showing = false;
}

void SettingEditor::tell(const SettingValue& value) {
  if (!m_showing) Q_EMIT edited(value);
}

void SettingEditor::place(QWidget* control, int widest) {
  m_control = control;
  if (widest > 0) control->setFixedWidth(widest);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(8);
  row->addWidget(control, widest > 0 ? 0 : 1);
  if (widest > 0) row->addStretch();
}

void SettingEditor::makeToggle() {
  auto* box = new QCheckBox(this);
  connect(box, &QCheckBox::toggled, this, [this](bool on) { tell(on); });
  m_show = [box](const SettingValue& value) { box->setChecked(std::get<bool>(value)); };
  place(box);
}

void SettingEditor::makeWhole() {
  auto* spin = new QSpinBox(this);
  const auto unit = spinUnit(m_setting);
  spin->setRange(spinNumber(m_setting.least),
                 spinNumber(m_setting.most / static_cast<double>(unit)));
  spin->setGroupSeparatorShown(true);
  if (!m_setting.nothing.empty()) spin->setSpecialValueText(settingText(m_setting.nothing));
  if (!m_setting.unit.empty()) spin->setSuffix(QLatin1Char(' ') + settingText(m_setting.unit));
  connect(spin, &QSpinBox::valueChanged, this,
          [this, unit](int number) { tell(std::int64_t{number} * unit); });
  m_show = [spin, unit](const SettingValue& value) {
    const auto number = std::get<std::int64_t>(value);
    const auto more = number > 0 ? unit - 1 : 0;  // half a unit is not none
    spin->setValue(spinNumber(static_cast<double>((number + more) / unit)));
  };
  place(spin, kNarrow);
}

void SettingEditor::makeReal() {
  auto* spin = new QDoubleSpinBox(this);
  spin->setRange(m_setting.least, m_setting.most);
  spin->setSingleStep(0.05);
  spin->setDecimals(2);
  connect(spin, &QDoubleSpinBox::valueChanged, this, [this](double number) { tell(number); });
  m_show = [spin](const SettingValue& value) { spin->setValue(std::get<double>(value)); };
  place(spin, kNarrow);
}

void SettingEditor::makeChoice() {
  auto* box = new QComboBox(this);
  for (const std::string_view choice : m_setting.choices) {
    box->addItem(settingText(choice), wordOf(choice));
  }
  connect(box, &QComboBox::currentIndexChanged, this,
          [this, box] { tell(box->currentData().toString().toStdString()); });
  m_show = [box](const SettingValue& value) {
    box->setCurrentIndex(box->findData(QString::fromStdString(std::get<std::string>(value))));
  };
  place(box, kNarrow);
}

// What can be chosen is known when the drivers have answered; until then, what always can.
void SettingEditor::makeDevice(Jobs& jobs) {
  auto* box = new QComboBox(this);
  box->addItem(tr("Automatic"), QStringLiteral("auto"));
  box->addItem(tr("CPU"), QStringLiteral("cpu"));
  connect(box, &QComboBox::currentIndexChanged, this,
          [this, box] { tell(box->currentData().toString().toStdString()); });
  jobs.start(
      box, "devices", [](const Jobs::Stop& stop) { return MachineChild().devices(stop); },
      [box](const Result<std::vector<DeviceInfo>>& found) { addDevices(box, found); });
  m_show = [box](const SettingValue& value) {
    const QString id = QString::fromStdString(std::get<std::string>(value));
    if (box->findData(id) < 0) box->addItem(id, id);
    box->setCurrentIndex(box->findData(id));
  };
  place(box);
}

void SettingEditor::makeFile() {
  auto* edit = new QLineEdit(this);
  edit->setPlaceholderText(settingText(m_setting.nothing));
  auto* browse = new QPushButton(tr("Browse…"), this);
  browse->setAutoDefault(false);
  browse->setAccessibleName(tr("Browse: %1").arg(settingText(m_setting.label)));
  connect(browse, &QPushButton::clicked, this, [this, edit] {
    const QString file =
        QFileDialog::getOpenFileName(this, settingText(m_setting.label), pathFromText(edit->text()),
                                     tr("GGUF files (*.gguf);;All files (*)"));
    if (!file.isEmpty()) edit->setText(file);
  });
  auto* problem = new MessageLine(this);
  connect(edit, &QLineEdit::textChanged, this, [this, problem](const QString& text) {
    const QString path = pathFromText(text);
    const bool file = !path.isEmpty() && path != QLatin1String("off");
    problem->say(MessageLine::Kind::error, file && !QFileInfo::exists(path)
                                               ? tr("There is no file %1.").arg(path)
                                               : QString());
    tell(path.toStdString());
  });
  m_show = [edit](const SettingValue& value) {
    const QString path = QString::fromStdString(std::get<std::string>(value));
    if (pathFromText(edit->text()) != path) edit->setText(path);
  };
  m_control = edit;
  auto* row = new QHBoxLayout;
  row->setSpacing(8);
  row->addWidget(edit, 1);
  row->addWidget(browse);
  auto* rows = new QVBoxLayout(this);
  rows->setContentsMargins(0, 0, 0, 0);
  rows->setSpacing(3);
  rows->addLayout(row);
  rows->addWidget(problem);
}

void SettingEditor::makeText() {
  auto* edit = new QPlainTextEdit(this);
  edit->setPlaceholderText(settingText(m_setting.nothing));
  edit->setTabChangesFocus(true);
  edit->setFixedHeight(kTextFieldHeight);
  connect(edit, &QPlainTextEdit::textChanged, this,
          [this, edit] { tell(edit->toPlainText().trimmed().toStdString()); });
  m_show = [edit](const SettingValue& value) {
    const QString text = QString::fromStdString(std::get<std::string>(value));
    if (edit->toPlainText().trimmed() != text) edit->setPlainText(text);
  };
  place(edit);
}

void SettingEditor::makeSeed() {
  auto* edit = new QLineEdit(this);
  edit->setPlaceholderText(settingText(m_setting.nothing));
  edit->setValidator(
      new QRegularExpressionValidator(QRegularExpression(QStringLiteral("[0-9]{0,19}")), edit));
  connect(edit, &QLineEdit::textChanged, this,
          [this](const QString& text) { tell(text.toStdString()); });
  m_show = [edit](const SettingValue& value) {
    const QString digits = QString::fromStdString(std::get<std::string>(value));
    if (edit->text() != digits) edit->setText(digits);
  };
  place(edit, kNarrow);
}

}  // namespace mneme

#include "moc_setting_editor.cpp"
