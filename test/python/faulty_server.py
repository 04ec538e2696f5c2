"""A web server over a folder that does what it is told: the faults that a feed's client has to live with."""

import hashlib
import http.client
import os
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FaultyServer:
    """`with FaultyServer(folder) as server`: `server.act` is called with each request and returns what to do, None for what a server should:
    a dict with `status`, `headers`, `body` (a function of the right one), `cut` (bytes after which the connection ends), `drop`, `hang`
    or `drip` (until the server closes), `tag`, `ranges` False, `then` (to do behind the body). What is posted goes on to `taker`, a port of this
    machine, unless `drop`, `hang` or `status` says otherwise."""

    def __init__(self, folder, act=None, taker=None):
        self.folder = folder
        self.taker = taker
        self.act = act or (lambda request: None)
        self.requests = Counter()
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 60

            def do_GET(self):
                server.answer(self)

            do_HEAD = do_POST = do_GET

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/feed/"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request):
        path = request.path.split("//")[0]
        request.posted = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        self.requests[request.command, path] += 1
        request.count = self.requests[request.command, path]
        fault = self.act(request) or {}
        if fault.get("drop"):
            request.close_connection = True
            return
        if "hang" in fault:
            self.closing.wait(60)
            request.close_connection = True
            return
        if request.command == "POST" and "status" not in fault:
            status, answer = self._pass_on(request)
            self._send(request, status, fault.get("headers", {}), fault.get("body", lambda body: body)(answer), fault)
            return
        file = os.path.join(self.folder, *path.strip("/").split("/"))
        if "status" not in fault and not os.path.isfile(file):
            fault = {"status": 404}
        if "status" in fault:
            self._send(request, fault["status"], fault.get("headers", {}), b"no")
            return
        with open(file, "rb") as opened:
            whole = opened.read()
        self._send_file(request, fault.get("body", lambda body: body)(whole), fault)

    def _pass_on(self, request):
        connection = http.client.HTTPConnection("127.0.0.1", self.taker, timeout=10)
        try:
            connection.request("POST", request.path, request.posted, {"Content-Type": request.headers["Content-Type"]})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 502, b"no"
        finally:
            connection.close()

    def _send_file(self, request, whole, fault):
        tag = fault.get("tag", f'"{hashlib.sha256(whole).hexdigest()[:16]}"')
        headers = {"ETag": tag, **fault.get("headers", {})}
        asked = request.headers.get("Range")
        if asked is None or not fault.get("ranges", True) or request.headers.get("If-Range", tag) != tag:
            self._send(request, 200, headers, whole, fault)
            return
        start = int(asked[len("bytes=") : -1])
        if start >= len(whole):
            self._send(request, 416, {"Content-Range": f"bytes */{len(whole)}"}, b"")
            return
        self._send(request, 206, {**headers, "Content-Range": f"bytes {start}-{len(whole) - 1}/{len(whole)}"}, whole[start:], fault)

    def _send(self, request, status, headers, body, fault={}):
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command == "HEAD":
            return
        if fault.get("drip"):
            for at in range(len(body)):
                request.wfile.write(body[at : at + 1])
                if self.closing.wait(0.05):
                    break
        cut = fault.get("cut", len(body))
        request.wfile.write(body[:cut])
        request.close_connection = request.close_connection or cut < len(body)
        if "then" in fault:
            request.wfile.flush()
            fault["then"]()
