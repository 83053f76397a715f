// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/download_way.h"

#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>
#include <utility>

#include "ui/bridge/settings_file.h"
#include "ui/format.h"
#include "ui/plain_text.h"
#include "ui/views/window/message_line.h"

namespace mneme {
namespace {

using State = ModelDownload::State;

const QString kFolderKey = QStringLiteral("window/download_folder");
constexpr int kBarSteps = 1000;

QLabel* muted(QWidget* parent) {
  auto* label = new QLabel(parent);
  label->setProperty("kind", QStringLiteral("muted"));
  return label;
}

}  // namespace

QString DownloadWay::folderFor(const SettingsFile& file, const QString& folder) {
  const QString chosen = file.value(kFolderKey).toString();
  return chosen.isEmpty() ? folder : chosen;
}

DownloadWay::DownloadWay(ModelDownload& download, SettingsFile& file, QWidget* parent)
    : QWidget(parent), m_download(download), m_file(file), m_ask([this](const QString& now) {
        return QFileDialog::getExistingDirectory(this, tr("Where the model is to lie"), now);
      }) {
  auto* title = new QLabel(tr("Download"), this);
  title->setProperty("kind", QStringLiteral("title"));
  m_about = muted(this);
  m_about->setWordWrap(true);
  m_bar = new QProgressBar(this);
  m_bar->setRange(0, kBarSteps);
  m_bar->setTextVisible(false);
  m_bar->setAccessibleName(tr("Progress of the download"));
  m_amount = muted(this);
  m_left = muted(this);
  m_problem = new MessageLine(this);
  m_problem->setWordWrap(true);
  m_start = new QPushButton(this);
  m_pause = new QPushButton(tr("Pause"), this);
  m_pause->setAccessibleName(tr("Pause the download"));
  m_cancel = new QPushButton(tr("Cancel"), this);
  m_cancel->setAccessibleName(tr("Cancel the download and remove what came"));
  m_place = new QPushButton(tr("Choose another place…"), this);
  m_place->setAccessibleName(tr("Choose another place for the model"));

  auto* figures = new QHBoxLayout;
  figures->addWidget(m_amount, 1);
  figures->addWidget(m_left);
  auto* buttons = new QHBoxLayout;
  buttons->setSpacing(8);
  for (QPushButton* button : {m_start, m_pause, m_cancel, m_place}) buttons->addWidget(button);
  buttons->addStretch();
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(6);
  layout->addWidget(title);
  layout->addWidget(m_about);
  layout->addWidget(m_bar);
  layout->addLayout(figures);
  layout->addWidget(m_problem);
  layout->addStretch();
  layout->addLayout(buttons);

  connect(m_start, &QPushButton::clicked, &m_download, &ModelDownload::start);
  connect(m_pause, &QPushButton::clicked, &m_download, &ModelDownload::pause);
  connect(m_cancel, &QPushButton::clicked, &m_download, &ModelDownload::cancel);
  connect(m_place, &QPushButton::clicked, this, &DownloadWay::chooseFolder);
  connect(&m_download, &ModelDownload::changed, this, &DownloadWay::refresh);
  if (m_download.state() == State::idle) m_download.look();
  refresh();
}

void DownloadWay::chooseFolder() {
  const QString folder = m_ask(m_download.folder());
  if (folder.isEmpty()) return;
  m_file.setValue(kFolderKey, folder);
  m_download.setFolder(folder);
}

void DownloadWay::refresh() {
  const State state = m_download.state();
  const DownloadOffer& offer = m_download.offer();
  const quint64 bytes = m_download.bytes();
  const bool running = m_download.running();
  const bool begun = bytes > 0 || running || state == State::paused || state == State::failed;

  m_about->setText(
      tr("%1, %2, %3, from %4. Digest checked, stops and goes on.")
          .arg(offer.name, format::bytes(offer.bytes), offer.licence, offer.url.host()));
  m_about->setToolTip(boundedText(tr("It will be %1").arg(m_download.path())));
  m_bar->setVisible(begun && state != State::done);
  m_bar->setValue(
      static_cast<int>(static_cast<double>(bytes) * kBarSteps / static_cast<double>(offer.bytes)));
  const double speed = m_download.bytesPerSecond();
  QString amount = format::bytesOf(bytes, offer.bytes);
  QString left;
  switch (state) {
    case State::receiving:
      if (speed > 0) {
        amount = tr("%1, %2").arg(amount, format::bytesPerSecond(speed));
        left = format::timeLeft(static_cast<double>(offer.bytes - bytes) / speed);
      }
      break;
    case State::checking:
      left = tr("looking at what is here");
      break;
    case State::connecting:
      left = tr("connecting");
      break;
    case State::finishing:
      left = tr("checking the digest");
      break;
    case State::paused:
      left = tr("paused");
      break;
    case State::idle:
    case State::failed:
      break;
    case State::done:
      amount = tr("It is here: %1").arg(m_download.path());
      break;
  }
  m_amount->setText(amount);
  m_amount->setVisible(begun);
  m_left->setText(left);
  m_left->setVisible(!left.isEmpty());
  m_problem->say(MessageLine::Kind::error, m_download.problem());

  m_start->setText(state == State::failed ? tr("Try again") : begun ? tr("Go on") : tr("Download"));
  m_start->setAccessibleName(tr("%1: %2").arg(m_start->text(), offer.name));
  // What comes is shown before what goes, so that the keyboard's focus stays here.
  const bool focused = m_start->hasFocus() || m_pause->hasFocus() || m_cancel->hasFocus();
  const std::pair<QPushButton*, bool> wanted[] = {
      {m_start, !running && state != State::done},
      {m_pause, running && state != State::finishing},
      {m_cancel, begun && state != State::finishing && state != State::done},
      {m_place, state == State::failed && m_download.placeIsTheProblem()}};
  for (const auto& [button, shown] : wanted) {
    if (shown) button->show();
  }
  if (focused && m_start->isHidden() == running) (running ? m_pause : m_start)->setFocus();
  for (const auto& [button, shown] : wanted) {
    if (!shown) button->hide();
  }
}

}  // namespace mneme

#include "moc_download_way.cpp"
