// SPDX-License-Identifier: Apache-2.0
#include "ui/views/settings_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QCoreApplication>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QVBoxLayout>
#include <limits>

#include "inference/run/machine.h"
#include "ui/format.h"
#include "ui/path_text.h"
#include "ui/plain_text.h"
#include "ui/views/message_line.h"

namespace mneme {
namespace {

QString translated(std::string_view text) {
  const std::string copy(text);
  return QCoreApplication::translate("Config", copy.c_str());
}

// One row of the form for each field; what is shown is read again when `show` is run.
class RowMaker {
 public:
  RowMaker(QDialog* dialog, QGridLayout* grid, Jobs& jobs, std::vector<std::function<void()>>& show)
      : m_dialog(dialog), m_grid(grid), m_jobs(jobs), m_show(show) {}

  void path(const FieldInfo& info, std::string& value) {
    auto* edit = new QLineEdit(m_dialog);
    auto* browse = new QPushButton(SettingsDialog::tr("Browse…"), m_dialog);
    browse->setAutoDefault(false);
    browse->setAccessibleName(SettingsDialog::tr("Browse: %1").arg(translated(info.label)));
    QObject::connect(browse, &QPushButton::clicked, m_dialog, [this_ = m_dialog, edit, info] {
      const QString file =
          QFileDialog::getOpenFileName(this_, translated(info.label), pathFromText(edit->text()),
                                       SettingsDialog::tr("GGUF files (*.gguf);;All files (*)"));
      if (!file.isEmpty()) edit->setText(file);
    });
    auto* problem = new MessageLine(m_dialog);
    QObject::connect(edit, &QLineEdit::textChanged, m_dialog,
                     [&value, problem](const QString& text) {
                       const QString path = pathFromText(text);
                       value = path.toStdString();
                       const bool file = !path.isEmpty() && path != QLatin1String("off");
                       problem->say(MessageLine::Kind::error,
                                    file && !QFileInfo::exists(path)
                                        ? SettingsDialog::tr("There is no file %1.").arg(path)
                                        : QString());
                     });
    m_show.push_back([edit, &value] { edit->setText(QString::fromStdString(value)); });
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    row->addWidget(edit, 1);
    row->addWidget(browse);
    auto* rows = new QVBoxLayout;
    rows->setSpacing(3);
    rows->addLayout(row);
    rows->addWidget(problem);
    add(info, edit, rows);
  }

  void integer(const FieldInfo& info, std::int64_t& value, std::int64_t min, std::int64_t max,
               std::string_view unit) {
    auto* spin = new QSpinBox(m_dialog);
    spin->setRange(static_cast<int>(min),
                   static_cast<int>(std::min<std::int64_t>(max, std::numeric_limits<int>::max())));
    spin->setGroupSeparatorShown(true);
    if (min <= 0) spin->setSpecialValueText(translated(info.least));
    if (!unit.empty()) spin->setSuffix(QLatin1Char(' ') + translated(unit));
    QObject::connect(spin, &QSpinBox::valueChanged, m_dialog, [&value](int v) { value = v; });
    m_show.push_back([spin, &value] { spin->setValue(static_cast<int>(value)); });
    spin->setMaximumWidth(190);
    add(info, spin, nullptr);
  }

  void real(const FieldInfo& info, double& value, double min, double max) {
    auto* spin = new QDoubleSpinBox(m_dialog);
    spin->setRange(min, max);
    spin->setSingleStep(0.05);
    QObject::connect(spin, &QDoubleSpinBox::valueChanged, m_dialog,
                     [&value](double v) { value = v; });
    m_show.push_back([spin, &value] { spin->setValue(value); });
    spin->setMaximumWidth(190);
    add(info, spin, nullptr);
  }

  void toggle(const FieldInfo& info, bool& value) {
    auto* box = new QCheckBox(m_dialog);
    QObject::connect(box, &QCheckBox::toggled, m_dialog, [&value](bool on) { value = on; });
    m_show.push_back([box, &value] { box->setChecked(value); });
    add(info, box, nullptr);
  }

  // What can be chosen is known when the drivers have answered; until then, what always can.
  void device(const FieldInfo& info, std::string& value) {
    auto* box = new QComboBox(m_dialog);
    box->addItem(SettingsDialog::tr("Automatic"), QStringLiteral("auto"));
    box->addItem(SettingsDialog::tr("CPU"), QStringLiteral("cpu"));
    QObject::connect(box, &QComboBox::currentIndexChanged, m_dialog,
                     [box, &value] { value = box->currentData().toString().toStdString(); });
    m_jobs.start(
        box, "devices", [](const Jobs::Stop&) { return devices(); },
        [box](const std::vector<DeviceInfo>& found) { addDevices(box, found); });
    m_show.push_back([box, &value] {
      const QString id = QString::fromStdString(value);
      if (box->findData(id) < 0) box->addItem(id, id);
      box->setCurrentIndex(box->findData(id));
    });
    add(info, box, nullptr);
  }

