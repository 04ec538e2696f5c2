"""Reads a feed from a bucket, by fsspec and s3fs, and holds it against the folder: test_s3.py FEED_DIR WORK_DIR SEED

The server is moto's, which speaks the protocol of S3 as boto3 does.
"""

import logging
import os
import sys

import boto3
from moto.server import ThreadedMotoServer

from support import error_of
from headrace import Feed


def main(path, work, _seed):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
        client = boto3.client("s3")
        client.create_bucket(Bucket="feeds")
        put(client, path, "run/feed")
        put(client, os.path.join(os.path.dirname(path), "shards"), "run/shards")
        compare(path, "s3://feeds/run/feed", os.path.join(work, "cache"))
        assert "s3://feeds/run/none" in str(error_of(lambda: Feed("s3://feeds/run/none", timeout=1, cache=os.path.join(work, "none"))))
    finally:
        server.stop()


def put(client, folder, prefix):
    for base, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(base, name)
            client.upload_file(file, "feeds", f"{prefix}/{os.path.relpath(file, folder)}")


def compare(path, url, cache):
    for rank, world in ((0, 1), (1, 3)):
        steps = 0
        remote = Feed(url, rank, world, cache=cache)
        for here, there in zip(Feed(path, rank, world), remote, strict=True):
            assert here["digest"] == there["digest"] and here["documents"] == there["documents"]
            assert here["input_ids"].tobytes() == there["input_ids"].tobytes()
            steps += 1
        assert steps == remote.head["steps"] > 0


if __name__ == "__main__":
    os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1")
    main(*sys.argv[1:])
