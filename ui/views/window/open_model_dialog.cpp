// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/open_model_dialog.h"

#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/bridge/app_settings.h"
#include "ui/format.h"
#include "ui/manual_topic.h"
#include "ui/path_text.h"
#include "ui/plain_text.h"
#include "ui/views/window/message_line.h"

namespace mneme {
namespace {

constexpr char kEstimateJob[] = "estimate";

}  // namespace

OpenModelDialog::OpenModelDialog(const AppSettings& settings, const QString& model,
                                 const QStringList& recent, Jobs& jobs, QWidget* parent)
    : QDialog(parent), m_layers(settings.layers()), m_jobs(jobs) {
  setWindowTitle(tr("Open a model"));
  setMinimumWidth(600);
  setManualTopic(this, QStringLiteral("large-models"));
  auto* intro = new QLabel(tr(
      "A model of the kinds Llama, Mistral, Qwen 2 and 3, Gemma 1 and 3: a GGUF file, any of "
      "several that are one model, or a folder from Hugging Face (config.json with safetensors), "
      "also by a file in it. It is used where it lies and never copied."));
  intro->setWordWrap(true);
  intro->setProperty("kind", QStringLiteral("muted"));

  const auto fileRow = [this](QLineEdit* edit, const QString& title, const QString& buttonName) {
    auto* browseButton = new QPushButton(tr("Browse…"), this);
    browseButton->setAccessibleName(buttonName);
    browseButton->setAutoDefault(false);
    connect(browseButton, &QPushButton::clicked, this,
            [this, edit, title] { browse(edit, title); });
    auto* row = new QHBoxLayout;
    row->addWidget(edit, 1);
    row->addWidget(browseButton);
    return row;
  };
  m_path = new QLineEdit(
      model.isEmpty() ? QString::fromStdString(settings.now().engine.model_path) : model, this);
  m_path->setAccessibleName(tr("Model file"));
  m_path->setPlaceholderText(tr("Path of a .gguf file or of a folder"));
  m_memory = new QLineEdit(QString::fromStdString(settings.now().engine.memory), this);
  m_memory->setAccessibleName(tr("N-gram memory"));
  m_memory->setPlaceholderText(tr("Empty: look for one that fits. “off”: none"));
  auto* form = new QFormLayout;
  form->setSpacing(9);
  form->addRow(tr("Model"), fileRow(m_path, tr("Choose a model"), tr("Browse for a model")));
  form->addRow(tr("N-gram memory"),
               fileRow(m_memory, tr("Choose an n-gram memory"), tr("Browse for a pack")));
  m_problem = new MessageLine(this);
  m_problem->setObjectName(QStringLiteral("problem"));

  m_recent = new QListWidget(this);
  m_recent->setAccessibleName(tr("Recent models"));
  for (const QString& path : recent) {
    auto* item =
        new QListWidgetItem(tr("%1   %2").arg(QFileInfo(path).fileName(), QFileInfo(path).path()));
    item->setData(Qt::UserRole, path);
    item->setToolTip(boundedText(path));
    m_recent->addItem(item);
  }
  m_recent->setMaximumHeight(std::min(
      130, m_recent->sizeHintForRow(0) * m_recent->count() + 2 * m_recent->frameWidth() + 8));
  auto* recentLabel = new QLabel(tr("Recent"));
  recentLabel->setProperty("kind", QStringLiteral("section"));
  recentLabel->setVisible(!recent.isEmpty());
  m_recent->setVisible(!recent.isEmpty());

  m_need = new QLabel(tr("RAM needed"));
  m_need->setProperty("kind", QStringLiteral("section"));
  m_parts = new QLabel(this);
  m_parts->setTextFormat(Qt::PlainText);
  m_parts->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_verdict = new MessageLine(this);

  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
  m_open = buttons->addButton(tr("Open"), QDialogButtonBox::AcceptRole);
  m_open->setProperty("kind", QStringLiteral("primary"));
  m_open->setDefault(true);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 18, 20, 16);
  layout->setSpacing(11);
  layout->addWidget(intro);
  layout->addLayout(form);
  layout->addWidget(m_problem);
  layout->addWidget(recentLabel);
  layout->addWidget(m_recent);
  layout->addWidget(m_need);
  layout->addWidget(m_parts);
  layout->addWidget(m_verdict);
  layout->addStretch();
  layout->addWidget(buttons);

  connect(m_path, &QLineEdit::textChanged, this, &OpenModelDialog::estimate);
  connect(m_memory, &QLineEdit::textChanged, this, &OpenModelDialog::estimate);
  // Not the current item: a list that gets the focus makes its first one the current one.
  connect(m_recent, &QListWidget::itemSelectionChanged, this, [this] {
    const auto chosen = m_recent->selectedItems();
    if (!chosen.isEmpty()) setPath(chosen.first()->data(Qt::UserRole).toString());
  });
  connect(m_recent, &QListWidget::itemActivated, this, [this] {
    if (m_open->isEnabled()) accept();
  });
  estimate();
}

