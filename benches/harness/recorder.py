"""A proxy before the gateway that keeps what one of our own restores writes: each batch in a file, with its headers.

It is slow beside the gateway, and only stands there while a restore is recorded, never while one is measured.
"""

import http.client
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

# of one hop, or said anew by whoever sends
NOT_PASSED_ON = ("connection", "content-length", "keep-alive", "transfer-encoding")


@dataclass
class Post:
    """A batch that was written."""

    target: str  # path and query, as they were sent
    headers: list  # pairs of name and value, without host and length; the key is among them
    body: Path
    size: int


@contextmanager
def recorder(url, folder):
    """Listens before `url` meanwhile; gives its own URL, and the list of batches, which grows in the order of requests."""
    posts = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(urlsplit(url).netloc, folder, posts))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    ordered = []
    try:
        yield f"http://127.0.0.1:{server.server_port}", ordered
        ordered += [posts[number] for number in sorted(posts)]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def handler(upstream, folder, posts):
    """Passes requests on to `upstream`, and puts what was written into `posts`, by number."""
    numbers, lock = iter(range(10**9)), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self):
            super().setup()
            self.upstream = http.client.HTTPConnection(upstream)

        def finish(self):
            self.upstream.close()
            super().finish()

        def pass_on(self):
            with lock:
                number = next(numbers)
            if "transfer-encoding" in self.headers:
                return self.send_error(501, "a body of unknown length is not recorded")
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer, content = self.ask(body)
            # a rehearsal is taken back (406), and a request of no rows writes nothing
            if self.command == "POST" and answer.status == 201 and len(body) > len("[]"):
                self.keep(number, body)
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in NOT_PASSED_ON:
                    self.send_header(name, value)
            length = answer.getheader("content-length", len(content) if self.command != "HEAD" else None)
            if length is not None:
                self.send_header("content-length", length)
            try:
                self.end_headers()
                self.wfile.write(content)
            except ConnectionError:  # a page beyond the table's end may be given up before its answer comes
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_DELETE = pass_on

        def ask(self, body):
            self.upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                self.upstream.putheader(name, value)
            self.upstream.endheaders(body or None)
            answer = self.upstream.getresponse()
            return answer, answer.read()

        def keep(self, number, body):
            file = folder / f"{number}.json"
            file.write_bytes(body)
            said = [(n.lower(), v) for n, v in self.headers.items()]
            headers = [(n, v) for n, v in said if n not in (*NOT_PASSED_ON, "host")]
            posts[number] = Post(self.path, headers, file, len(body))

    return Handler
