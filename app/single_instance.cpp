// SPDX-License-Identifier: Apache-2.0
#include "app/single_instance.h"

#include <sys/socket.h>

#include <QLocalSocket>

#include "base/log.h"
#include "base/private_file.h"

namespace mneme {

namespace {

constexpr int kConnectMs = 500;
constexpr char kAnswer = '!';
constexpr qint64 kLineMax = 65536;  // of a path in base64: a name may hold a line break

}  // namespace

SingleInstance::SingleInstance(const QString& folder, QObject* parent)
    : QObject(parent), m_name(folder + QStringLiteral("/mneme.sock")) {
  if (const Status made = make_private_folder(folder.toStdString()); !made) {
    log_warning("app", "{}", made.error().message);
  }
  m_server.setSocketOptions(QLocalServer::UserAccessOption);
  connect(&m_server, &QLocalServer::newConnection, this, [this] {
    while (QLocalSocket* socket = m_server.nextPendingConnection()) receive(socket);
  });
}

// Answers at once, and waits for the line that the other sends, or for its end.
void SingleInstance::receive(QLocalSocket* socket) {
  socket->setReadBufferSize(kLineMax);
  socket->putChar(kAnswer);
  const auto read = [this, socket] {
    if (!socket->canReadLine()) return;
    const QByteArray line = socket->readLine(kLineMax);
    socket->disconnectFromServer();
    Q_EMIT notified(QString::fromUtf8(QByteArray::fromBase64(line.trimmed())));
  };
  connect(socket, &QLocalSocket::readyRead, this, read);
  connect(socket, &QLocalSocket::disconnected, socket, &QObject::deleteLater);
  read();
}

// The system connects us to a program that hangs too; only its answer says that it shows a window.
SingleInstance::Other SingleInstance::notify(std::chrono::milliseconds patience,
                                             const QString& model) {
  QLocalSocket socket;
  socket.connectToServer(m_name);
  if (!socket.waitForConnected(kConnectMs)) return Other::none;
  ucred peer{};
  socklen_t size = sizeof peer;
  const int fd = static_cast<int>(socket.socketDescriptor());
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) m_process = peer.pid;
  socket.write(model.toUtf8().toBase64() + '\n');
  socket.flush();
  if (socket.bytesAvailable() > 0 || socket.waitForReadyRead(static_cast<int>(patience.count()))) {
    return Other::answered;
  }
  // One that ended meanwhile leaves the place to us.
  return socket.state() == QLocalSocket::ConnectedState ? Other::silent : Other::none;
}

void SingleInstance::listen() {
  if (m_server.listen(m_name)) return;
  // No process answered, so the file is what a killed program left behind.
  QLocalServer::removeServer(m_name);
  if (!m_server.listen(m_name)) {
    log_warning("app", "a second start will open a second window: {}",
                m_server.errorString().toStdString());
  }
}

}  // namespace mneme