QString OpenModelDialog::path() const {
  return pathFromText(m_path->text());
}
QString OpenModelDialog::memory() const {
  return pathFromText(m_memory->text());
}
void OpenModelDialog::setPath(const QString& path) {
  m_path->setText(path);
}

void OpenModelDialog::browse(QLineEdit* target, const QString& title) {
  const QString from = target->text().isEmpty() ? path() : pathFromText(target->text());
  const QString file = QFileDialog::getOpenFileName(this, title, QFileInfo(from).path(),
                                                    tr("Models (*.gguf *.safetensors config.json "
                                                       "*.index.json);;All files (*)"));
  if (!file.isEmpty()) target->setText(file);
}

void OpenModelDialog::estimate() {
  m_jobs.cancel(this, kEstimateJob);
  m_open->setEnabled(false);
  m_open->setText(tr("Open"));
  m_parts->clear();
  m_need->show();
  m_problem->say(MessageLine::Kind::note, {});
  if (path().isEmpty()) {
    m_verdict->say(MessageLine::Kind::note, tr("Choose a file to see what it needs."));
    return;
  }
  m_verdict->say(MessageLine::Kind::note, tr("Reading the file's header…"));
  EngineOptions options = m_layers.resolve(path().toStdString()).engine;
  options.model_path = path().toStdString();
  options.memory = memory().toStdString();
  m_jobs.start(
      this, kEstimateJob, [options](const Jobs::Stop&) { return estimate_memory(options); },
      [this](const Result<MemoryEstimate>& result) {
        if (result) {
          show(*result);
        } else {
          refuse(QString::fromStdString(result.error().message));
        }
      });
}

void OpenModelDialog::show(const MemoryEstimate& e) {
  QStringList parts;
  parts << tr("Weights %1").arg(format::bytes(e.weights_bytes));
  if (e.repacked_bytes > 0) {
    parts << tr("A copy of the weights, ordered for the CPU, %1")
                 .arg(format::bytes(e.repacked_bytes));
  }
  parts << tr("Keys and values %1, for the whole context").arg(format::bytes(e.kv_bytes));
  parts << tr("Buffers for computing %1").arg(format::bytes(e.scratch_bytes));
  parts << tr("N-gram rows %1").arg(format::bytes(e.row_cache_bytes));
  if (e.device_rows_bytes > 0 && !e.device.empty()) {
    parts << tr("Of these on the device, up to %1").arg(format::bytes(e.device_rows_bytes));
  }
  m_parts->setText(parts.join(QLatin1Char('\n')));
  const bool fits = e.device.empty() ? e.needed() <= e.free_bytes : e.device_layers > 0;
  const bool whole = e.device.empty() || e.device_layers == e.layers();
  m_verdict->say(fits && whole ? MessageLine::Kind::note : MessageLine::Kind::warning,
                 e.device.empty() ? ramVerdict(e) : deviceVerdict(e));
  m_open->setText(fits ? tr("Open") : tr("Open anyway"));
  m_open->setEnabled(true);
  resize(width(), std::max(height(), layout()->totalHeightForWidth(width())));
}

QString OpenModelDialog::ramVerdict(const MemoryEstimate& e) {
  const QString needed = format::bytes(e.needed());
  const QString free = format::bytes(e.free_bytes);
  if (e.needed() <= e.free_bytes) return tr("Together %1; %2 are free now.").arg(needed, free);
  return tr("Together %1, but only %2 are free now. The system may become slow or end the program; "
            "a smaller context in the settings needs less.")
      .arg(needed, free);
}

QString OpenModelDialog::deviceVerdict(const MemoryEstimate& e) {
  const QString device = QString::fromStdString(e.device);
  const QString free = format::bytes(e.device_free_bytes);
  if (e.device_layers == e.layers()) {
    return tr("%1 on %2, where %3 are free now.")
        .arg(format::bytes(e.device_bytes()), device, free);
  }
  if (e.device_layers > 0) {
    return tr("%1 of %2 layers go to %3, where %4 are free now; the others stay on the CPU and "
              "take "
              "longer.")
        .arg(e.device_layers)
        .arg(e.layers())
        .arg(device, free);
  }
  return tr("%1 on %2, where only %3 are free now: choose another device, fewer layers or a "
            "smaller "
            "context in the settings.")
      .arg(format::bytes(e.device_bytes()), device, free);
}

void OpenModelDialog::refuse(const QString& reason) {
  m_need->hide();
  m_verdict->say(MessageLine::Kind::note, {});
  m_problem->say(MessageLine::Kind::error, reason);
}

}  // namespace mneme

#include "moc_open_model_dialog.cpp"
