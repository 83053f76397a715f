// SPDX-License-Identifier: Apache-2.0
// A web server for tests, on this thread: it notes what it was asked, and answers each request as
// the test says, the last answer again and again.
#pragma once

#include <QHash>
#include <QTcpServer>
#include <QTcpSocket>
#include <functional>
#include <vector>

namespace mneme {

class DownloadServer : public QTcpServer {
 public:
  struct Request {
    QByteArray path;
    QHash<QByteArray, QByteArray> headers;  // names in lower case
  };
  using Answer = std::function<void(const Request&, QTcpSocket&)>;

  DownloadServer() {
    connect(this, &QTcpServer::newConnection, this, [this] {
      while (QTcpSocket* socket = nextPendingConnection()) {
        ++connections;
        connect(socket, &QTcpSocket::readyRead, this, [this, socket] { read(*socket); });
        connect(socket, &QTcpSocket::disconnected, socket, &QObject::deleteLater);
      }
    });
    listen(QHostAddress::LocalHost);
  }

  QUrl url(const QString& path, const QString& scheme = QStringLiteral("http")) const {
    return QUrl(QStringLiteral("%1://127.0.0.1:%2%3").arg(scheme).arg(serverPort()).arg(path));
  }

  // A whole answer: `body` may be shorter or longer than the length that the headers tell.
  static Answer send(const QByteArray& status, const QByteArray& headers, const QByteArray& body,
                     bool close = true) {
    return [=](const Request&, QTcpSocket& socket) {
      socket.write("HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers + "\r\n" + body);
      if (close) socket.disconnectFromHost();
    };
  }
  static QByteArray length(qsizetype bytes) {
    return "Content-Length: " + QByteArray::number(bytes) + "\r\n";
  }
  // As servers of files do: all of it, or what Range asks for while If-Range fits.
  static Answer file(const QByteArray& body, const QByteArray& tag) {
    return [=](const Request& request, QTcpSocket& socket) {
      const QByteArray range = request.headers.value("range");
      const QByteArray tagged = "ETag: " + tag + "\r\n";
      if (range.isEmpty() || request.headers.value("if-range", tag) != tag) {
        send("200 OK", tagged + length(body.size()), body)(request, socket);
        return;
      }
      const qsizetype first = range.mid(6).chopped(1).toLongLong();  // "bytes=N-"
      send("206 Partial Content",
           tagged + length(body.size() - first) + "Content-Range: bytes " +
               QByteArray::number(first) + "-" + QByteArray::number(body.size() - 1) + "/" +
               QByteArray::number(body.size()) + "\r\n",
           body.mid(first))(request, socket);
    };
  }

  std::vector<Answer> answers;
  std::vector<Request> requests;
  int connections = 0;

 private:
  void read(QTcpSocket& socket) {
    QByteArray& text = m_begun[&socket];
    text += socket.readAll();
    if (!text.contains("\r\n\r\n")) return;
    Request request;
    const QList<QByteArray> lines = text.left(text.indexOf("\r\n\r\n")).split('\n');
    request.path = lines.first().split(' ').value(1);
    for (const QByteArray& line : lines.mid(1)) {
      const auto colon = line.indexOf(':');
      request.headers.insert(line.left(colon).toLower(), line.mid(colon + 1).trimmed());
    }
    m_begun.remove(&socket);
    requests.push_back(request);
    answers.at(std::min(requests.size(), answers.size()) - 1)(request, socket);
  }

  QHash<QTcpSocket*, QByteArray> m_begun;
};

}  // namespace mneme