  template <std::size_t N>
  void choice(const FieldInfo& info, std::string& value,
              const std::array<std::string_view, N>& names) {
    auto* box = new QComboBox(m_dialog);
    for (const std::string_view name : names) {
      box->addItem(translated(name),
                   QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size())));
    }
    QObject::connect(box, &QComboBox::currentIndexChanged, m_dialog,
                     [box, &value] { value = box->currentData().toString().toStdString(); });
    m_show.push_back([box, &value] {
      box->setCurrentIndex(std::max(0, box->findData(QString::fromStdString(value))));
    });
    box->setMaximumWidth(190);
    add(info, box, nullptr);
  }

 private:
  static void addDevices(QComboBox* box, const std::vector<DeviceInfo>& devices) {
    for (const DeviceInfo& device : devices) {
      const QString id = QString::fromStdString(device.id);
      const QString name = QString::fromStdString(device.name);
      const QString text =
          device.unusable.empty()
              ? SettingsDialog::tr("%1, %2 free").arg(name, format::bytes(device.free_bytes))
              : SettingsDialog::tr("%1: %2").arg(name, QString::fromStdString(device.unusable));
      int row = box->findData(id);
      if (row < 0) {
        row = box->count();
        box->addItem(text, id);
      } else {
        box->setItemText(row, text);
      }
      box->setItemData(row, boundedText(QString::fromStdString(device.driver)), Qt::ToolTipRole);
      auto* items = qobject_cast<QStandardItemModel*>(box->model());
      items->item(row)->setEnabled(device.unusable.empty());
    }
  }

  void add(const FieldInfo& info, QWidget* widget, QLayout* row) {
    widget->setAccessibleName(translated(info.label));
    widget->setAccessibleDescription(translated(info.help));
    widget->setObjectName(
        QString::fromUtf8(info.name.data(), static_cast<qsizetype>(info.name.size())));
    auto* help = new QLabel(translated(info.help), m_dialog);
    help->setProperty("kind", QStringLiteral("muted"));
    help->setWordWrap(true);
    const int at = m_grid->rowCount();
    auto* name = new QLabel(translated(info.label), m_dialog);
    m_grid->addWidget(name, at, 0);
    if (row != nullptr) {
      m_grid->addLayout(row, at, 1);
    } else {
      m_grid->addWidget(widget, at, 1);
    }
    m_grid->addWidget(help, at + 1, 1);
    m_grid->setRowMinimumHeight(at + 2, 5);
  }

  QDialog* m_dialog;
  QGridLayout* m_grid;
  Jobs& m_jobs;
  std::vector<std::function<void()>>& m_show;
};

}  // namespace

SettingsDialog::SettingsDialog(const Config& config, Jobs& jobs, QWidget* parent)
    : QDialog(parent), m_config(config) {
  setWindowTitle(tr("Settings"));
  setMinimumWidth(560);
  resize(680, 760);
  // Scrolls where the screen is too low: help that wraps must never be squeezed.
  auto* page = new QWidget(this);
  auto* area = new QScrollArea(this);
  area->setWidget(page);
  area->setWidgetResizable(true);
  area->setFrameShape(QFrame::NoFrame);
  area->setFocusPolicy(Qt::NoFocus);
  area->setMinimumHeight(200);
  auto* grid = new QGridLayout(page);
  grid->setContentsMargins(0, 0, 12, 0);
  grid->setHorizontalSpacing(18);
  grid->setVerticalSpacing(3);
  grid->setColumnStretch(1, 1);
  visit_fields(m_config, RowMaker(this, grid, jobs, m_show));
  for (const auto& show : m_show) show();

  auto* note = new QLabel(tr("Changes of the model take effect when it is opened again."));
  note->setProperty("kind", QStringLiteral("muted"));
  auto* buttons = new QDialogButtonBox(
      QDialogButtonBox::Ok | QDialogButtonBox::Cancel | QDialogButtonBox::RestoreDefaults, this);
  connect(buttons, &QDialogButtonBox::accepted, this, [this] {
    Q_EMIT applied(m_config);
    accept();
  });
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(buttons->button(QDialogButtonBox::RestoreDefaults), &QPushButton::clicked, this,
          &SettingsDialog::reset);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 18, 20, 16);
  layout->setSpacing(14);
  layout->addWidget(area, 1);
  layout->addWidget(note);
  layout->addWidget(buttons);
}

void SettingsDialog::reset() {
  const ChatDefaults chat = m_config.chat;
  const std::string model = m_config.model;
  m_config = Config{};
  m_config.chat = chat;
  m_config.model = model;  // which file it is, is not a taste
  for (const auto& show : m_show) show();
}

}  // namespace mneme

#include "moc_settings_dialog.cpp"
