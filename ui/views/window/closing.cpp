// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/closing.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QMessageBox>
#include <QPushButton>
#include <QWidget>

#include "ui/bridge/conversation.h"
#include "ui/bridge/drafts.h"

namespace mneme {
namespace {

constexpr int kPatienceMs = 1500;

}  // namespace

Closing::Closing(QWidget& window, Conversation& conversation, Drafts& drafts, SaveWatch& watch)
    : m_window(window), m_conversation(conversation), m_drafts(drafts), m_watch(watch) {
  m_patience.setSingleShot(true);
  m_patience.setInterval(kPatienceMs);
  connect(&m_patience, &QTimer::timeout, this, [this] {
    if (m_conversation.answering() && m_answerEnds) {
      m_answerEnds = false;  // a stalled drive: what it said until now is what is saved
      save();
    } else {
      ask({});
    }
  });
  connect(&conversation, &Conversation::stateChanged, this, [this] {
    if (m_closing && m_answerEnds) save();
  });
  connect(&watch, &SaveWatch::saved, this, [this] {
    if (m_closing) save();
  });
}

Closing::~Closing() {
  delete m_question;
}

QMessageBox* Closing::question() const {
  return m_question;
}

bool Closing::mayClose() {
  if (m_sure) return true;
  if (m_closing) return false;
  const bool saved = !m_drafts.waiting() && !m_conversation.answering() &&
                     !m_conversation.posting() && m_watch.problem().isEmpty();
  m_drafts.flush();
  if (saved) return true;
  m_closing = true;
  m_answerEnds = true;
  m_conversation.stop();
  m_patience.start();
  save();
  return false;
}

void Closing::save() {
  if (m_conversation.posting()) return;  // stateChanged() comes
  if (m_conversation.answering() && m_answerEnds) return;
  m_patience.start();
  m_watch.ask([this](const std::vector<SaveWatch::Unsaved>& unsaved) {
    if (!m_closing) return;
    m_patience.stop();
    if (unsaved.empty()) {
      close();
    } else {
      ask(unsaved);
    }
  });
}

void Closing::ask(const std::vector<SaveWatch::Unsaved>& unsaved) {
  m_unsaved = unsaved;
  if (m_question == nullptr) {
    m_question =
        new QMessageBox(QMessageBox::Warning, QStringLiteral("Mneme"),
                        tr("Not everything is saved yet."), QMessageBox::NoButton, &m_window);
    m_question->setTextFormat(Qt::PlainText);
    QPushButton* copy = m_question->addButton(tr("C&opy the text"), QMessageBox::ActionRole);
    copy->setObjectName(QStringLiteral("copyUnsaved"));
    copy->disconnect();  // it does not end the question
    connect(copy, &QPushButton::clicked, this, [this] {
      QStringList texts;
      for (const SaveWatch::Unsaved& one : m_unsaved) texts << one.text;
      QGuiApplication::clipboard()->setText(texts.join(QStringLiteral("\n\n")));
    });
    QPushButton* lose =
        m_question->addButton(tr("Close &without saving"), QMessageBox::DestructiveRole);
    lose->setObjectName(QStringLiteral("closeUnsaved"));
    QPushButton* wait = m_question->addButton(tr("&Keep the window"), QMessageBox::RejectRole);
    m_question->setDefaultButton(wait);
    m_question->setEscapeButton(wait);
    connect(m_question, &QMessageBox::finished, this, [this, lose] {
      if (m_question->clickedButton() == lose) {
        close();
      } else {
        stay();
      }
    });
  }
  QStringList what;
  bool readable = false;
  for (const SaveWatch::Unsaved& one : m_unsaved) {
    if (!what.contains(one.what)) what << one.what;
    readable = readable || !one.text.isEmpty();
  }
  const QString problem =
      m_watch.problem().isEmpty() ? tr("The disk does not answer") : m_watch.problem();
  m_question->setInformativeText(
      tr("%1.\n\nNot on disk: %2. It is tried again every two seconds; the window closes by itself "
         "once it is saved.")
          .arg(problem,
               what.isEmpty() ? tr("what was typed last") : what.join(QStringLiteral(", "))));
  m_question->findChild<QPushButton*>(QStringLiteral("copyUnsaved"))->setEnabled(readable);
  m_question->open();
}

void Closing::close() {
  m_sure = true;
  if (m_question != nullptr) m_question->deleteLater();
  m_window.close();
}

void Closing::stay() {
  m_closing = false;
  m_patience.stop();
  if (m_question != nullptr) m_question->deleteLater();
  m_question.clear();
}

}  // namespace mneme

#include "moc_closing.cpp"
