"""A receiver of webhooks on this machine."""

import threading
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Keeps what it is sent as `(path, headers, body)`; `answers` are `(status, headers)` to give before 200s."""

    def __init__(self, origin):
        self.origin = origin
        self.got = []
        self.answers = deque()
        self.on_request = lambda path, headers, body: None

    def take(self, path, headers, body):
        """Keep a request and give the answer: what `on_request` says, the next of `answers`, or 200."""
        self.got.append((path, headers, body))
        said = self.on_request(path, headers, body)
        return said or (self.answers.popleft() if self.answers else (200, {}))


@contextmanager
def receiving():
    """Serve a receiver on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = receiver.take(self.path, headers, body)
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_arguments):
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
