"""Copy a bucket into a folder (`out ENDPOINT FOLDER`) or back (`in ENDPOINT FOLDER`), as `aws s3 sync` does."""

import sys
from pathlib import Path

import obstore
from obstore.store import S3Store


def main(direction: str, endpoint: str, folder: Path) -> None:
    config = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "key", "secret_access_key": "secret"}
    store = S3Store("payloads", config=config, client_options={"allow_http": True})  # type: ignore[arg-type]
    if direction == "in":
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            obstore.put(store, path.relative_to(folder).as_posix(), path.read_bytes())
        return
    for page in obstore.list(store):
        for each in page:
            target = folder / each["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(bytes(obstore.get(store, each["path"]).bytes()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
